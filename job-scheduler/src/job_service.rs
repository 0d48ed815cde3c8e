//! gRPC from the gateway: create, get, list, cancel, watch, progress of images. Thin: nothing is decided here.

use domain::{CopySpec, JobStatus};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use proto::convert::parse;
use proto::v1;
use proto::v1::get_job_request::By;
use proto::v1::job_service_server::JobService;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use crate::acceptance::Acceptance;
use crate::change_stream::{Told, Watched};
use crate::image_progress;
use crate::intake;
use crate::job_record::Idempotency;
use crate::jobs::{Decision, Jobs};
use crate::lifecycle;
use crate::metrics::Refusal;
use crate::page_limit::PageLimit;
use crate::status::CallError;
use crate::store::{PageQuery, Stored};
use crate::viewer::Viewer;
use crate::watch::ChangeFeed;

/// The most jobs that are read at once for a page.
const READ_AT_ONCE: usize = 250;

/// The service.
#[derive(Clone)]
pub struct JobApi {
    /// The jobs.
    pub jobs: Jobs,
    /// Changes.
    pub feed: ChangeFeed,
    /// Whether there may be new ones.
    pub acceptance: Acceptance,
    /// Ends open streams.
    pub shutdown: CancellationToken,
}

// === impl JobApi ===

impl JobApi {
    async fn find(&self, viewer: &Viewer, by: Option<By>) -> Result<Stored, CallError> {
        let store = &*self.jobs.store;
        match by.ok_or_else(|| CallError::Invalid("by: is missing".to_owned()))? {
            By::JobId(id) => viewer.load(store, parse("job_id", &id)?).await,
            By::IdempotencyKey(key) => {
                let found = store
                    .job_of_key(viewer.owner(), &key, self.jobs.now())
                    .await?;
                viewer.load(store, found.ok_or(CallError::NotFound)?).await
            }
        }
    }

    async fn page(&self, request: v1::ListJobsRequest) -> Result<(Vec<Stored>, bool), CallError> {
        let store = &*self.jobs.store;
        let statuses: Vec<JobStatus> = request
            .statuses()
            .map(TryInto::try_into)
            .collect::<Result<_, _>>()?;
        let viewer = Viewer::parse(request.viewer)?;
        let limit = PageLimit::parse(request.limit)?;
        let after = match &request.marker {
            None => None,
            Some(marker) => {
                let marker = viewer.load(store, parse("marker", marker)?).await;
                let marker = marker.map_err(|error| match error {
                    CallError::NotFound => CallError::Invalid("marker: no such job".to_owned()),
                    other => other,
                })?;
                Some((marker.record.created_at, marker.record.id))
            }
        };
        let query = PageQuery {
            scope: viewer.scope(),
            statuses,
            after,
            oldest_first: request.oldest_first,
            limit: limit.to_ask_for(),
        };
        let mut ids = store.page(&query).await?;
        let has_more = limit.cut(&mut ids);
        let mut page = Vec::with_capacity(ids.len());
        for ids in ids.chunks(READ_AT_ONCE) {
            page.extend(store.load_many(ids).await?);
        }
        Ok((page, has_more))
    }

    async fn cancel(&self, request: &v1::CancelJobRequest) -> Result<Stored, CallError> {
        let viewer = Viewer::parse(request.viewer.clone())?;
        let id = parse("job_id", &request.job_id)?;
        let decided = self
            .jobs
            .decide::<_, CallError>(id, |record, now| {
                viewer.may_see(record)?;
                let canceled = lifecycle::cancel(record, now, self.jobs.rules())?;
                Ok(Decision {
                    record: Some(canceled),
                    answer: (),
                })
            })
            .await?
            .ok_or(CallError::NotFound)?;
        let status = decided.stored.record.status;
        tracing::info!(job.id = %id, job.status = %status, "canceled a job");
        Ok(decided.stored)
    }
}

/// The job as the gateway sees it; none for an errand, of which it never hears.
fn job(stored: &Stored) -> Option<v1::Job> {
    stored.record.view().as_ref().map(Into::into)
}

/// The digest that was stored with the job's idempotency key.
fn digest(stored: &Stored) -> Option<String> {
    let idempotency = stored.record.idempotency.as_ref()?;
    Some(idempotency.request_digest.clone())
}

#[tonic::async_trait]
impl JobService for JobApi {
    async fn create_job(
        &self,
        request: Request<v1::CreateJobRequest>,
    ) -> Result<Response<v1::CreateJobResponse>, Status> {
        let request = request.into_inner();
        let id = parse("job_id", &request.job_id)?;
        let spec = request
            .spec
            .ok_or_else(|| CallError::Invalid("spec: is missing".to_owned()))?;
        let spec = CopySpec::try_from(spec)?;
        let idempotency = request.idempotency.map(|given| Idempotency {
            key: given.key,
            request_digest: given.request_digest,
        });
        let not_after = request
            .not_after_ms
            .map(Timestamp::from_millisecond)
            .transpose()
            .map_err(|error| CallError::Invalid(format!("not_after_ms: {error}")))?;
        let wanted = intake::Wanted {
            id,
            spec,
            idempotency,
            not_after,
        };
        self.acceptance
            .check()
            .inspect_err(|_| self.jobs.metrics.refused(Refusal::StoreNotDurable))?;
        let stored = intake::create(&self.jobs, wanted).await?;
        Ok(Response::new(v1::CreateJobResponse {
            request_digest: digest(&stored),
            job: job(&stored),
        }))
    }

    async fn get_job(
        &self,
        request: Request<v1::GetJobRequest>,
    ) -> Result<Response<v1::GetJobResponse>, Status> {
        let request = request.into_inner();
        let viewer = Viewer::parse(request.viewer)?;
        let stored = self.find(&viewer, request.by).await?;
        Ok(Response::new(v1::GetJobResponse {
            request_digest: digest(&stored),
            job: job(&stored),
        }))
    }

    async fn list_jobs(
        &self,
        request: Request<v1::ListJobsRequest>,
    ) -> Result<Response<v1::ListJobsResponse>, Status> {
        let (page, has_more) = self.page(request.into_inner()).await?;
        let jobs = page.iter().filter_map(job).collect();
        Ok(Response::new(v1::ListJobsResponse { jobs, has_more }))
    }

    async fn cancel_job(
        &self,
        request: Request<v1::CancelJobRequest>,
    ) -> Result<Response<v1::CancelJobResponse>, Status> {
        let stored = self.cancel(request.get_ref()).await?;
        Ok(Response::new(v1::CancelJobResponse { job: job(&stored) }))
    }

    async fn show_image_progress(
        &self,
        request: Request<v1::ShowImageProgressRequest>,
    ) -> Result<Response<v1::ShowImageProgressResponse>, Status> {
        let images = image_progress::of(&*self.jobs.store, request.into_inner()).await?;
        Ok(Response::new(v1::ShowImageProgressResponse { images }))
    }

    type WatchJobsStream = BoxStream<'static, Result<v1::JobChange, Status>>;

    async fn watch_jobs(
        &self,
        request: Request<v1::WatchJobsRequest>,
    ) -> Result<Response<Self::WatchJobsStream>, Status> {
        let request = request.into_inner();
        let viewer = Viewer::parse(request.viewer)?;
        let watched = Watched {
            jobs: self.jobs.clone(),
            feed: self.feed.clone(),
        };
        let changes = match request.job_id {
            Some(id) => watched.one(viewer, parse("job_id", &id)?).await?,
            None => watched.all(viewer, request.after_sequence).await?,
        };
        let changes = changes
            .map_ok(|told| match told {
                Told::Position(sequence) => v1::JobChange {
                    job: None,
                    sequence,
                },
                Told::Changed(stored) => v1::JobChange {
                    job: job(&stored),
                    sequence: stored.version,
                },
            })
            .map_err(Status::from)
            .take_until(self.shutdown.clone().cancelled_owned());
        Ok(Response::new(changes.boxed()))
    }
}
