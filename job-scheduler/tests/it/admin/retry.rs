//! A copy that failed or was canceled is made again as another job, and every act is kept with the job.

use domain::{JobId, JobStatus, Unit};
use proto::v1;
use tonic::{Code, Status};

use super::{OPERATOR, acts, operator, show};
use crate::rig::{Rig, cleaned, failed, replicated, unit};
use crate::sample::{planned, resolve, settings, spec};

async fn retry(rig: &Rig, job: JobId) -> Result<v1::AdminRetryJobResponse, Status> {
    let request = v1::AdminRetryJobRequest {
        operator: operator(),
        job_id: job.to_string(),
    };
    let answer = rig.admin.clone().retry_job(request).await?;
    Ok(answer.into_inner())
}

async fn cancel(rig: &Rig, job: JobId) -> Result<v1::AdminJob, Status> {
    let request = v1::AdminCancelJobRequest {
        operator: operator(),
        job_id: job.to_string(),
    };
    let answer = rig.admin.clone().cancel_job(request).await?;
    Ok(answer.into_inner().job.expect("a job"))
}

/// A job that ended with an error and has left nothing.
async fn failed_job(rig: &Rig) -> JobId {
    let job = rig.create("t1").await;
    let grant = rig.claim().await.expect("work");
    let own = grant.destination_image_id.clone().expect("a copy");
    rig.finish(&grant, failed(false), &[own]).await;
    assert_eq!(rig.status(job).await, JobStatus::Error);
    job
}

#[tokio::test]
async fn a_failed_job_is_made_again_once_and_stays_as_it_is() {
    let rig = Rig::start(settings(2)).await;
    let old = failed_job(&rig).await;
    let before = rig.load(old).await;
    let first = retry(&rig, old).await.expect("accepted");
    assert!(!first.stood_already);
    let new: JobId = first.job.expect("a job").job_id.parse().expect("an id");
    assert_ne!(new, old);
    // The answer may have been lost: asked for again, the same job stands.
    let second = retry(&rig, old).await.expect("answered");
    assert!(second.stood_already);
    assert_eq!(second.job.expect("a job").job_id, new.to_string());
    assert_eq!(rig.load(old).await, before);

    let grant = rig.claim().await.expect("work");
    assert_eq!(grant.job_id, new.to_string());
    let Unit::Copy(copy) = unit(&grant) else {
        panic!("{grant:?}");
    };
    assert_eq!(copy.retry_of, Some(old), "its worker asks whether it may");
    assert_eq!(rig.claim().await, None, "it is made once");
    rig.finish(&grant, replicated(&grant), &[]).await;
    assert_eq!(rig.status(new).await, JobStatus::Replicated);
    let shown = show(&rig, new).await.job.expect("a job");
    assert_eq!(acts(&shown), [(OPERATOR, "retry")]);
    assert_eq!(show(&rig, old).await.retried_as, Some(new.to_string()));
    // Its owner sees what made it.
    let by = Some(v1::get_job_request::By::JobId(new.to_string()));
    let request = v1::GetJobRequest {
        viewer: Rig::viewer("t1"),
        by,
    };
    let seen = rig.jobs.clone().get_job(request).await.expect("answered");
    let spec = seen.into_inner().job.and_then(|job| job.spec);
    assert_eq!(spec.expect("a copy").retry_of, Some(old.to_string()));
}

#[tokio::test]
async fn what_fails_again_is_retried_by_its_own_id() {
    let rig = Rig::start(settings(2)).await;
    let mut job = failed_job(&rig).await;
    for _ in 0..3 {
        let retried = retry(&rig, job).await.expect("accepted").job;
        job = retried.expect("a job").job_id.parse().expect("an id");
        let grant = rig.claim().await.expect("work");
        assert_eq!(grant.job_id, job.to_string());
        rig.finish(&grant, failed(false), &[]).await;
        // What it left is cleaned by another unit.
        let grant = rig.claim().await.expect("a clean-up");
        let settled = grant.leftovers.clone();
        rig.finish(&grant, cleaned(), &settled).await;
    }
}

#[tokio::test]
async fn open_jobs_plans_copies_and_errands_are_not_retried() {
    let rig = Rig::start(settings(2)).await;
    let open = rig.create("t1").await;
    let of_plan = JobId::generate();
    let errand = JobId::generate();
    let task = planned(spec("ot1", "t2", "ot2"));
    rig.create_for_plan(of_plan, task).await.expect("accepted");
    let task = resolve(spec("ot1", "t2", "ot2"));
    rig.create_for_plan(errand, task).await.expect("accepted");
    for job in [of_plan, errand] {
        cancel(&rig, job).await.expect("cancelable");
    }
    for (job, word) in [
        (open, "replicate_requested"),
        (of_plan, "tell the plan to start"),
        (errand, "an errand is not retried"),
    ] {
        let refused = retry(&rig, job).await.expect_err("refused");
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert!(refused.message().contains(word), "{refused}");
    }
    let unknown = retry(&rig, JobId::generate()).await.expect_err("unknown");
    assert_eq!(unknown.code(), Code::NotFound);
}

#[tokio::test]
async fn a_cancel_is_kept_with_the_job_and_a_second_one_refused() {
    let rig = Rig::start(settings(2)).await;
    let job = rig.create("t1").await;
    let canceled = cancel(&rig, job).await.expect("cancelable");
    assert_eq!(canceled.status(), v1::JobStatus::Canceled);
    assert_eq!(acts(&canceled), [(OPERATOR, "cancel")]);
    let shown = show(&rig, job).await.job.expect("a job");
    assert_eq!(acts(&shown), [(OPERATOR, "cancel")]);
    let refused = cancel(&rig, job).await.expect_err("over");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let nobody = v1::AdminCancelJobRequest {
        operator: "a\nb".to_owned(),
        job_id: job.to_string(),
    };
    let nobody = rig.admin.clone().cancel_job(nobody).await;
    let nobody = nobody.expect_err("it would break the log");
    assert_eq!(nobody.code(), Code::InvalidArgument);
}
