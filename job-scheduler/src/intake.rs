//! A job is accepted: once per id and per idempotency key, within the tenant's limit.

use domain::{CopySpec, JobId};
use jiff::Timestamp;

use crate::job_record::Idempotency;
use crate::jobs::Jobs;
use crate::lifecycle::{accept, after};
use crate::status::CallError;
use crate::store::{Created, IntakeTerms, StoreError, Stored};

/// A request for a job.
pub(crate) struct Wanted {
    pub(crate) id: JobId,
    pub(crate) spec: CopySpec,
    pub(crate) idempotency: Option<Idempotency>,
    /// Its sender gives up then, and sees to it that the job does not stand.
    pub(crate) not_after: Option<Timestamp>,
}

/// Accepts a job, or finds the one that stands already.
///
/// # Errors
/// [`CallError`]: unknown regions, a request that was given up, the tenant's limit, the store.
pub(crate) async fn create(jobs: &Jobs, wanted: Wanted) -> Result<Stored, CallError> {
    let Wanted {
        id,
        spec,
        idempotency,
        not_after,
    } = wanted;
    let settings = &jobs.settings;
    for region in [&spec.source.region, &spec.destination.region] {
        if !settings.knows(region) {
            return Err(CallError::Invalid(format!(
                "region `{region}` is not configured"
            )));
        }
    }
    let now = jobs.now();
    if not_after.is_some_and(|until| until < now) {
        return Err(CallError::CameTooLate);
    }
    let record = accept(id, spec, idempotency, now, jobs.rules());
    let terms = IntakeTerms {
        queued_per_tenant: settings.queued_per_tenant,
        idempotency_window: settings.idempotency_window,
        first_ticket_at: after(now, settings.first_ticket),
    };
    let standing = match jobs.store.create(&record, &terms, now).await {
        Ok(Created::New { version }) => {
            jobs.metrics.accepted();
            let spec = &record.spec;
            tracing::info!(
                job.id = %id,
                source.region.id = %spec.source.region,
                destination.region.id = %spec.destination.region,
                tenant.id = %spec.source.tenant,
                "accepted a job"
            );
            return Ok(Stored { record, version });
        }
        Ok(Created::Exists) => id,
        Ok(Created::KeyTaken(job)) => job,
        Err(StoreError::LimitReached) => {
            let limit = settings.queued_per_tenant;
            return Err(CallError::TooManyJobs { limit });
        }
        Err(error) => return Err(error.into()),
    };
    let stored = jobs
        .store
        .load(standing)
        .await?
        .ok_or(CallError::NotFound)?;
    // Ids are made by the gateway; one that names another tenant's job is not its to see.
    if stored.record.owner() != record.owner() {
        return Err(CallError::Invalid("job_id is taken".to_owned()));
    }
    Ok(stored)
}
