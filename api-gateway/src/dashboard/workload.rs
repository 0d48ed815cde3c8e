//! `GET /dashboard/api/workload`: what is going on, for who sees all: every region's queue, who works on what, and whose limits
//! are in use.
//!
//! A worker is seen by what it holds: of one that waits for work nobody knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use proto::v1;
use serde::Serialize;

use crate::answer::Document;
use crate::app::App;
use crate::auth::Caller;
use crate::fault::Fault;
use crate::scope::Scope;

/// Everything on one page.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Workload {
    limits: Limits,
    regions: Vec<Region>,
    workers: Vec<Worker>,
    tenants: Vec<Tenant>,
    /// Workers hold more than is told.
    is_cut_off: bool,
}

/// Copies at once.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Limits {
    copies_per_tenant: u64,
    copies_per_source: u64,
    copies_per_destination: u64,
}

/// A destination region.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Region {
    id: String,
    running_into: u64,
    running_out_of: u64,
    /// Copies that wait for a worker.
    waiting: u64,
    /// Clean-ups and errands that do.
    errands_waiting: u64,
    leftovers: u64,
    drained_by: Option<String>,
    drained_since: Option<Timestamp>,
}

/// A worker that holds something.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Worker {
    id: String,
    region_id: String,
    units: Vec<Unit>,
}

/// What it holds.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Unit {
    job_id: String,
    kind: String,
    stage: Option<String>,
    source_region_id: String,
    image_name: String,
    copy_progress: u32,
    /// The lease is over, and nobody has taken over yet.
    is_lapsed: bool,
}

/// A tenant with copies that run or wait.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Tenant {
    source_region_id: String,
    tenant_id: String,
    destination_region_id: String,
    running: u64,
    waiting: u64,
    open: u64,
}

/// Shows it.
pub(super) async fn show_workload(
    caller: Caller,
    State(app): State<Arc<App>>,
    scope: Scope,
) -> Result<Document<Workload>, Fault> {
    if !caller.sees_all {
        return Err(Fault::Forbidden(
            "None of your roles allows you to see what goes on for everybody.".to_owned(),
        ));
    }
    let viewer = app.jobs_visible_to(&caller);
    let told = app.scheduler.workload(&viewer, scope.deadline()).await?;
    Ok(Document(told.into()))
}

impl From<v1::ShowWorkloadResponse> for Workload {
    fn from(told: v1::ShowWorkloadResponse) -> Self {
        let limits = told.limits.unwrap_or_default();
        let waiting = |region: &str| -> u64 {
            let into = limits
                .tenants
                .iter()
                .filter(|it| it.destination_region_id == region);
            into.map(|tenant| tenant.waiting).sum()
        };
        let regions = limits.regions.iter().map(|region| Region {
            waiting: waiting(&region.region_id),
            id: region.region_id.clone(),
            running_into: region.running_into,
            running_out_of: region.running_out_of,
            errands_waiting: region.errands_waiting,
            leftovers: region.leftovers,
            drained_by: region.drain.as_ref().map(|drain| drain.operator.clone()),
            drained_since: region
                .drain
                .as_ref()
                .and_then(|drain| Timestamp::from_millisecond(drain.since_ms).ok()),
        });
        Self {
            regions: regions.collect(),
            workers: workers(told.leased),
            tenants: limits.tenants.iter().map(Tenant::from).collect(),
            limits: Limits {
                copies_per_tenant: limits.copies_per_tenant,
                copies_per_source: limits.copies_per_source,
                copies_per_destination: limits.copies_per_destination,
            },
            is_cut_off: told.is_cut_off,
        }
    }
}

impl From<&v1::TenantUse> for Tenant {
    fn from(tenant: &v1::TenantUse) -> Self {
        Self {
            source_region_id: tenant.source_region_id.clone(),
            tenant_id: tenant.tenant_id.clone(),
            destination_region_id: tenant.destination_region_id.clone(),
            running: tenant.running,
            waiting: tenant.waiting,
            open: tenant.open,
        }
    }
}

/// The workers by region and id, each with what it holds.
fn workers(leased: Vec<v1::AdminJob>) -> Vec<Worker> {
    let mut held: BTreeMap<(String, String), Vec<Unit>> = BTreeMap::new();
    for job in leased {
        let Some(lease) = job.lease else { continue };
        held.entry((job.region_id, lease.worker_id))
            .or_default()
            .push(Unit {
                job_id: job.job_id,
                kind: lease.kind,
                stage: lease.stage,
                source_region_id: job.source_region_id,
                image_name: job
                    .spec
                    .map(|spec| spec.source_image_name)
                    .unwrap_or_default(),
                copy_progress: job.copy_progress,
                is_lapsed: lease.is_lapsed,
            });
    }
    let workers = held.into_iter().map(|((region_id, id), units)| Worker {
        id,
        region_id,
        units,
    });
    workers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str, destination: &str, waiting: u64) -> v1::TenantUse {
        v1::TenantUse {
            source_region_id: "ot1".to_owned(),
            tenant_id: name.to_owned(),
            destination_region_id: destination.to_owned(),
            running: 1,
            waiting,
            open: waiting + 1,
        }
    }

    fn leased(job: &str, worker: Option<&str>) -> v1::AdminJob {
        v1::AdminJob {
            job_id: job.to_owned(),
            region_id: "ot2".to_owned(),
            lease: worker.map(|worker| v1::AdminLease {
                kind: "copy".to_owned(),
                worker_id: worker.to_owned(),
                ..v1::AdminLease::default()
            }),
            ..v1::AdminJob::default()
        }
    }

    #[test]
    fn a_regions_queue_is_what_its_tenants_wait_for() {
        let region = |id: &str| v1::RegionUse {
            region_id: id.to_owned(),
            ..v1::RegionUse::default()
        };
        let limits = v1::AdminShowLimitsResponse {
            regions: vec![region("ot1"), region("ot2")],
            tenants: vec![tenant("a", "ot2", 3), tenant("b", "ot2", 4)],
            ..v1::AdminShowLimitsResponse::default()
        };
        let told = v1::ShowWorkloadResponse {
            limits: Some(limits),
            leased: vec![
                leased("1", Some("w1")),
                leased("2", None),
                leased("3", Some("w1")),
            ],
            is_cut_off: false,
        };
        let shown = Workload::from(told);
        let waiting: Vec<u64> = shown.regions.iter().map(|region| region.waiting).collect();
        assert_eq!(waiting, [0, 7]);
        let held: Vec<usize> = shown
            .workers
            .iter()
            .map(|worker| worker.units.len())
            .collect();
        assert_eq!(held, [2]);
    }
}
