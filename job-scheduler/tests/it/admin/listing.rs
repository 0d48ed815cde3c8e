//! Everybody's jobs, leases and leftovers; and that nothing secret is in them.

use std::collections::BTreeSet;

use domain::JobId;
use jiff::SignedDuration;
use proto::v1;
use tonic::Code;

use super::{limits, operator, show};
use crate::rig::{Rig, failed};
use crate::sample::{at, resolve, settings, spec};

fn query(limit: u32) -> v1::AdminListJobsRequest {
    v1::AdminListJobsRequest {
        operator: operator(),
        limit,
        ..v1::AdminListJobsRequest::default()
    }
}

/// The ids of all pages.
async fn listed(rig: &Rig, query: &v1::AdminListJobsRequest) -> Vec<String> {
    let (mut query, mut ids) = (query.clone(), Vec::new());
    loop {
        let page = rig.admin.clone().list_jobs(query.clone()).await;
        let page = page.expect("answered").into_inner();
        assert!(page.jobs.len() <= query.limit as usize);
        ids.extend(page.jobs.into_iter().map(|job| job.job_id));
        query.marker = page.next;
        if query.marker.is_none() {
            return ids;
        }
    }
}

#[tokio::test]
async fn jobs_of_all_tenants_come_newest_first_page_by_page() {
    let rig = Rig::start(settings(2)).await;
    let mut made = Vec::new();
    for number in 0..7 {
        made.push(rig.create(&format!("t{}", number % 2)).await.to_string());
        rig.clock.advance(SignedDuration::from_secs(1));
    }
    made.reverse();
    for limit in [1, 2, 3, 7, 1000] {
        assert_eq!(listed(&rig, &query(limit)).await, made);
    }
    let of_tenant = v1::AdminListJobsRequest {
        tenant_id: Some("t1".to_owned()),
        ..query(2)
    };
    let own: Vec<&String> = made.iter().skip(1).step_by(2).collect();
    assert_eq!(
        listed(&rig, &of_tenant).await.iter().collect::<Vec<_>>(),
        own
    );
    let into_tenant = v1::AdminListJobsRequest {
        tenant_id: Some("there".to_owned()),
        ..query(3)
    };
    assert_eq!(listed(&rig, &into_tenant).await, made);
    for (region, count) in [("ot1", 7), ("ot2", 7), ("ot3", 0)] {
        let of_region = v1::AdminListJobsRequest {
            region_id: Some(region.to_owned()),
            ..query(4)
        };
        assert_eq!(listed(&rig, &of_region).await.len(), count);
    }
    let grant = rig.claim().await.expect("work");
    let running = v1::AdminListJobsRequest {
        statuses: vec![v1::JobStatus::Replicating.into()],
        ..query(5)
    };
    assert_eq!(listed(&rig, &running).await, [grant.job_id]);
    for nonsense in [0, 1001] {
        let refused = rig.admin.clone().list_jobs(query(nonsense)).await;
        let refused = refused.expect_err("no page");
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn errands_are_listed_when_asked_for() {
    let rig = Rig::start(settings(2)).await;
    let copy = rig.create("t1").await;
    let errand = JobId::generate();
    let task = resolve(spec("ot1", "t1", "ot2"));
    rig.create_for_plan(errand, task).await.expect("accepted");
    assert_eq!(listed(&rig, &query(10)).await, [copy.to_string()]);
    let errands = v1::AdminListJobsRequest {
        errands: true,
        ..query(10)
    };
    assert_eq!(listed(&rig, &errands).await, [errand.to_string()]);
    let shown = show(&rig, errand).await.job.expect("a job");
    assert_eq!((shown.task.as_str(), shown.spec), ("resolve", None));
    assert!(shown.plan_id.is_some());
}

#[tokio::test]
async fn leases_tell_who_works_on_what_and_no_token() {
    let rig = Rig::start(settings(2)).await;
    rig.create("t1").await;
    rig.create("t2").await;
    let grants = [rig.claim().await, rig.claim().await].map(|it| it.expect("work"));
    rig.progress(&grants[0]).await.next().await;
    let request = v1::AdminListLeasesRequest {
        operator: operator(),
        limit: 10,
    };
    let answer = rig.admin.clone().list_leases(request).await;
    let leases = answer.expect("answered").into_inner();
    assert!(!leases.has_more);
    let told = format!("{leases:?}");
    let mut jobs = BTreeSet::new();
    for (job, grant) in leases.jobs.iter().zip(&grants) {
        let lease = job.lease.as_ref().expect("leased");
        assert_eq!(lease.worker_id, "worker");
        assert_eq!(lease.expires_at_ms, at(30).as_millisecond());
        assert_eq!((lease.kind.as_str(), job.attempt), ("copy", 1));
        assert!(!told.contains(&grant.lease_token));
        jobs.insert(job.job_id.clone());
    }
    assert_eq!(jobs, grants.map(|grant| grant.job_id).into());
    let usage = limits(&rig).await;
    assert_eq!((usage.copies_per_tenant, usage.copies_per_source), (2, 5));
    let ot2 = usage.regions.iter().find(|it| it.region_id == "ot2");
    let ot2 = ot2.expect("listed");
    assert_eq!((ot2.running_into, ot2.running_out_of), (2, 0));
    let running: Vec<_> = usage.tenants.iter().map(|it| it.running).collect();
    assert_eq!(running, [1, 1]);
}

#[tokio::test]
async fn leftovers_tell_since_when_images_are_not_settled() {
    let rig = Rig::start(settings(2)).await;
    let mut ended = Vec::new();
    for seconds in [0, 7] {
        let job = rig.create("t1").await;
        let grant = rig.claim().await.expect("work");
        assert_eq!(grant.job_id, job.to_string());
        rig.finish(&grant, failed(false), &[]).await;
        // Held, so that the next claim gets a copy.
        rig.claim().await.expect("a clean-up");
        ended.push((job.to_string(), at(seconds).as_millisecond()));
        rig.clock.advance(SignedDuration::from_secs(7));
    }
    let request = |limit| v1::AdminListLeftoversRequest {
        operator: operator(),
        limit,
    };
    let answer = rig.admin.clone().list_leftovers(request(10)).await;
    let left = answer.expect("answered").into_inner();
    let told: Vec<_> = left
        .jobs
        .iter()
        .map(|left| {
            let job = left.job.as_ref().expect("a job");
            assert_eq!(job.leftovers.len(), 1);
            (job.job_id.clone(), left.since_ms)
        })
        .collect();
    assert_eq!(told, ended);
    let answer = rig.admin.clone().list_leftovers(request(1)).await;
    let first = answer.expect("answered").into_inner();
    assert!(first.has_more && first.jobs.len() == 1);
}
