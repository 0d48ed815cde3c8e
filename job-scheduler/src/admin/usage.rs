//! The limits, and how much of them is in use: by region, by tenant.

use std::collections::BTreeMap;

use domain::{RegionId, TenantId};
use jiff::Timestamp;
use proto::v1;

use crate::job_record::{JobRecord, Owner};
use crate::jobs::Jobs;
use crate::status::CallError;
use crate::store::Due;
use crate::store::keys::unescape;
use crate::store::placement::running_lane;

/// Leases that are counted; far more than the limits of any cloud allow.
const MOST_LEASES: usize = 20_000;
/// Records that are read at once.
const READ_AT_ONCE: usize = 250;

/// Whose copies go where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    source: RegionId,
    tenant: TenantId,
    destination: RegionId,
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    running: u64,
    waiting: u64,
}

/// Reads them.
///
/// # Errors
/// The store's.
pub(crate) async fn usage(jobs: &Jobs) -> Result<v1::AdminShowLimitsResponse, CallError> {
    let (settings, store) = (&jobs.settings, &jobs.store);
    let limits = &settings.shape.limits;
    let mut ways: BTreeMap<Way, Count> = BTreeMap::new();
    let leases = store.due(Due::Lease, Timestamp::MAX, MOST_LEASES).await?;
    for ids in leases.chunks(READ_AT_ONCE) {
        for stored in store.load_many(ids).await? {
            if let Some(way) = running(&stored.record) {
                ways.entry(way).or_default().running += 1;
            }
        }
    }
    let drains: BTreeMap<_, _> = store.drains().await?.into_iter().collect();
    let mut regions = Vec::new();
    for region in &settings.shape.regions {
        let mut errands_waiting = 0;
        for (lane, waiting) in store.waiting(region).await? {
            if lane.is_errands() {
                errands_waiting = count(waiting);
            } else if let Some((source, tenant)) =
                unescape(&lane.source).zip(unescape(&lane.tenant))
            {
                let way = Way {
                    source: RegionId::new(source),
                    tenant: TenantId::new(tenant),
                    destination: region.clone(),
                };
                ways.entry(way).or_default().waiting = count(waiting);
            }
        }
        let sum = |of: &dyn Fn(&Way) -> bool| {
            let ways = ways.iter().filter(|(way, _)| of(way));
            ways.map(|(_, count)| count.running).sum()
        };
        regions.push(v1::RegionUse {
            region_id: region.to_string(),
            running_into: sum(&|way| way.destination == *region),
            running_out_of: sum(&|way| way.source == *region),
            errands_waiting,
            leftovers: count(store.census(region).await?.leftovers),
            drain: drains.get(region).map(|drain| v1::RegionDrain {
                region_id: region.to_string(),
                operator: drain.operator.clone(),
                since_ms: drain.since.as_millisecond(),
            }),
        });
    }
    let mut tenants = Vec::new();
    for (way, Count { running, waiting }) in ways {
        let owner = Owner {
            region: way.source.clone(),
            tenant: way.tenant.clone(),
        };
        tenants.push(v1::TenantUse {
            source_region_id: way.source.to_string(),
            tenant_id: way.tenant.to_string(),
            destination_region_id: way.destination.to_string(),
            running,
            waiting,
            open: count(store.open_jobs(&owner).await?),
        });
    }
    Ok(v1::AdminShowLimitsResponse {
        copies_per_tenant: count(limits.copies_per_tenant),
        copies_per_source: count(limits.copies_per_source),
        copies_per_destination: count(limits.copies_per_destination),
        queued_per_tenant: count(settings.queued_per_tenant),
        plans_per_tenant: count(settings.plans_per_tenant),
        regions,
        tenants,
    })
}

/// The way of a copy that runs.
fn running(record: &JobRecord) -> Option<Way> {
    running_lane(record)?;
    let spec = record.copy()?;
    Some(Way {
        source: spec.source.region.clone(),
        tenant: spec.source.tenant.clone(),
        destination: spec.destination.region.clone(),
    })
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
