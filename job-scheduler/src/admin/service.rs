//! gRPC from operators. Thin: each call is read, done by a file of its own, and written down.

use std::time::Duration;

use domain::{JobId, JobStatus, RegionId, TenantId};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use proto::convert::parse;
use proto::v1;
use proto::v1::admin_service_server::AdminService;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::audit::{Call, Operator, received};
use super::listing::Filter;
use super::orphans::EvenIf;
use super::{drain, listing, orphans, retry, usage, view};
use crate::acceptance::Acceptance;
use crate::jobs::{Decision, Jobs};
use crate::lifecycle;
use crate::page_limit::PageLimit;
use crate::status::CallError;
use crate::store::Stored;

/// How often a job that is followed is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The service.
#[derive(Clone)]
pub struct AdminApi {
    /// The jobs.
    pub jobs: Jobs,
    /// Whether new jobs are accepted.
    pub acceptance: Acceptance,
    /// Ends open streams.
    pub shutdown: CancellationToken,
}

// === impl AdminApi ===

impl AdminApi {
    async fn load(&self, id: &str) -> Result<Stored, CallError> {
        let id = parse("job_id", id)?;
        let found = self.jobs.store.load(id).await?;
        found.ok_or(CallError::NotFound)
    }

    async fn list(
        &self,
        request: &v1::AdminListJobsRequest,
    ) -> Result<v1::AdminListJobsResponse, CallError> {
        Operator::parse(&request.operator)?;
        let statuses: Vec<JobStatus> = request
            .statuses()
            .map(TryInto::try_into)
            .collect::<Result<_, _>>()?;
        let marker = request.marker.as_deref();
        let marker = marker.map(|id| parse("marker", id)).transpose()?;
        let filter = Filter {
            statuses,
            tenant: request.tenant_id.as_ref().map(TenantId::new),
            region: request.region_id.as_ref().map(RegionId::new),
            errands: request.errands,
        };
        let limit = PageLimit::parse(request.limit)?;
        let (found, next) = listing::jobs(&self.jobs, &filter, limit, marker).await?;
        Ok(v1::AdminListJobsResponse {
            jobs: all(&found),
            next: next.map(|id| id.to_string()),
        })
    }

    async fn show(
        &self,
        request: &v1::AdminShowJobRequest,
    ) -> Result<v1::AdminShowJobResponse, CallError> {
        Operator::parse(&request.operator)?;
        let stored = self.load(&request.job_id).await?;
        self.shown(&stored).await
    }

    async fn shown(&self, stored: &Stored) -> Result<v1::AdminShowJobResponse, CallError> {
        let retried_as = stored.record.id.retry();
        let retried_as = self.jobs.store.load(retried_as).await?;
        Ok(v1::AdminShowJobResponse {
            job: Some(view::job(&stored.record)),
            retried_as: retried_as.map(|it| it.record.id.to_string()),
        })
    }

    async fn cancel(
        &self,
        request: &v1::AdminCancelJobRequest,
    ) -> Result<v1::AdminCancelJobResponse, CallError> {
        let operator = Operator::parse(&request.operator)?;
        let id: JobId = parse("job_id", &request.job_id)?;
        let rules = self.jobs.rules();
        let decided = self
            .jobs
            .decide::<_, CallError>(id, |record, now| {
                let mut canceled = lifecycle::cancel(record, now, rules)?;
                canceled.note(operator.act("cancel", now));
                Ok(Decision {
                    record: Some(canceled),
                    answer: (),
                })
            })
            .await?
            .ok_or(CallError::NotFound)?;
        Ok(v1::AdminCancelJobResponse {
            job: Some(view::job(&decided.stored.record)),
        })
    }

    async fn retry(
        &self,
        request: &v1::AdminRetryJobRequest,
    ) -> Result<v1::AdminRetryJobResponse, CallError> {
        let operator = Operator::parse(&request.operator)?;
        let old = parse("job_id", &request.job_id)?;
        self.acceptance.check()?;
        let (stored, stood_already) = retry::retry(&self.jobs, &operator, old).await?;
        Ok(v1::AdminRetryJobResponse {
            job: Some(view::job(&stored.record)),
            stood_already,
        })
    }

    async fn leases(
        &self,
        request: &v1::AdminListLeasesRequest,
    ) -> Result<v1::AdminListLeasesResponse, CallError> {
        Operator::parse(&request.operator)?;
        let limit = PageLimit::parse(request.limit)?;
        let (found, has_more) = listing::leases(&self.jobs, limit).await?;
        Ok(v1::AdminListLeasesResponse {
            jobs: all(&found),
            has_more,
        })
    }

    async fn leftovers(
        &self,
        request: &v1::AdminListLeftoversRequest,
    ) -> Result<v1::AdminListLeftoversResponse, CallError> {
        Operator::parse(&request.operator)?;
        let limit = PageLimit::parse(request.limit)?;
        let (found, has_more) = listing::leftovers(&self.jobs, limit).await?;
        let jobs = found.iter().map(|(stored, since)| v1::JobLeftovers {
            job: Some(view::job(&stored.record)),
            since_ms: since.as_millisecond(),
        });
        Ok(v1::AdminListLeftoversResponse {
            jobs: jobs.collect(),
            has_more,
        })
    }

    async fn find_orphans(
        &self,
        request: &v1::AdminFindOrphansRequest,
    ) -> Result<v1::AdminFindOrphansResponse, CallError> {
        let operator = Operator::parse(&request.operator)?;
        let errand = parse("errand_id", &request.errand_id)?;
        let older_than = Duration::from_millis(request.older_than_ms);
        let region = RegionId::new(&request.region_id);
        let errand = orphans::find(&self.jobs, &operator, errand, region, older_than).await?;
        Ok(v1::AdminFindOrphansResponse {
            errand: Some(view::job(&errand.record)),
        })
    }

    async fn remove_orphan(
        &self,
        request: &v1::AdminRemoveOrphanRequest,
    ) -> Result<v1::AdminRemoveOrphanResponse, CallError> {
        let operator = Operator::parse(&request.operator)?;
        let errand = parse("errand_id", &request.errand_id)?;
        let search = parse("search_id", &request.search_id)?;
        let image = parse("image_id", &request.image_id)?;
        let even_if = EvenIf {
            whole: request.even_if_whole,
            protected: request.even_if_protected,
        };
        let of = (search, image);
        let errand = orphans::remove(&self.jobs, &operator, errand, of, even_if).await?;
        Ok(v1::AdminRemoveOrphanResponse {
            errand: Some(view::job(&errand.record)),
        })
    }

    async fn drain(
        &self,
        request: &v1::AdminDrainRegionRequest,
    ) -> Result<v1::AdminDrainRegionResponse, CallError> {
        let operator = Operator::parse(&request.operator)?;
        let region = RegionId::new(&request.region_id);
        let (drain, was_drained) = drain::drain(&self.jobs, &operator, &region).await?;
        let running = self.jobs.store.census(&region).await?.running;
        Ok(v1::AdminDrainRegionResponse {
            drain: Some(v1::RegionDrain {
                region_id: region.to_string(),
                operator: drain.operator,
                since_ms: drain.since.as_millisecond(),
            }),
            was_drained,
            running: u64::try_from(running).unwrap_or(u64::MAX),
        })
    }

    async fn undrain(
        &self,
        request: &v1::AdminUndrainRegionRequest,
    ) -> Result<v1::AdminUndrainRegionResponse, CallError> {
        Operator::parse(&request.operator)?;
        let region = RegionId::new(&request.region_id);
        let was_drained = drain::undrain(&self.jobs, &region).await?;
        Ok(v1::AdminUndrainRegionResponse { was_drained })
    }

    async fn limits(
        &self,
        request: &v1::AdminShowLimitsRequest,
    ) -> Result<v1::AdminShowLimitsResponse, CallError> {
        Operator::parse(&request.operator)?;
        usage::usage(&self.jobs).await
    }

    /// The job's versions from now on, up to its final one; looked for often, for errands are told to nobody.
    fn follow(self, job: JobId) -> BoxStream<'static, Result<Stored, CallError>> {
        let versions = stream::try_unfold((self, None), move |(api, seen)| async move {
            loop {
                if let Some(Stored { record, .. }) = &seen
                    && record.status.is_final()
                {
                    return Ok(None);
                }
                let found = api.jobs.store.load(job).await?.ok_or(CallError::NotFound)?;
                if seen.as_ref().map(|it: &Stored| it.version) != Some(found.version) {
                    return Ok(Some((found.clone(), (api, Some(found)))));
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
        versions.boxed()
    }
}

fn all(found: &[Stored]) -> Vec<v1::AdminJob> {
    let records = found.iter().map(|stored| &stored.record);
    records.map(view::job).collect()
}

#[tonic::async_trait]
impl AdminService for AdminApi {
    async fn list_jobs(
        &self,
        request: Request<v1::AdminListJobsRequest>,
    ) -> Result<Response<v1::AdminListJobsResponse>, Status> {
        let (request, from) = received(request);
        let call = Call::new(&request.operator, from, "jobs");
        call.answer(self.list(&request).await)
    }

    async fn show_job(
        &self,
        request: Request<v1::AdminShowJobRequest>,
    ) -> Result<Response<v1::AdminShowJobResponse>, Status> {
        let (request, from) = received(request);
        let call = Call::new(&request.operator, from, "show").to("copy_job", &request.job_id);
        call.answer(self.show(&request).await)
    }

    type FollowJobStream = BoxStream<'static, Result<v1::AdminShowJobResponse, Status>>;

    async fn follow_job(
        &self,
        request: Request<v1::AdminShowJobRequest>,
    ) -> Result<Response<Self::FollowJobStream>, Status> {
        let (request, from) = received(request);
        let call = Call::new(&request.operator, from, "follow").to("copy_job", &request.job_id);
        call.answer(self.show(&request).await)?;
        let id = parse("job_id", &request.job_id)?;
        let api = self.clone();
        let versions = self.clone().follow(id).and_then(move |stored| {
            let api = api.clone();
            async move { api.shown(&stored).await }
        });
        let versions = versions
            .map_err(Status::from)
            .take_until(self.shutdown.clone().cancelled_owned());
        Ok(Response::new(versions.boxed()))
    }

    async fn cancel_job(
        &self,
        request: Request<v1::AdminCancelJobRequest>,
    ) -> Result<Response<v1::AdminCancelJobResponse>, Status> {
        let (request, from) = received(request);
        let call = Call::new(&request.operator, from, "cancel").to("copy_job", &request.job_id);
        call.answer(self.cancel(&request).await)
    }

    async fn retry_job(
        &self,
        request: Request<v1::AdminRetryJobRequest>,
    ) -> Result<Response<v1::AdminRetryJobResponse>, Status> {
        let (request, from) = received(request);
        let call = Call::new(&request.operator, from, "retry").to("copy_job", &request.job_id);
        call.answer(self.retry(&request).await)
    }

    async fn list_leases(
        &self,
        request: Request<v1::AdminListLeasesRequest>,
    ) -> Result<Response<v1::AdminListLeasesResponse>, Status> {
        let (request, from) = received(request);
        let call = Call::new(&request.operator, from, "leases");
        call.answer(self.leases(&request).await)
    }

    async fn list_leftovers(
        &self,
        request: Request<v1::AdminListLeftoversRequest>,
    ) -> Result<Response<v1::AdminListLeftoversResponse>, Status> {
        let (request, from) = received(request);
        let call = Call::new(&request.operator, from, "leftovers");
        call.answer(self.leftovers(&request).await)
    }

    async fn find_orphans(
        &self,
        request: Request<v1::AdminFindOrphansRequest>,
    ) -> Result<Response<v1::AdminFindOrphansResponse>, Status> {
        let (request, from) = received(request);
        let call = Call::new(&request.operator, from, "orphans").to("region", &request.region_id);
        call.answer(self.find_orphans(&request).await)
    }

    async fn remove_orphan(
        &self,
        request: Request<v1::AdminRemoveOrphanRequest>,
    ) -> Result<Response<v1::AdminRemoveOrphanResponse>, Status> {
        let (request, from) = received(request);
        let call =
            Call::new(&request.operator, from, "orphans --remove").to("image", &request.image_id);
        call.answer(self.remove_orphan(&request).await)
    }

    async fn show_limits(
        &self,
        request: Request<v1::AdminShowLimitsRequest>,
    ) -> Result<Response<v1::AdminShowLimitsResponse>, Status> {
        let (request, from) = received(request);
        let call = Call::new(&request.operator, from, "limits");
        call.answer(self.limits(&request).await)
    }

    async fn drain_region(
        &self,
        request: Request<v1::AdminDrainRegionRequest>,
    ) -> Result<Response<v1::AdminDrainRegionResponse>, Status> {
        let (request, from) = received(request);
        let call =
            Call::new(&request.operator, from, "region drain").to("region", &request.region_id);
        call.answer(self.drain(&request).await)
    }

    async fn undrain_region(
        &self,
        request: Request<v1::AdminUndrainRegionRequest>,
    ) -> Result<Response<v1::AdminUndrainRegionResponse>, Status> {
        let (request, from) = received(request);
        let call =
            Call::new(&request.operator, from, "region undrain").to("region", &request.region_id);
        call.answer(self.undrain(&request).await)
    }
}
