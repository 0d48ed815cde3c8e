//! The way from workers and gateways to the schedulers: real gRPC messages, handed from the product's
//! client to the product's service, without a connection in between.
//!
//! A caller stays with a scheduler until a call to it fails, and then takes any that is alive, as with a
//! service address in front of them. A call is lost on its way there, or its answer on the way
//! back; a scheduler that dies breaks all its calls, and one that is frozen is given up after as long as
//! the product's pings take to find out. The handler of a call that was given up is dropped half-way, or
//! goes on.

mod messages;
mod tampering;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use http::{Request, Response};
use http_body_util::{BodyStream, StreamBody};
use job_scheduler::job_service::JobApi;
use job_scheduler::work_service::Work;
use proto::v1;
use proto::v1::finish_request::Outcome;
use proto::v1::job_service_server::JobServiceServer;
use proto::v1::work_service_server::WorkServiceServer;
use tokio_util::task::AbortOnDropHandle;
use tonic::Status;
use tonic::body::Body;
use tower::{Service, ServiceExt};

use self::messages::has_failed;
use crate::flaw::Flaw;
use crate::process::Process;
use crate::weather::{Trouble, Weather};

/// The product's pings need so long.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who can be called.
#[derive(Clone)]
pub(crate) struct Network {
    weather: Arc<Weather>,
    endpoints: Arc<Mutex<Vec<Option<Endpoint>>>>,
}

/// A scheduler that can be called.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) process: Process,
    pub(crate) jobs: JobServiceServer<JobApi>,
    pub(crate) work: WorkServiceServer<Work>,
}

/// The network as one process sees it: a transport for the product's clients.
#[derive(Clone)]
pub(crate) struct Link {
    network: Network,
    from: Process,
    /// Set for a worker, which may be cut off.
    worker: Option<usize>,
    /// The scheduler that was called last.
    current: Arc<Mutex<Option<usize>>>,
}

impl Network {
    pub(crate) fn new(weather: Arc<Weather>, schedulers: usize) -> Self {
        Self {
            weather,
            endpoints: Arc::new(Mutex::new(vec![None; schedulers])),
        }
    }

    pub(crate) fn attach(&self, scheduler: usize, endpoint: Endpoint) {
        self.endpoints()[scheduler] = Some(endpoint);
    }

    pub(crate) fn detach(&self, scheduler: usize) {
        self.endpoints()[scheduler] = None;
    }

    pub(crate) fn link(&self, from: Process, worker: Option<usize>) -> Link {
        Link {
            network: self.clone(),
            from,
            worker,
            current: Arc::default(),
        }
    }

    fn endpoints(&self) -> MutexGuard<'_, Vec<Option<Endpoint>>> {
        self.endpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    fn is_cut(&self) -> bool {
        self.worker
            .is_some_and(|worker| self.network.weather.is(Trouble::Partition(worker)))
    }

    fn choose(&self) -> Option<Endpoint> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let endpoints = self.network.endpoints();
        if let Some(endpoint) = current.and_then(|index| endpoints[index].clone()) {
            return Some(endpoint);
        }
        let there: Vec<usize> = (0..endpoints.len())
            .filter(|index| endpoints[*index].is_some())
            .collect();
        if there.is_empty() {
            return None;
        }
        *current = Some(there[self.network.weather.chance.index(there.len())]);
        endpoints[(*current)?].clone()
    }

    fn forget(&self) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn ask(self, request: Request<Body>) -> Result<Response<Body>, Status> {
        let is_finish = is_finish(request.uri().path());
        let answer = self.clone().carry(request).await;
        let failed = match &answer {
            Ok(answer) => has_failed(answer.headers()),
            Err(_) => true,
        };
        if failed {
            self.fails();
        }
        if failed && is_finish && self.network.weather.flaw == Flaw::FinishesOnce {
            return Ok(tampering::given_up());
        }
        answer
    }

    /// A call to a scheduler failed, or a stream broke.
    fn fails(&self) {
        if self.worker.is_some() {
            self.network.weather.witness.call_failed(&self.from);
        }
    }

    async fn carry(self, request: Request<Body>) -> Result<Response<Body>, Status> {
        let weather = self.network.weather.clone();
        self.from.pass().await;
        let Some(endpoint) = self.choose() else {
            weather.chance.pause(100, 1..=100).await;
            return Err(Status::unavailable("nobody listens"));
        };
        weather.chance.pause(20, 1..=80).await;
        if self.is_cut() {
            self.forget();
            // A connection that is cut off breaks after a while, or cannot be made in time.
            weather.chance.pause(100, 1_000..=5_000).await;
            return Err(Status::unavailable("cut off"));
        }
        if weather.mishap() {
            self.forget();
            return Err(Status::unavailable("the call was lost"));
        }
        let path = request.uri().path().to_owned();
        let loses_answer =
            weather.is(Trouble::AnswersLost) && weather.chance.percent(60) || weather.mishap();
        let request = self.outgoing(request, endpoint.process.clone());
        let handler = tokio::spawn(
            endpoint
                .clone()
                .handle(path.clone(), request, weather.clone()),
        );
        let dies_with_call = weather.chance.percent(50);
        let mut abandoned = None;
        let answer = async {
            if dies_with_call {
                AbortOnDropHandle::new(handler).await
            } else {
                handler.await
            }
        };
        let answer = tokio::select! {
            biased;
            answer = answer => answer.map_err(|_| Status::internal("the handler panicked"))?,
            () = endpoint.process.unresponsive(PATIENCE) => {
                abandoned = Some(Status::unavailable("the connection broke"));
                Response::default()
            }
        };
        if let Some(status) = abandoned {
            self.forget();
            return Err(status);
        }
        weather.chance.pause(20, 1..=80).await;
        self.from.pass().await;
        if loses_answer {
            self.forget();
            weather.journal.meet("answer lost", self.from.name());
            return Err(Status::unavailable("the answer was lost"));
        }
        let is_progress = path.ends_with("/ReportProgress");
        Ok(answer.map(|body| self.incoming(body, endpoint.process, is_progress)))
    }

    /// The caller's messages, as the scheduler gets them.
    fn outgoing(&self, request: Request<Body>, to: Process) -> Request<Body> {
        let link = self.clone();
        request.map(|body| passing(body, link, to, false))
    }

    /// The scheduler's messages, as the caller gets them.
    fn incoming(&self, body: Body, from: Process, is_progress: bool) -> Body {
        passing(body, self.clone(), from, is_progress)
    }
}

/// A body whose frames pass only while both ends run and are not cut off from each other.
fn passing(body: Body, link: Link, scheduler: Process, is_progress: bool) -> Body {
    let frames = BodyStream::new(body);
    let passed = stream::unfold(Some(frames), move |frames| {
        let (link, scheduler) = (link.clone(), scheduler.clone());
        async move {
            let mut frames = frames?;
            let broken = async {
                let mut gone = pin!(scheduler.unresponsive(PATIENCE));
                poll_fn(|cx| match link.from.poll_death(cx) {
                    Poll::Ready(()) => Poll::Ready(()),
                    Poll::Pending => gone.poll_unpin(cx),
                })
                .await;
            };
            let next = async {
                let frame = frames.next().await?;
                link.network.weather.chance.pause(10, 1..=80).await;
                link.from.pass().await;
                scheduler.pass().await;
                Some(frame)
            };
            let frame = tokio::select! {
                biased;
                frame = next => frame?,
                () = broken => Err(Status::unavailable("the connection broke")),
            };
            if link.is_cut() || link.network.weather.mishap() {
                link.forget();
                link.fails();
                return Some((Err(Status::unavailable("cut off")), None));
            }
            let failed = match &frame {
                Ok(frame) => frame.trailers_ref().is_some_and(has_failed),
                Err(_) => true,
            };
            if failed {
                link.fails();
            }
            let rest = frame.is_ok().then_some(frames);
            let frame = match link.network.weather.flaw {
                Flaw::DeafToStop if is_progress => frame.map(tampering::without_stop),
                _ => frame,
            };
            Some((frame, rest))
        }
    });
    Body::new(StreamBody::new(passed))
}

impl Endpoint {
    async fn handle(
        self,
        path: String,
        request: Request<Body>,
        weather: Arc<Weather>,
    ) -> Response<Body> {
        self.process.pass().await;
        let mut request = request;
        let mut finish = None;
        if is_finish(&path) {
            let (head, body) = request.into_parts();
            let (sent, body) = messages::read(body).await;
            let body = tampering::finish(sent.as_ref(), body, &weather);
            request = Request::from_parts(head, body);
            finish = sent;
        }
        let response = if path.contains("WorkService") {
            self.work.oneshot(request).await
        } else {
            self.jobs.oneshot(request).await
        };
        let mut response = match response {
            Ok(response) => response,
            Err(never) => match never {},
        };
        self.process.pass().await;
        if let Some(finish) = finish {
            let (head, body) = response.into_parts();
            let (answer, body) = messages::read(body).await;
            if let Some(answer) = answer {
                note_end(&finish, answer, &weather);
            }
            response = Response::from_parts(head, body);
        }
        tampering::answer(&path, response, weather.flaw).await
    }
}

/// How an attempt ended is half of the story that commits tell.
fn note_end(finish: &v1::FinishRequest, answer: v1::FinishResponse, weather: &Weather) {
    let Some(outcome) = &finish.outcome else {
        return;
    };
    let what = match outcome {
        Outcome::Failed(failed) => {
            let error = failed.error.clone().unwrap_or_default();
            format!("failed, {}: {}", error.code, error.message)
        }
        other => format!("{other:?}"),
    };
    let event = match (outcome, answer.verdict()) {
        (_, v1::FinishVerdict::Discard) => "finish discarded",
        (_, v1::FinishVerdict::Superseded) => "finish superseded",
        (Outcome::HandedBack(_), _) => "handed back",
        (Outcome::Failed(_), _) => "attempt failed",
        (Outcome::Cleaned(_), _) => "cleaned",
        (_, _) => "finish committed",
    };
    weather.journal.meet(event, what);
    if let (v1::FinishVerdict::Committed, Ok(job), Ok(token)) = (
        answer.verdict(),
        finish.job_id.parse(),
        finish.lease_token.parse(),
    ) {
        weather.witness.finish_is_committed(job, token);
    }
}

fn is_finish(path: &str) -> bool {
    path.ends_with("/Finish")
}

impl Service<Request<Body>> for Link {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Body>, Status>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.clone().ask(request).boxed()
    }
}
