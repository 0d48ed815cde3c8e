//! Plans for tests.

use std::num::NonZeroU32;
use std::time::Duration;

use domain::{
    ActionId, CopySpec, Creator, Destination, IfIdentical, ImageDigest, ImageId, ImageSelector,
    JobId, PlanAction, PlanDocument, PlanId, RegionId, ResolvedImage, Source, TenantId, UserId,
};
use uuid::Uuid;

pub(crate) use crate::lifecycle::sample::at;
use crate::plan_lifecycle::{News, PlanRules, Replica, Wanted, accept, apply, carried_out};
use crate::plan_record::{CopyEnd, PlanRecord};

pub(crate) fn rules() -> PlanRules {
    PlanRules {
        regions: vec![RegionId::new("ot1"), RegionId::new("ot2")],
        late_window: Duration::from_secs(3_600),
        shortest_period: Duration::from_secs(10),
    }
}

pub(crate) fn creator() -> Creator {
    Creator {
        id: UserId::new("alice-id"),
        name: "alice".to_owned(),
        domain_id: "default".to_owned(),
        domain_name: "Default".to_owned(),
    }
}

pub(crate) fn image(number: u128) -> ImageId {
    ImageId::from_uuid(Uuid::from_u128(number))
}

/// Copies image 7, keeps two replicas, is never tried again.
pub(crate) fn action(number: u128) -> PlanAction {
    PlanAction {
        id: ActionId::from_uuid(Uuid::from_u128(number)),
        selector: ImageSelector::Id(image(7)),
        destination: Destination {
            region: RegionId::new("ot2"),
            tenant: TenantId::new("there"),
        },
        rotation: NonZeroU32::new(2),
        max_retries: 0,
        retry_interval: Duration::from_secs(60),
        mandatory: false,
        as_written: "{}".to_owned(),
    }
}

/// Without a schedule.
pub(crate) fn document(actions: &[PlanAction]) -> PlanDocument {
    PlanDocument {
        actions: actions.to_vec(),
        ..PlanDocument::default()
    }
}

pub(crate) fn daily(actions: &[PlanAction]) -> PlanDocument {
    let mut daily = document(actions);
    daily.schedule.interval = Some("1 days".to_owned());
    daily
}

pub(crate) fn wanted(document: PlanDocument) -> Wanted {
    Wanted {
        id: PlanId::from_uuid(Uuid::from_u128(99)),
        region: RegionId::new("ot1"),
        tenant: TenantId::new("t1"),
        creator: creator(),
        document,
    }
}

pub(crate) fn accepted(document: PlanDocument) -> PlanRecord {
    accept(wanted(document), at(0), &rules()).expect("valid")
}

/// The unit of work that looks for the images of action `number`.
pub(crate) fn errand(plan: &PlanRecord, number: u128) -> JobId {
    let run = plan.run.as_ref().expect("it runs");
    let id = ActionId::from_uuid(Uuid::from_u128(number));
    let it = run.actions.iter().find(|it| it.action.id == id);
    run.fire.errand(id, it.expect("its action").retry)
}

pub(crate) fn copy_spec(source: u128) -> CopySpec {
    CopySpec {
        source: Source {
            region: RegionId::new("ot1"),
            tenant: TenantId::new("t1"),
            image: image(source),
        },
        source_image_name: "debian".to_owned(),
        source_digest: ImageDigest {
            size_bytes: 5,
            checksum: None,
            os_hash_algo: Some("sha512".to_owned()),
            os_hash_value: Some("00".to_owned()),
        },
        destination: action(1).destination,
        if_identical: IfIdentical::Copy,
        requested_by: UserId::new("alice-id"),
        traceparent: None,
        plan_id: None,
        retry_of: None,
    }
}

/// A worker found these images, all to be copied.
pub(crate) fn resolved(errand: JobId, sources: &[u128]) -> News {
    let copy = |source: &u128| ResolvedImage::Copy(Box::new(copy_spec(*source)));
    News::Resolved {
        errand,
        found: Ok(sources.iter().map(copy).collect()),
    }
}

pub(crate) fn copied(job: JobId) -> News {
    News::Copied {
        job,
        end: CopyEnd::Replicated,
        replica: Some(Replica::Made(job.image_of_attempt(1))),
        error: None,
    }
}

pub(crate) fn reused(job: JobId, image: ImageId) -> News {
    News::Copied {
        job,
        end: CopyEnd::Replicated,
        replica: Some(Replica::Reused(image)),
        error: None,
    }
}

/// The plan behind the news.
pub(crate) fn told(plan: &PlanRecord, news: News, seconds: i64) -> PlanRecord {
    apply(plan, &news, at(seconds), &rules()).unwrap_or_else(|| plan.clone())
}

/// The plan with everything carried out that it wishes.
pub(crate) fn served(plan: &PlanRecord, seconds: i64) -> PlanRecord {
    carried_out(plan, &plan.outbox, at(seconds))
}
