//! Searches for images whose job nobody knows, and removals of what they found, as workers see them.

use domain::{
    ActionId, Grant, ImageId, JobId, JobStatus, Orphan, OrphansFound, PlanId, RecoveryPoint,
    TenantId, Unit,
};
use job_scheduler::plan_record::{PlanRecord, Point};
use proto::v1::{self, finish_request};
use tonic::{Code, Status};

use super::{OPERATOR, acts, drain, operator, show};
use crate::rig::Rig;
use crate::sample::{at, idle_plan, plan_terms, settings, spec};

async fn find(rig: &Rig, older_than_ms: u64) -> Result<JobId, Status> {
    let request = v1::AdminFindOrphansRequest {
        operator: operator(),
        region_id: "ot2".to_owned(),
        older_than_ms,
        errand_id: JobId::generate().to_string(),
    };
    let answer = rig.admin.clone().find_orphans(request).await?.into_inner();
    let errand = answer.errand.expect("an errand").job_id;
    Ok(errand.parse().expect("an id"))
}

async fn remove(rig: &Rig, search: JobId, image: ImageId) -> Result<JobId, Status> {
    let request = v1::AdminRemoveOrphanRequest {
        operator: operator(),
        search_id: search.to_string(),
        errand_id: JobId::generate().to_string(),
        image_id: image.to_string(),
        even_if_whole: true,
        even_if_protected: false,
    };
    let answer = rig.admin.clone().remove_orphan(request).await?.into_inner();
    let errand = answer.errand.expect("an errand").job_id;
    Ok(errand.parse().expect("an id"))
}

async fn unknown(
    rig: &Rig,
    grant: &v1::Grant,
    images: &[(ImageId, JobId)],
) -> Result<Vec<String>, Status> {
    let images = images.iter().map(|(image, job)| v1::ClaimedImage {
        image_id: image.to_string(),
        job_id: job.to_string(),
    });
    let request = v1::ShowUnknownImagesRequest {
        job_id: grant.job_id.clone(),
        lease_token: grant.lease_token.clone(),
        images: images.collect(),
    };
    let answer = rig.work.clone().show_unknown_images(request).await?;
    Ok(answer.into_inner().image_ids)
}

fn sound(grant: &v1::Grant) -> Grant {
    grant.clone().try_into().expect("a sound grant")
}

fn orphan() -> Orphan {
    let job = JobId::generate();
    Orphan {
        image: job.image_of_attempt(1),
        tenant: TenantId::new("there"),
        job,
        attempt: 1,
        name: String::new(),
        status: "active".to_owned(),
        is_hidden: false,
        is_protected: false,
        size_bytes: Some(5),
        made_at: at(-7200),
    }
}

#[tokio::test]
async fn a_search_is_an_errand_and_what_it_found_can_be_removed_by_another() {
    let rig = Rig::start(settings(2)).await;
    let search = find(&rig, 3_600_000).await.expect("begun");
    let grant = rig.claim().await.expect("work");
    let Unit::FindOrphans(of) = sound(&grant).unit else {
        panic!("{grant:?}");
    };
    assert_eq!(of.made_before, at(-3600));
    let orphan = orphan();
    let early = remove(&rig, search, orphan.image).await;
    assert_eq!(early.expect_err("not ended").code(), Code::InvalidArgument);
    let found = OrphansFound {
        orphans: vec![orphan.clone()],
        ..OrphansFound::default()
    };
    let outcome = finish_request::Outcome::OrphansFound((&found).into());
    rig.finish(&grant, outcome, &[]).await;
    let shown = show(&rig, search).await.job.expect("a job");
    assert_eq!(acts(&shown), [(OPERATOR, "orphans")]);
    assert_eq!(shown.orphans_found, Some((&found).into()));

    let other = JobId::generate().image_of_attempt(1);
    let other = remove(&rig, search, other).await;
    assert_eq!(other.expect_err("not found").code(), Code::InvalidArgument);
    let removal = remove(&rig, search, orphan.image).await.expect("begun");
    let grant = rig.claim().await.expect("work");
    let Unit::RemoveOrphan(of) = sound(&grant).unit else {
        panic!("{grant:?}");
    };
    assert_eq!(
        (of.image, of.tenant, of.job),
        (orphan.image, orphan.tenant, orphan.job)
    );
    assert_eq!(of.made_before, at(-3600));
    assert!(of.even_if_whole && !of.even_if_protected);
    let kept = v1::ReplicaFate {
        fate: Some(v1::replica_fate::Fate::Kept("it is protected".to_owned())),
    };
    let outcome = finish_request::Outcome::Removed(kept.clone());
    rig.finish(&grant, outcome, &[]).await;
    assert_eq!(rig.status(removal).await, JobStatus::Replicated);
    let shown = show(&rig, removal).await.job.expect("a job");
    assert_eq!(shown.removed, Some(kept));
}

#[tokio::test]
async fn only_images_are_unknown_whose_job_and_plans_are() {
    let rig = Rig::start(settings(2)).await;
    let job = rig.create("t1").await;
    rig.claim().await.expect("work");
    find(&rig, 0).await.expect("begun");
    let grant = rig.claim().await.expect("work");
    let (lost, kept) = (orphan(), orphan());
    let plan = plan_that_keeps(&rig, &kept).await;
    let images = [
        (job.image_of_attempt(1), job),
        (lost.image, lost.job),
        (kept.image, kept.job),
    ];
    let answer = unknown(&rig, &grant, &images).await.expect("answered");
    assert_eq!(answer, [lost.image.to_string()]);
    let store = &rig.scheduler.jobs().store;
    let stored = store.load_plan(plan.id).await.expect("answers");
    store
        .remove_plan(&stored.expect("stands"))
        .await
        .expect("removed");
    let answer = unknown(&rig, &grant, &images).await.expect("answered");
    assert_eq!(answer.len(), 2);
}

/// A plan for which an image is a recovery point.
async fn plan_that_keeps(rig: &Rig, orphan: &Orphan) -> PlanRecord {
    let mut plan = idle_plan(PlanId::generate());
    plan.points.push(Point {
        action: ActionId::generate(),
        by_source: false,
        point: RecoveryPoint {
            job_id: orphan.job,
            image_id: orphan.image,
            source_image_id: orphan.image,
            digest: spec("ot1", "t1", "ot2").source_digest,
            destination: spec("ot1", "t1", "ot2").destination,
            made_at: at(0),
        },
        removing: None,
        reused: false,
    });
    let store = &rig.scheduler.jobs().store;
    let terms = plan_terms(10);
    let created = store.create_plan(&plan, &terms, at(0)).await;
    created.expect("accepted");
    plan
}

#[tokio::test]
async fn nobody_asks_without_the_lease_of_such_an_errand() {
    let rig = Rig::start(settings(2)).await;
    rig.create("t1").await;
    let copy = rig.claim().await.expect("work");
    find(&rig, 0).await.expect("begun");
    let search = rig.claim().await.expect("work");
    let mut forged = search.clone();
    forged.lease_token = copy.lease_token.clone();
    let mut gone = search.clone();
    gone.job_id = JobId::generate().to_string();
    for grant in [&copy, &forged, &gone] {
        let refused = unknown(&rig, grant, &[]).await.expect_err("refused");
        assert_eq!(refused.code(), Code::FailedPrecondition);
    }
    assert!(unknown(&rig, &search, &[]).await.is_ok());
    let orphan = orphan();
    let many = vec![(orphan.image, orphan.job); 1001];
    let refused = unknown(&rig, &search, &many).await;
    assert_eq!(refused.expect_err("too many").code(), Code::InvalidArgument);
}

#[tokio::test]
async fn nobody_looks_in_a_region_that_is_drained() {
    let rig = Rig::start(settings(2)).await;
    drain(&rig, "ot2").await.expect("drained");
    let refused = find(&rig, 0).await.expect_err("drained");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(
        refused.message(),
        "region `ot2` is drained: undrain it first"
    );
}

#[tokio::test]
async fn an_errand_is_followed_to_its_end() {
    let rig = Rig::start(settings(2)).await;
    let search = find(&rig, 0).await.expect("begun");
    let request = v1::AdminShowJobRequest {
        operator: operator(),
        job_id: search.to_string(),
    };
    let answer = rig.admin.clone().follow_job(request).await;
    let mut versions = answer.expect("answered").into_inner();
    let mut next = async || {
        let version = versions.message().await.expect("no error");
        version.and_then(|it| it.job).map(|job| job.status())
    };
    assert_eq!(next().await, Some(v1::JobStatus::ReplicateRequested));
    let grant = rig.claim().await.expect("work");
    assert_eq!(next().await, Some(v1::JobStatus::Replicating));
    let found = (&OrphansFound::default()).into();
    let outcome = finish_request::Outcome::OrphansFound(found);
    rig.finish(&grant, outcome, &[]).await;
    assert_eq!(next().await, Some(v1::JobStatus::Replicated));
    assert_eq!(next().await, None);
}
