//! Lists of everybody's jobs: by time, by lease, by what they left behind.

use domain::{JobId, JobStatus, RegionId, TenantId};
use jiff::Timestamp;

use crate::job_record::JobRecord;
use crate::jobs::Jobs;
use crate::page_limit::PageLimit;
use crate::status::CallError;
use crate::store::{Due, PageQuery, Scope, Stored};

/// Records that are read at once.
const READ_AT_ONCE: usize = 250;
/// Records that one page looks at; a page may come short with another behind it.
const LOOKED_AT: usize = 5_000;

/// Which jobs.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    /// None: every status.
    pub(super) statuses: Vec<JobStatus>,
    /// The project that a copy was requested in, or that it goes to.
    pub(super) tenant: Option<TenantId>,
    /// A region that is read or written.
    pub(super) region: Option<RegionId>,
    /// Errands instead of copies.
    pub(super) errands: bool,
}

// === impl Filter ===

impl Filter {
    fn takes(&self, record: &JobRecord) -> bool {
        let of_tenant = |tenant: &TenantId| {
            record.copy().is_some_and(|spec| {
                spec.source.tenant == *tenant || spec.destination.tenant == *tenant
            })
        };
        let of_region =
            |region: &RegionId| record.region() == region || record.source_region() == region;
        // A status may have changed since the index was read.
        (self.statuses.is_empty() || self.statuses.contains(&record.status))
            && self.tenant.as_ref().is_none_or(of_tenant)
            && self.region.as_ref().is_none_or(of_region)
    }

    fn query(&self, after: Option<(Timestamp, JobId)>) -> PageQuery {
        PageQuery {
            scope: if self.errands {
                Scope::Errands
            } else {
                Scope::All
            },
            statuses: self.statuses.clone(),
            after,
            oldest_first: false,
            limit: READ_AT_ONCE,
        }
    }
}

/// A page, the newest first, and the marker of the next one.
///
/// # Errors
/// [`CallError`]: a marker that is no job, the store.
pub(super) async fn jobs(
    jobs: &Jobs,
    filter: &Filter,
    limit: PageLimit,
    marker: Option<JobId>,
) -> Result<(Vec<Stored>, Option<JobId>), CallError> {
    let mut after = match marker {
        None => None,
        Some(marker) => {
            let last = jobs.store.load(marker).await?;
            let last = last.ok_or_else(|| CallError::Invalid("marker: no such job".to_owned()))?;
            Some((last.record.created_at, marker))
        }
    };
    let (mut found, mut looked_at) = (Vec::new(), 0);
    while looked_at < LOOKED_AT {
        let ids = jobs.store.page(&filter.query(after)).await?;
        let is_last = ids.len() < READ_AT_ONCE;
        looked_at += ids.len();
        let records = jobs.store.load_many(&ids).await?;
        let Some(end) = records.last().map(|it| it.record.id) else {
            return Ok((found, None));
        };
        for stored in records {
            let (created_at, id) = (stored.record.created_at, stored.record.id);
            after = Some((created_at, id));
            if filter.takes(&stored.record) {
                found.push(stored);
            }
            if limit.is_reached_by(&found) {
                let more = !is_last || id != end;
                return Ok((found, more.then_some(id)));
            }
        }
        if is_last {
            return Ok((found, None));
        }
    }
    Ok((found, after.map(|(_, id)| id)))
}

/// Jobs under a lease that has not lapsed, the next to expire first; and whether there are more.
///
/// # Errors
/// The store's.
pub(crate) async fn leases(
    jobs: &Jobs,
    limit: PageLimit,
) -> Result<(Vec<Stored>, bool), CallError> {
    let due = jobs
        .store
        .due(Due::Lease, Timestamp::MAX, limit.to_ask_for())
        .await?;
    let mut found = load(jobs, &due).await?;
    let has_more = limit.cut(&mut found);
    Ok((found, has_more))
}

/// Jobs with images that are not settled and that nobody is making, those that have been there longest first, with
/// since when; and whether there are more.
///
/// # Errors
/// The store's.
pub(super) async fn leftovers(
    jobs: &Jobs,
    limit: PageLimit,
) -> Result<(Vec<(Stored, Timestamp)>, bool), CallError> {
    let mut found = Vec::new();
    for region in &jobs.settings.shape.regions {
        let ids = jobs
            .store
            .with_leftovers(region, limit.to_ask_for())
            .await?;
        found.extend(load(jobs, &ids).await?);
    }
    let mut found: Vec<(Stored, Timestamp)> = found
        .into_iter()
        .map(|stored| {
            let since = since(&stored.record);
            (stored, since)
        })
        .collect();
    found.sort_by_key(|(stored, since)| (*since, stored.record.id));
    let has_more = limit.cut(&mut found);
    Ok((found, has_more))
}

/// Since when a job's images wait to be settled: its end, or else the first attempt's begin.
fn since(record: &JobRecord) -> Timestamp {
    let end = record.finished_at.or(record.started_at);
    end.unwrap_or(record.created_at)
}

async fn load(jobs: &Jobs, ids: &[JobId]) -> Result<Vec<Stored>, CallError> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(READ_AT_ONCE) {
        found.extend(jobs.store.load_many(ids).await?);
    }
    Ok(found)
}
