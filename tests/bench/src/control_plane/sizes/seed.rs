//! Fills a store with finished jobs, through the store's own encoder: each record is what the functions of a job's
//! life make of it, and goes in with the script that accepts jobs, so that it has every index entry that it would have.

use std::time::Duration;

use anyhow::{Context, ensure};
use domain::{ClaimId, Finish, JobId, LeaseToken, Outcome, WorkerId};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use job_scheduler::job_record::JobRecord;
use job_scheduler::lifecycle::{Jitter, Rules, accept, finish, grant};
use job_scheduler::settings::Settings;
use job_scheduler::store::{Created, IntakeTerms, Store};
use job_scheduler::task::Task;

use super::super::copies::spec;
use crate::plan::MIB;

/// Whose jobs nine of ten are.
pub(super) const TENANT: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
/// How many tenants share the rest.
const OTHERS: usize = 1_000;
/// Over how long before now they are spread: less than finished jobs are kept.
const SPREAD: SignedDuration = SignedDuration::from_hours(20 * 24);
/// Jobs on their way to Redis at once, which makes of them pipelines.
const AT_ONCE: usize = 256;

/// Fills the store; gives a job of [`TENANT`] from the middle of them.
///
/// # Errors
/// When the store refuses one.
pub(super) async fn fill(
    store: &impl Store,
    settings: &Settings,
    count: usize,
    now: Timestamp,
) -> anyhow::Result<JobId> {
    let middle = JobId::generate();
    let step = SPREAD / i32::try_from(count)?;
    let jobs = (0..count).map(|number| {
        let at = now - SPREAD + step * i32::try_from(number)?;
        let (id, tenant) = match number {
            _ if number == count / 2 => (middle, TENANT.to_owned()),
            _ if number % 10 < 9 => (JobId::generate(), TENANT.to_owned()),
            _ => (JobId::generate(), format!("other-{}", number % OTHERS)),
        };
        finished(id, &tenant, at, &settings.rules)
    });
    stream::iter(jobs)
        .map(|record| async move { put(store, &record?, settings, now).await })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    Ok(middle)
}

/// A job that was accepted at a moment, granted a second later and done within a minute.
fn finished(
    id: JobId,
    tenant: &str,
    accepted: Timestamp,
    rules: &Rules,
) -> anyhow::Result<JobRecord> {
    let record = accept(id, Task::Copy(spec(tenant)), None, accepted, rules);
    let token = LeaseToken::generate();
    let (claim, worker) = (
        ClaimId::from_uuid(uuid::Uuid::new_v4()),
        WorkerId::new("benchmark"),
    );
    let granted = accepted + Duration::from_secs(1);
    let record = grant(&record, token, claim, worker, granted, rules)?;
    let end = Finish {
        job_id: id,
        lease_token: token,
        outcome: Outcome::Replicated {
            image: record.attempt_image(),
        },
        settled: Vec::new(),
        bytes_copied: 1024 * MIB,
    };
    let ended = granted + Duration::from_secs(59);
    let (record, _) = finish(&record, &end, ended, Jitter(0.0), rules)?;
    let record = record.context("a finish that changes nothing")?;
    ensure!(record.is_over(), "a job that is not over: {record:?}");
    Ok(record)
}

async fn put(
    store: &impl Store,
    record: &JobRecord,
    settings: &Settings,
    now: Timestamp,
) -> anyhow::Result<()> {
    let terms = IntakeTerms {
        wished_by: None,
        not_after: None,
        queued_per_tenant: None,
        idempotency_window: settings.idempotency_window,
        first_ticket_at: now,
    };
    let created = store.create(record, &terms, now).await?;
    ensure!(
        matches!(created, Created::New { .. }),
        "a new job is {created:?}"
    );
    Ok(())
}
