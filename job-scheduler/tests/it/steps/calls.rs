//! The calls of gateways and workers, through the generated clients.

use std::fmt::Debug;

use domain::Unit;
use futures::StreamExt;
use job_scheduler::job_service::JobApi;
use job_scheduler::plan_service::PlanApi;
use job_scheduler::work_service::Work;
use job_scheduler::workload_service::WorkloadApi;
use proto::v1::job_service_client::JobServiceClient;
use proto::v1::job_service_server::JobServiceServer;
use proto::v1::plan_service_client::PlanServiceClient;
use proto::v1::plan_service_server::PlanServiceServer;
use proto::v1::work_service_client::WorkServiceClient;
use proto::v1::work_service_server::WorkServiceServer;
use proto::v1::workload_service_client::WorkloadServiceClient;
use proto::v1::workload_service_server::WorkloadServiceServer;
use proto::v1::{self, finish_request, get_job_request};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Response, Status};
use uuid::Uuid;

use super::act::{Act, End};
use super::world::{Away, World, plan_id};
use crate::plan_bed::{action, creator, daily};
use crate::rig::{Rig, cleaned, failed, replicated, report, unit};
use crate::sample::{job_id, spec};

impl World {
    pub(super) async fn create(&self, job: u128, key: Option<&str>) -> Result<String, Away> {
        let request = v1::CreateJobRequest {
            job_id: job_id(job).to_string(),
            spec: Some((&spec("ot1", "t1", "ot2")).into()),
            idempotency: key.map(|key| v1::Idempotency {
                key: key.to_owned(),
                request_digest: "digest".to_owned(),
            }),
            not_after_ms: None,
        };
        answered(self.job_service().create_job(request).await)
    }

    pub(super) async fn get(&self, by: get_job_request::By) -> Result<String, Away> {
        let request = v1::GetJobRequest {
            viewer: Rig::viewer("t1"),
            by: Some(by),
        };
        answered(self.job_service().get_job(request).await)
    }

    /// Of one job how it stands; of all jobs where the stream stands, and the first that changed.
    pub(super) async fn watch(&self, job: Option<u128>) -> Result<String, Away> {
        let request = v1::WatchJobsRequest {
            viewer: Rig::viewer("t1"),
            job_id: job.map(|job| job_id(job).to_string()),
            after_sequence: job.is_none().then_some(0),
        };
        let told = match self.job_service().watch_jobs(request).await {
            Ok(changes) => changes.into_inner(),
            Err(status) => return refused(&status),
        };
        let told: Vec<_> = told.take(1 + usize::from(job.is_none())).collect().await;
        let mut jobs = Vec::new();
        for change in told {
            match change {
                Ok(change) => jobs.push(change.job),
                Err(status) => return refused(&status),
            }
        }
        Ok(format!("{jobs:?}"))
    }

    pub(super) async fn claim(&mut self, claim: u128, hint: Option<u128>) -> Result<String, Away> {
        let request = v1::ClaimRequest {
            region_id: "ot2".to_owned(),
            claim_id: Uuid::from_u128(claim).to_string(),
            hinted_job_id: hint.map(|job| job_id(job).to_string()),
            worker_id: "worker".to_owned(),
        };
        let mut answer = match self.work_service().claim(request).await {
            Ok(answer) => answer.into_inner(),
            Err(status) => return refused(&status),
        };
        if let Some(grant) = &mut answer.grant {
            self.grants.insert(claim, grant.clone());
            grant.lease_token = "drawn".to_owned();
        }
        Ok(format!("{answer:?}"))
    }

    /// Sends each report once the one before is committed; the last directive.
    pub(super) async fn report(
        &self,
        claim: u128,
        stage: v1::Stage,
        bytes: &[u64],
    ) -> Result<String, Away> {
        let grant = &self.grants[&claim];
        let (reports, receiver) = mpsc::channel(bytes.len());
        let stream = ReceiverStream::new(receiver);
        let mut service = self.work_service();
        let mut directives = match service.report_progress(stream).await {
            Ok(directives) => directives.into_inner(),
            Err(status) => return refused(&status),
        };
        let mut last = v1::Directive::Unspecified;
        for (sent, bytes) in bytes.iter().enumerate() {
            let mut report = report(grant, *bytes);
            report.stage = stage.into();
            report.settled.clone_from(&grant.leftovers);
            reports.send(report).await.map_err(|_| Away)?;
            let mut committed = 0;
            while committed <= sent as u64 {
                match directives.message().await {
                    Ok(Some(told)) => {
                        committed = told.reports_committed;
                        last = told.directive();
                    }
                    Ok(None) => return Err(Away),
                    Err(status) => return refused(&status),
                }
            }
        }
        Ok(format!("{last:?}"))
    }

    pub(super) async fn finish(&self, claim: u128, end: End) -> Result<String, Away> {
        let grant = &self.grants[&claim];
        let mut settled = grant.leftovers.clone();
        let outcome = match (end, unit(grant)) {
            (End::Failed, _) => failed(true),
            (End::FailedForGood, _) => failed(false),
            (End::HandedBack, _) => finish_request::Outcome::HandedBack(v1::HandedBack {}),
            (End::CleanedPartly, _) => {
                settled.clear();
                cleaned()
            }
            (End::CleanedOwn, _) => {
                settled.extend(grant.destination_image_id.clone());
                cleaned()
            }
            (End::Done, Unit::Copy(_)) => replicated(grant),
            (End::Done, Unit::CleanUp(_)) => cleaned(),
            (End::Done, Unit::Resolve(_)) => {
                let copy = v1::resolved_image::Found::Copy((&spec("ot1", "t1", "ot2")).into());
                let image = v1::ResolvedImage { found: Some(copy) };
                let images = vec![image];
                finish_request::Outcome::Resolved(v1::Resolved { images })
            }
            (End::Done, Unit::FindOrphans(_)) => {
                let found = v1::OrphansFound {
                    orphans: vec![orphan()],
                    ..v1::OrphansFound::default()
                };
                finish_request::Outcome::OrphansFound(found)
            }
            (End::Done, Unit::Remove(_) | Unit::RemoveOrphan(_)) => {
                let fate = Some(v1::replica_fate::Fate::Gone(v1::Gone {}));
                finish_request::Outcome::Removed(v1::ReplicaFate { fate })
            }
        };
        let request = v1::FinishRequest {
            job_id: grant.job_id.clone(),
            lease_token: grant.lease_token.clone(),
            outcome: Some(outcome),
            settled,
            bytes_copied: 0,
        };
        answered(self.work_service().finish(request).await)
    }

    pub(super) async fn list(&self) -> Result<String, Away> {
        let request = v1::ListJobsRequest {
            viewer: Rig::viewer("t1"),
            statuses: Vec::new(),
            limit: 10,
            marker: Some(job_id(1).to_string()),
            oldest_first: true,
        };
        answered(self.job_service().list_jobs(request).await)
    }

    pub(super) async fn cancel(&self, job: u128) -> Result<String, Away> {
        let request = v1::CancelJobRequest {
            viewer: Rig::viewer("t1"),
            job_id: job_id(job).to_string(),
        };
        answered(self.job_service().cancel_job(request).await)
    }

    pub(super) async fn show_image_progress(&self, job: u128) -> Result<String, Away> {
        let image = v1::CopiedImage {
            image_id: job_id(job).image_of_attempt(1).to_string(),
            tenant_id: "there".to_owned(),
            job_id: job_id(job).to_string(),
        };
        let request = v1::ShowImageProgressRequest {
            region_id: "ot2".to_owned(),
            images: vec![image],
        };
        answered(self.job_service().show_image_progress(request).await)
    }

    /// What an administrator sees; somebody else sees nothing.
    pub(super) async fn show_workload(&self) -> Result<String, Away> {
        let service: WorkloadServiceServer<WorkloadApi> = self.scheduler.workload_service();
        let mut service = WorkloadServiceClient::new(service);
        let request = v1::ShowWorkloadRequest {
            viewer: Rig::viewer("t1"),
        };
        let refused = service.show_workload(request).await.expect_err("a tenant");
        assert_eq!(refused.code(), Code::PermissionDenied);
        let request = v1::ShowWorkloadRequest {
            viewer: Some(v1::Viewer {
                all_tenants: true,
                ..v1::Viewer::default()
            }),
        };
        answered(service.show_workload(request).await)
    }

    /// What callers ask of plans.
    pub(super) async fn plan_call(&self, act: Act) -> Result<String, Away> {
        match act {
            Act::CreatePlan => {
                let request = v1::CreatePlanRequest {
                    plan_id: plan_id().to_string(),
                    region_id: "ot1".to_owned(),
                    tenant_id: "t1".to_owned(),
                    creator: Some((&creator()).into()),
                    document: Some((&daily(&[action(1, 1)])).into()),
                    not_after_ms: None,
                };
                answered(self.plan_service().create_plan(request).await)
            }
            Act::GetPlan => {
                let request = v1::GetPlanRequest {
                    viewer: Rig::viewer("t1"),
                    plan_id: plan_id().to_string(),
                };
                answered(self.plan_service().get_plan(request).await)
            }
            Act::ListPlans => {
                let request = v1::ListPlansRequest {
                    viewer: Rig::viewer("t1"),
                    limit: 10,
                    marker: None,
                };
                answered(self.plan_service().list_plans(request).await)
            }
            Act::UpdatePlan => {
                let mut document = daily(&[action(1, 2)]);
                document.name = "another name".to_owned();
                let request = v1::UpdatePlanRequest {
                    viewer: Rig::viewer("t1"),
                    plan_id: plan_id().to_string(),
                    revision: 1,
                    document: Some((&document).into()),
                    creator: Some((&creator()).into()),
                    reschedule: false,
                    empty_is_off: false,
                };
                answered(self.plan_service().update_plan(request).await)
            }
            Act::SignalPlan(event) => {
                let request = v1::SignalPlanRequest {
                    viewer: Rig::viewer("t1"),
                    plan_id: plan_id().to_string(),
                    event: event.into(),
                    creator: Some((&creator()).into()),
                };
                answered(self.plan_service().signal_plan(request).await)
            }
            Act::DeletePlan => {
                let request = v1::DeletePlanRequest {
                    viewer: Rig::viewer("t1"),
                    plan_id: plan_id().to_string(),
                };
                answered(self.plan_service().delete_plan(request).await)
            }
            other => panic!("{other:?} is not about plans"),
        }
    }

    pub(super) async fn show_unknown_images(&self, claim: u128) -> Result<String, Away> {
        let (grant, orphan) = (&self.grants[&claim], orphan());
        let request = v1::ShowUnknownImagesRequest {
            job_id: grant.job_id.clone(),
            lease_token: grant.lease_token.clone(),
            images: vec![v1::ClaimedImage {
                image_id: orphan.image_id,
                job_id: orphan.job_id,
            }],
        };
        answered(self.work_service().show_unknown_images(request).await)
    }

    fn job_service(&self) -> JobServiceClient<JobServiceServer<JobApi>> {
        JobServiceClient::new(self.scheduler.services().0)
    }

    fn work_service(&self) -> WorkServiceClient<WorkServiceServer<Work>> {
        WorkServiceClient::new(self.scheduler.services().1)
    }

    fn plan_service(&self) -> PlanServiceClient<PlanServiceServer<PlanApi>> {
        PlanServiceClient::new(self.scheduler.plan_service())
    }
}

/// What a search finds.
pub(super) fn orphan() -> v1::Orphan {
    let job = job_id(77);
    v1::Orphan {
        image_id: job.image_of_attempt(1).to_string(),
        tenant_id: "there".to_owned(),
        job_id: job.to_string(),
        attempt: 1,
        status: "queued".to_owned(),
        ..v1::Orphan::default()
    }
}

pub(super) fn answered<T: Debug>(answer: Result<Response<T>, Status>) -> Result<String, Away> {
    match answer {
        Ok(answer) => Ok(format!("{:?}", answer.into_inner())),
        Err(status) => refused(&status),
    }
}

/// A refusal is an answer; an outage is none.
pub(super) fn refused(status: &Status) -> Result<String, Away> {
    match status.code() {
        Code::Unavailable => Err(Away),
        code => Ok(format!("{code:?}")),
    }
}
