//! The only caller of the scheduler: each call carries the caller's deadline (`grpc-timeout`) and
//! trace context, and fails with an error that says what is known about its effect.
//!
//! The connection is made on first use and made again whenever it is lost, for as long as the process
//! lives. What can be repeated without harm is repeated here, within limits, so that a restarting
//! scheduler costs a caller a moment and not an error.

mod create;
mod error;
mod image_progress;
mod plans;
mod watch;
mod workload;

use std::time::Duration;

use domain::{JobId, JobStatus, JobView, RegionId, TenantId};
use proto::v1::get_job_request::By;
use proto::v1::job_service_client::JobServiceClient;
use proto::v1::plan_service_client::PlanServiceClient;
use proto::v1::workload_service_client::WorkloadServiceClient;
use proto::{convert::InvalidField, v1};
use service_kit::rpc::{self, TracedClient};
use service_kit::tls::Agreement;
use service_kit::{Backoff, StoreNews};
use tokio::time::{Instant, sleep, timeout_at};
use tonic::body::Body;
use tonic::transport::Endpoint;
use tonic::{Request, Response, Status};
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;

pub(crate) use create::{CreateError, NewJob};
pub(crate) use error::SchedulerError;
pub(crate) use image_progress::CopiedImage;
pub(crate) use plans::{NewPlan, PlanEdit};
pub(crate) use watch::Changes;

/// A connection that takes longer to be made is taken for none.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A scheduler that is frozen or cut off is noticed after these two, also on a quiet stream.
const PING_EVERY: Duration = Duration::from_secs(10);
const PING_PATIENCE: Duration = Duration::from_secs(5);
/// A page of a thousand jobs with the longest names and messages fits.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;
/// How long a call waits for a scheduler that is away, when nothing depends on its answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whose eyes a call is made with: other tenants' jobs do not exist for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Viewer {
    /// The gateway's region.
    pub region: RegionId,
    /// The caller's project.
    pub tenant: TenantId,
    /// Sees every tenant and region.
    pub all_tenants: bool,
}

/// Which jobs to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listing {
    /// None: every status.
    pub statuses: Vec<JobStatus>,
    /// 1 to 1000.
    pub limit: u16,
    /// The last job of the page before.
    pub marker: Option<JobId>,
    /// By creation.
    pub oldest_first: bool,
}

/// One page of jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JobPage {
    /// The jobs, in the order asked for.
    pub jobs: Vec<JobView>,
    /// Whether another page follows.
    pub has_more: bool,
}

/// The job that an idempotency key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyedJob {
    /// The job.
    pub id: JobId,
    /// The digest of the request that made it.
    pub request_digest: Option<String>,
}

/// What carries a call to a scheduler and its answer back, and listens to how the answer names the store.
type Transport =
    BoxCloneSyncService<http::Request<Body>, http::Response<Body>, tonic::transport::Error>;

/// A handle to the scheduler; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct SchedulerClient {
    rpc: JobServiceClient<Transport>,
    plans: PlanServiceClient<Transport>,
    workload: WorkloadServiceClient<Transport>,
    backoff: Backoff,
}

impl SchedulerClient {
    /// A client of the scheduler at `url` (`http://host:port`, or `https://` with an agreement); connects when it is first
    /// needed.
    ///
    /// # Errors
    /// When `url` is none.
    pub(crate) fn new(
        url: &str,
        agreement: Option<Agreement>,
        store_news: StoreNews,
    ) -> Result<Self, tonic::transport::Error> {
        let endpoint = Endpoint::from_shared(url.to_owned())?
            .http2_keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_PATIENCE)
            .keep_alive_while_idle(true);
        let channel =
            rpc::channel(&endpoint, CONNECT_TIMEOUT, agreement).map_response(move |answer| {
                store_news.hear(answer.headers().get(proto::STORE));
                answer
            });
        let channel = BoxCloneSyncService::new(TracedClient::new(channel));
        let rpc = JobServiceClient::new(channel.clone()).max_decoding_message_size(LARGEST_ANSWER);
        let plans = PlanServiceClient::new(channel.clone())
            .max_decoding_message_size(plans::LARGEST_ANSWER);
        let workload =
            WorkloadServiceClient::new(channel).max_decoding_message_size(LARGEST_ANSWER);
        let backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1))
            .expect("50 ms is more than nothing and less than a second");
        Ok(Self {
            rpc,
            plans,
            workload,
            backoff,
        })
    }

    /// One job.
    ///
    /// # Errors
    /// [`SchedulerError::NotFound`] also when it is not the viewer's.
    pub(crate) async fn job(
        &self,
        viewer: &Viewer,
        id: JobId,
        deadline: Instant,
    ) -> Result<JobView, SchedulerError> {
        let request = v1::GetJobRequest {
            viewer: Some(viewer.into()),
            by: Some(By::JobId(id.to_string())),
        };
        let answer = self.get(request, deadline).await?;
        job_of(answer.job)
    }

    /// The job that an idempotency key of the viewer's tenant stands for, if it stands for any.
    ///
    /// # Errors
    /// As [`SchedulerClient::job`], but for an unknown key, which is none.
    pub(crate) async fn job_of_key(
        &self,
        viewer: &Viewer,
        key: &str,
        deadline: Instant,
    ) -> Result<Option<KeyedJob>, SchedulerError> {
        let request = v1::GetJobRequest {
            viewer: Some(viewer.into()),
            by: Some(By::IdempotencyKey(key.to_owned())),
        };
        match self.get(request, deadline).await {
            Ok(answer) => Ok(Some(KeyedJob {
                id: job_of(answer.job)?.id,
                request_digest: answer.request_digest,
            })),
            Err(SchedulerError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A page of jobs.
    ///
    /// # Errors
    /// [`SchedulerError::Invalid`] or [`SchedulerError::NotFound`] for a marker that is no job of the
    /// viewer's.
    pub(crate) async fn list(
        &self,
        viewer: &Viewer,
        listing: &Listing,
        deadline: Instant,
    ) -> Result<JobPage, SchedulerError> {
        let request = v1::ListJobsRequest {
            viewer: Some(viewer.into()),
            statuses: listing
                .statuses
                .iter()
                .map(|status| v1::JobStatus::from(*status).into())
                .collect(),
            limit: listing.limit.into(),
            marker: listing.marker.map(|id| id.to_string()),
            oldest_first: listing.oldest_first,
        };
        let answer = self
            .repeated(
                &self.rpc,
                deadline,
                async |mut rpc, request| rpc.list_jobs(request).await,
                request,
            )
            .await?;
        let jobs: Result<Vec<JobView>, InvalidField> =
            answer.jobs.into_iter().map(TryInto::try_into).collect();
        Ok(JobPage {
            jobs: jobs?,
            has_more: answer.has_more,
        })
    }

    /// Asks for a job to be canceled. Repeated only while nothing has been sent: a second cancel
    /// would be told that the first has made it too late.
    ///
    /// # Errors
    /// [`SchedulerError::TooLate`] when the job can't be canceled any more.
    pub(crate) async fn cancel(
        &self,
        viewer: &Viewer,
        id: JobId,
        deadline: Instant,
    ) -> Result<JobView, SchedulerError> {
        let request = v1::CancelJobRequest {
            viewer: Some(viewer.into()),
            job_id: id.to_string(),
        };
        let give_up = deadline.min(Instant::now() + PATIENCE);
        let mut failures = 0;
        loop {
            let call = |mut rpc: JobServiceClient<Transport>, request| async move {
                rpc.cancel_job(request).await
            };
            match self.once(&self.rpc, deadline, call, request.clone()).await {
                Err(SchedulerError::NotConnected) if self.pause(&mut failures, give_up).await => {}
                outcome => return job_of(outcome?.job),
            }
        }
    }

    async fn get(
        &self,
        request: v1::GetJobRequest,
        deadline: Instant,
    ) -> Result<v1::GetJobResponse, SchedulerError> {
        self.repeated(
            &self.rpc,
            deadline,
            async |mut rpc, request| rpc.get_job(request).await,
            request,
        )
        .await
    }

    /// Makes a call that changes nothing, again and again while the scheduler is away, for as long as
    /// the deadline and our patience allow.
    async fn repeated<C: Clone, Q: Clone, A>(
        &self,
        client: &C,
        deadline: Instant,
        call: impl AsyncFn(C, Request<Q>) -> Result<Response<A>, Status>,
        request: Q,
    ) -> Result<A, SchedulerError> {
        let give_up = deadline.min(Instant::now() + PATIENCE);
        let mut failures = 0;
        loop {
            match self.once(client, deadline, &call, request.clone()).await {
                Err(error) if error.is_outage() && self.pause(&mut failures, give_up).await => {}
                outcome => return outcome,
            }
        }
    }

    /// Makes a call once.
    async fn once<C: Clone, Q, A>(
        &self,
        client: &C,
        deadline: Instant,
        call: impl AsyncFnOnce(C, Request<Q>) -> Result<Response<A>, Status>,
        message: Q,
    ) -> Result<A, SchedulerError> {
        let mut request = Request::new(message);
        request.set_timeout(deadline.saturating_duration_since(Instant::now()));
        match timeout_at(deadline, call(client.clone(), request)).await {
            Ok(answer) => Ok(answer?.into_inner()),
            Err(_) => Err(SchedulerError::TimedOut),
        }
    }

    /// Waits before another try; false when there is no time for one.
    async fn pause(&self, failures: &mut u32, give_up: Instant) -> bool {
        *failures += 1;
        let delay = self.backoff.delay(*failures);
        let in_time = Instant::now() + delay < give_up;
        if in_time {
            sleep(delay).await;
        }
        in_time
    }
}

impl From<&Viewer> for v1::Viewer {
    fn from(viewer: &Viewer) -> Self {
        Self {
            region_id: viewer.region.to_string(),
            tenant_id: viewer.tenant.to_string(),
            all_tenants: viewer.all_tenants,
        }
    }
}

fn job_of(job: Option<v1::Job>) -> Result<JobView, SchedulerError> {
    let job = job.ok_or_else(|| InvalidField::new("job", "is missing"))?;
    Ok(job.try_into()?)
}
