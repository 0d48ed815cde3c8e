//! The calls of operators, through the generated client.

use futures::StreamExt;
use job_scheduler::admin::AdminApi;
use proto::v1;
use proto::v1::admin_service_client::AdminServiceClient;
use proto::v1::admin_service_server::AdminServiceServer;

use super::act::Verb;
use super::calls::{answered, orphan, refused};
use super::world::{Away, World};
use crate::sample::job_id;

impl World {
    pub(super) async fn operate(&self, verb: Verb) -> Result<String, Away> {
        let mut service: AdminServiceClient<AdminServiceServer<AdminApi>> =
            AdminServiceClient::new(self.scheduler.admin_service());
        let operator = "olga".to_owned();
        let region_id = "ot2".to_owned();
        match verb {
            Verb::List => {
                let request = v1::AdminListJobsRequest {
                    operator,
                    limit: 10,
                    marker: Some(job_id(2).to_string()),
                    ..v1::AdminListJobsRequest::default()
                };
                answered(service.list_jobs(request).await)
            }
            Verb::Show(job) => {
                let job_id = job_id(job).to_string();
                let request = v1::AdminShowJobRequest { operator, job_id };
                answered(service.show_job(request).await)
            }
            Verb::Follow(job) => {
                let job_id = job_id(job).to_string();
                let request = v1::AdminShowJobRequest { operator, job_id };
                let mut versions = match service.follow_job(request).await {
                    Ok(versions) => versions.into_inner(),
                    Err(status) => return refused(&status),
                };
                let mut told = Vec::new();
                while let Some(version) = versions.next().await {
                    match version {
                        Ok(version) => told.push(version),
                        Err(status) => return refused(&status),
                    }
                }
                Ok(format!("{told:?}"))
            }
            Verb::Cancel(job) => {
                let job_id = job_id(job).to_string();
                let request = v1::AdminCancelJobRequest { operator, job_id };
                answered(service.cancel_job(request).await)
            }
            Verb::Retry(job) => {
                let job_id = job_id(job).to_string();
                let request = v1::AdminRetryJobRequest { operator, job_id };
                answered(service.retry_job(request).await)
            }
            Verb::Leases => {
                let limit = 10;
                let request = v1::AdminListLeasesRequest { operator, limit };
                answered(service.list_leases(request).await)
            }
            Verb::Leftovers => {
                let limit = 10;
                let request = v1::AdminListLeftoversRequest { operator, limit };
                answered(service.list_leftovers(request).await)
            }
            Verb::FindOrphans(errand) => {
                let request = v1::AdminFindOrphansRequest {
                    operator,
                    region_id,
                    older_than_ms: 3_600_000,
                    errand_id: job_id(errand).to_string(),
                };
                answered(service.find_orphans(request).await)
            }
            Verb::RemoveOrphan(search, errand) => {
                let request = v1::AdminRemoveOrphanRequest {
                    operator,
                    search_id: job_id(search).to_string(),
                    image_id: orphan().image_id,
                    even_if_whole: false,
                    even_if_protected: false,
                    errand_id: job_id(errand).to_string(),
                };
                answered(service.remove_orphan(request).await)
            }
            Verb::Limits => {
                let request = v1::AdminShowLimitsRequest { operator };
                answered(service.show_limits(request).await)
            }
            Verb::Drain => {
                let request = v1::AdminDrainRegionRequest {
                    operator,
                    region_id,
                };
                answered(service.drain_region(request).await)
            }
            Verb::Undrain => {
                let request = v1::AdminUndrainRegionRequest {
                    operator,
                    region_id,
                };
                answered(service.undrain_region(request).await)
            }
        }
    }
}
