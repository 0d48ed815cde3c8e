//! A job is accepted: a caller's once per id and per idempotency key and within the tenant's limit; what a plan or an
//! operator needs done once per id.

use domain::{CopySpec, JobId, RegionId};
use jiff::Timestamp;

use crate::job_record::{Act, Idempotency, JobRecord};
use crate::jobs::Jobs;
use crate::lifecycle::{accept, after};
use crate::metrics::Refusal;
use crate::status::CallError;
use crate::store::{Created, IntakeTerms, PlanVersion, StoreError, Stored};
use crate::task::Task;

/// A caller's request for a copy.
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
    let now = jobs.now();
    let task = Task::Copy(spec);
    knows(jobs, &task)?;
    let record = accept(id, task, idempotency, now, jobs.rules());
    let terms = IntakeTerms {
        wished_by: None,
        not_after,
        queued_per_tenant: Some(settings.queued_per_tenant),
        idempotency_window: settings.idempotency_window,
        first_ticket_at: after(now, settings.first_ticket),
    };
    let standing = match jobs.store.create(&record, &terms, now).await {
        Ok(Created::New { version }) => {
            note(jobs, &record);
            return Ok(Stored { record, version });
        }
        Ok(Created::Exists) => id,
        Ok(Created::KeyTaken(job)) => job,
        Err(StoreError::LimitReached) => {
            jobs.metrics.refused(Refusal::TenantLimit);
            let limit = settings.queued_per_tenant;
            return Err(CallError::TooManyJobs { limit });
        }
        Err(StoreError::TooLate) => return Err(CallError::CameTooLate),
        Err(error) => {
            if error == StoreError::Full {
                jobs.metrics.refused(Refusal::StoreFull);
            }
            return Err(error.into());
        }
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

/// Creates what a plan needs done, an errand or a copy, unless it stands already: the id is made of the fire
/// that it is for. The tenant's limit does not count, and no gateway announces it.
///
/// # Errors
/// [`CallError`]: unknown regions, the store; [`StoreError::Conflict`] when the plan has moved on since it wished.
pub async fn create_for_plan(
    jobs: &Jobs,
    wished_by: PlanVersion,
    id: JobId,
    task: Task,
) -> Result<(), CallError> {
    knows(jobs, &task)?;
    let now = jobs.now();
    let record = accept(id, task, None, now, jobs.rules());
    let terms = IntakeTerms {
        wished_by: Some(wished_by),
        not_after: None,
        queued_per_tenant: None,
        idempotency_window: jobs.settings.idempotency_window,
        first_ticket_at: now,
    };
    if let Created::New { .. } = jobs.store.create(&record, &terms, now).await? {
        note(jobs, &record);
        jobs.nudge.notify_waiters();
    }
    Ok(())
}

/// Creates what an operator wants done, unless it stands already; says which. As for plans, the tenant's limit does not
/// count and no gateway announces it.
///
/// # Errors
/// [`CallError`]: unknown regions, the store.
pub(crate) async fn create_for_operator(
    jobs: &Jobs,
    id: JobId,
    task: Task,
    act: Act,
) -> Result<(Stored, bool), CallError> {
    knows(jobs, &task)?;
    let now = jobs.now();
    let mut record = accept(id, task, None, now, jobs.rules());
    record.note(act);
    let terms = IntakeTerms {
        wished_by: None,
        not_after: None,
        queued_per_tenant: None,
        idempotency_window: jobs.settings.idempotency_window,
        first_ticket_at: now,
    };
    match jobs.store.create(&record, &terms, now).await? {
        Created::New { version } => {
            note(jobs, &record);
            jobs.nudge.notify_waiters();
            Ok((Stored { record, version }, false))
        }
        Created::Exists | Created::KeyTaken(_) => {
            let stored = jobs.store.load(id).await?.ok_or(CallError::NotFound)?;
            Ok((stored, true))
        }
    }
}

/// Whether every region of a task is configured.
fn knows(jobs: &Jobs, task: &Task) -> Result<(), CallError> {
    let unknown = |region: &&RegionId| !jobs.settings.knows(region);
    match [task.source_region(), task.region()]
        .into_iter()
        .find(unknown)
    {
        Some(region) => Err(CallError::Invalid(format!(
            "region `{region}` is not configured"
        ))),
        None => Ok(()),
    }
}

fn note(jobs: &Jobs, record: &JobRecord) {
    jobs.metrics.accepted(record);
    let owner = record.owner();
    tracing::info!(
        job.id = %record.id,
        job.task = record.task.kind().as_str(),
        plan.id = record.task.plan().map(tracing::field::display),
        source.region.id = %record.source_region(),
        destination.region.id = %record.region(),
        tenant.id = owner.as_ref().map(|owner| owner.tenant.as_str()),
        "accepted a job"
    );
}
