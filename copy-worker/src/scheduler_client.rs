//! The only caller of the scheduler: every call has a deadline and carries the trace context, and
//! every answer or silence is noted in the worker's readiness.
//!
//! The connection is made on first use and again whenever it is lost, for as long as the process
//! lives; the name is resolved anew each time, so that any scheduler that answers will do. Nothing is
//! repeated here: who calls knows whether repeating is harmless.

use std::time::Duration;

use domain::{
    ClaimId, Finish, FinishVerdict, Grant, ImageId, JobId, LeaseToken, RegionId, WorkerId,
};
use proto::convert::{InvalidField, parse};
use proto::v1;
use proto::v1::work_service_client::WorkServiceClient;
use service_kit::StoreNews;
use service_kit::admin::Condition;
use service_kit::rpc::{self, TracedClient};
use service_kit::tls::Agreement;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Response, Status, Streaming};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceExt};

/// A connection that takes longer to be made is taken for none.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The connection to a scheduler that is frozen or cut off is given up after these two, also under a
/// quiet stream: well within a lease, so that another scheduler can renew it.
const PING_EVERY: Duration = Duration::from_secs(2);
const PING_PATIENCE: Duration = Duration::from_secs(3);
/// For one call.
const CALL_DEADLINE: Duration = Duration::from_secs(10);
/// For a progress stream until it is open. Short: the lease runs meanwhile.
const OPEN_DEADLINE: Duration = Duration::from_secs(3);

/// Asks the scheduler. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SchedulerClient {
    rpc: WorkServiceClient<TracedClient<Transport>>,
    reachable: Condition,
}

/// What carries a call to a scheduler and its answer back.
type Transport = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, NoAnswer>;

/// Why a call was not carried, or its answer not back.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NoAnswer(#[source] BoxError);

/// A request for work.
#[derive(Debug, Clone)]
pub(crate) struct ClaimCall {
    pub(crate) region: RegionId,
    pub(crate) id: ClaimId,
    pub(crate) hint: Option<JobId>,
    pub(crate) worker: WorkerId,
}

/// A call without the hoped-for answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchedulerError {
    /// Nobody knows whether the call had an effect.
    #[error("the scheduler is away: {0}")]
    Away(String),
    /// The scheduler will never answer otherwise.
    #[error("the scheduler refuses: {0}")]
    Refused(String),
    /// An answer that makes no sense to this version.
    #[error("the scheduler's answer is not understood: {0}")]
    Malformed(#[from] InvalidField),
}

// === impl SchedulerError ===

impl SchedulerError {
    /// Whether asking again can bring another answer.
    pub(crate) const fn may_pass(&self) -> bool {
        match self {
            Self::Away(_) => true,
            Self::Refused(_) | Self::Malformed(_) => false,
        }
    }
}

impl From<Status> for SchedulerError {
    fn from(status: Status) -> Self {
        let text = format!("{:?}: {}", status.code(), status.message());
        match status.code() {
            Code::InvalidArgument | Code::NotFound | Code::Unimplemented => Self::Refused(text),
            // Whatever else a scheduler, its store or the way to it says may be otherwise tomorrow.
            _ => Self::Away(text),
        }
    }
}

// === impl SchedulerClient ===

impl SchedulerClient {
    /// A client of the scheduler at `url` (`http://host:port`, or `https://` with an agreement), which listens to how
    /// answers name the store.
    pub(crate) fn new(
        url: &str,
        agreement: Option<Agreement>,
        reachable: Condition,
        store_news: StoreNews,
    ) -> Result<Self, tonic::transport::Error> {
        let endpoint = Endpoint::from_shared(url.to_owned())?
            .tcp_nodelay(true)
            .http2_keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_PATIENCE)
            .keep_alive_while_idle(true);
        let channel = rpc::channel(&endpoint, CONNECT_TIMEOUT, agreement);
        let listening = channel.map_response(move |answer: http::Response<Body>| {
            store_news.hear(answer.headers().get(proto::STORE));
            answer
        });
        Ok(Self::over(listening, reachable))
    }

    /// A client of whatever answers at the other end of `transport`.
    pub fn over<S>(transport: S, reachable: Condition) -> Self
    where
        S: Service<http::Request<Body>, Response = http::Response<Body>>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Error: Into<BoxError> + 'static,
        S::Future: Send + 'static,
    {
        let transport =
            BoxCloneSyncService::new(transport.map_err(|error: S::Error| NoAnswer(error.into())));
        Self {
            rpc: WorkServiceClient::new(TracedClient::new(transport)),
            reachable,
        }
    }

    /// A unit of work, or none. The same claim id gets the same grant again.
    pub(crate) async fn claim(&self, call: &ClaimCall) -> Result<Option<Grant>, SchedulerError> {
        let request = with_deadline(v1::ClaimRequest {
            region_id: call.region.to_string(),
            claim_id: call.id.to_string(),
            hinted_job_id: call.hint.map(|job| job.to_string()),
            worker_id: call.worker.to_string(),
        });
        let answer = self
            .noted(CALL_DEADLINE, self.rpc.clone().claim(request))
            .await?;
        Ok(answer.grant.map(Grant::try_from).transpose()?)
    }

    /// The end of an attempt; harmless to repeat.
    pub(crate) async fn finish(&self, finish: &Finish) -> Result<FinishVerdict, SchedulerError> {
        let request = with_deadline(v1::FinishRequest::from(finish));
        let answer = self
            .noted(CALL_DEADLINE, self.rpc.clone().finish(request))
            .await?;
        Ok(answer.verdict().try_into()?)
    }

    /// Of images with the jobs that they name, those that nobody knows: asked by the errand `job`, under its lease.
    pub(crate) async fn unknown_images(
        &self,
        job: JobId,
        lease: LeaseToken,
        images: &[(ImageId, JobId)],
    ) -> Result<Vec<ImageId>, SchedulerError> {
        let images = images.iter().map(|(image, job)| v1::ClaimedImage {
            image_id: image.to_string(),
            job_id: job.to_string(),
        });
        let request = with_deadline(v1::ShowUnknownImagesRequest {
            job_id: job.to_string(),
            lease_token: lease.to_string(),
            images: images.collect(),
        });
        let mut rpc = self.rpc.clone();
        let answer = self
            .noted(CALL_DEADLINE, rpc.show_unknown_images(request))
            .await?;
        let ids = answer.image_ids.iter();
        Ok(ids
            .map(|id| parse("image_ids", id))
            .collect::<Result<_, _>>()?)
    }

    /// Opens a progress stream. Once open, it has no deadline: its user watches for silence.
    pub(crate) async fn report_progress(
        &self,
        reports: ReceiverStream<v1::ProgressReport>,
    ) -> Result<Streaming<v1::ProgressDirective>, SchedulerError> {
        let mut rpc = self.rpc.clone();
        self.noted(OPEN_DEADLINE, rpc.report_progress(reports))
            .await
    }

    /// Waits for an answer within the deadline and notes whether there was one.
    async fn noted<T>(
        &self,
        deadline: Duration,
        answer: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, SchedulerError> {
        let answer = match timeout(deadline, answer).await {
            Ok(answer) => answer.map(Response::into_inner).map_err(Into::into),
            Err(_) => Err(SchedulerError::Away(format!(
                "no answer within {deadline:?}"
            ))),
        };
        match &answer {
            Err(error) if error.may_pass() => self.reachable.unmet(error.to_string()),
            Ok(_) | Err(_) => self.reachable.met(),
        }
        answer
    }
}

fn with_deadline<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(CALL_DEADLINE);
    request
}
