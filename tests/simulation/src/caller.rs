//! A caller and the gateway that serves it: asks for one copy, watches it to its end, cancels it when told to.
//!
//! What it was told, and in which order, is evidence. As the gateway does, it repeats a create until the
//! request's deadline; a create whose answer stays unknown is canceled until that is answered. A caller with an idempotency
//! key makes its request again instead, for which the gateway makes a new id, until it is answered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{CopySpec, ImageId, JobId, JobStatus, TenantId};
use jiff::{SignedDuration, Timestamp};
use proto::v1;
use proto::v1::job_service_client::JobServiceClient;
use service_kit::Clock as _;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Status};
use uuid::Uuid;
use work_queue::{Announcer as _, CopyJob};

use crate::checker::images_of;
use crate::clock::SimulatedClock;
use crate::cloud::{DESTINATION, Glance, SOURCE};
use crate::network::Link;
use crate::queue::PublishingEnd;
use crate::weather::Weather;

/// How long a request may take.
const REQUEST: Duration = Duration::from_secs(10);
/// How long one try of it may take.
const TRY: Duration = Duration::from_secs(4);
/// How much later than its request a create may still count.
const NOT_AFTER: SignedDuration = SignedDuration::from_secs(40);

/// What a caller asks for.
pub(crate) struct Request {
    /// Of all callers.
    pub(crate) number: usize,
    pub(crate) spec: CopySpec,
    pub(crate) key: Option<String>,
}

/// What a caller knows of its job.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    /// The job.
    pub job: JobId,
    /// The idempotency key of its requests.
    pub key: Option<String>,
    /// The ids that its requests would have made.
    pub tried: Vec<JobId>,
    /// Whether its key was taken for another image.
    pub is_refused: bool,
    /// What was to be copied.
    pub spec: CopySpec,
    /// Whether the caller got its 202.
    pub accepted: bool,
    /// What it was shown, in this order.
    pub observed: Vec<Observed>,
    /// What its cancels came to.
    pub cancel: Option<CancelAnswer>,
    /// Images of the job that were at the destination when the caller first saw it `canceled`.
    pub there_when_canceled: Vec<ImageId>,
}

/// One look at a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observed {
    /// Its status.
    pub status: JobStatus,
    /// Percent.
    pub progress: u8,
    /// The destination image, if one was named.
    pub image: Option<ImageId>,
}

/// How a cancel was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelAnswer {
    /// 202, with this status.
    Taken(JobStatus),
    /// 409: the job was over.
    TooLate,
    /// 404.
    NoSuchJob,
}

/// How a request for a copy was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CreateAnswer {
    /// 202.
    Accepted(JobId),
    /// 409: the key stands for another request.
    KeyTaken,
}

/// A caller; all clones are the same.
#[derive(Clone)]
pub(crate) struct Caller {
    number: usize,
    story: Arc<Mutex<Story>>,
    cancel: Arc<Notify>,
    weather: Arc<Weather>,
    destination: Glance,
}

impl Caller {
    /// Asks for a copy and watches it, in a task of its own.
    pub(crate) fn start(
        request: Request,
        link: Link,
        queue: PublishingEnd,
        clock: SimulatedClock,
        weather: Arc<Weather>,
        destination: Glance,
    ) -> Self {
        let job = id_of_request(request.number, 0);
        let story = Story {
            job,
            key: request.key,
            tried: vec![job],
            is_refused: false,
            spec: request.spec,
            accepted: false,
            observed: Vec::new(),
            cancel: None,
            there_when_canceled: Vec::new(),
        };
        let caller = Self {
            number: request.number,
            story: Arc::new(Mutex::new(story)),
            cancel: Arc::default(),
            weather,
            destination,
        };
        let jobs = JobServiceClient::new(link);
        tokio::spawn(caller.clone().run(jobs, queue, clock));
        caller
    }

    /// Has it cancel its job.
    pub(crate) fn cancel(&self) {
        self.cancel.notify_one();
    }

    /// What it knows so far.
    pub(crate) fn story(&self) -> Story {
        self.told().clone()
    }

    async fn run(self, jobs: JobServiceClient<Link>, queue: PublishingEnd, clock: SimulatedClock) {
        let answer = self.create_until_answered(&jobs, &clock).await;
        let id = self.told().job;
        self.weather
            .journal
            .note(format_args!("job {id}: create is answered {answer:?}"));
        match answer {
            Some(CreateAnswer::Accepted(job)) => {
                let mut story = self.told();
                story.accepted = true;
                story.job = job;
            }
            Some(CreateAnswer::KeyTaken) => {
                self.weather.journal.meet("key refused", id);
                self.told().is_refused = true;
                return;
            }
            None => {
                self.weather.journal.meet("create unanswered", id);
                self.cancel_until_answered(&jobs).await;
                return;
            }
        }
        let message = self.message();
        // Away, it is forgotten: the scheduler sends another.
        let _published = timeout(TRY, queue.publish(&message, None)).await;
        loop {
            let pause = self.weather.chance.millis(300..=3_000);
            tokio::select! {
                biased;
                () = self.cancel.notified() => self.cancel_until_answered(&jobs).await,
                () = sleep(pause) => self.look(&jobs).await,
            }
            if self
                .told()
                .observed
                .last()
                .is_some_and(|seen| seen.status.is_final())
            {
                return;
            }
        }
    }

    /// None: nobody knows whether the job stands.
    async fn create_until_answered(
        &self,
        jobs: &JobServiceClient<Link>,
        clock: &SimulatedClock,
    ) -> Option<CreateAnswer> {
        loop {
            let answer = self.create(jobs, clock.now()).await;
            if answer.is_some() || self.told().key.is_none() {
                return answer;
            }
            sleep(self.weather.chance.millis(500..=5_000)).await;
            let mut story = self.told();
            let again = id_of_request(self.number, story.tried.len());
            self.weather.journal.meet("request again", again);
            story.tried.push(again);
            story.job = again;
        }
    }

    /// One request.
    async fn create(&self, jobs: &JobServiceClient<Link>, now: Timestamp) -> Option<CreateAnswer> {
        let begun_at = Instant::now();
        let (id, request) = {
            let story = self.told();
            let digest = story.spec.source.image.to_string();
            let idempotency = story.key.clone().map(|key| v1::Idempotency {
                key,
                request_digest: digest,
            });
            let request = v1::CreateJobRequest {
                job_id: story.job.to_string(),
                spec: Some((&story.spec).into()),
                idempotency,
                not_after_ms: Some((now + NOT_AFTER).as_millisecond()),
            };
            (story.job, request)
        };
        while begun_at.elapsed() < REQUEST {
            let created = timeout(TRY, jobs.clone().create_job(request.clone())).await;
            match created {
                Ok(Ok(answer)) => return Some(self.create_answer(&request, answer.into_inner())),
                Ok(Err(status)) if status.code() == Code::AlreadyExists => {
                    return Some(CreateAnswer::Accepted(id));
                }
                Ok(Err(_)) | Err(_) => sleep(self.weather.chance.millis(50..=500)).await,
            }
        }
        None
    }

    /// What the gateway makes of the scheduler's answer: a key stands for one request.
    fn create_answer(
        &self,
        request: &v1::CreateJobRequest,
        answer: v1::CreateJobResponse,
    ) -> CreateAnswer {
        let digest = request.idempotency.as_ref().map(|it| &it.request_digest);
        if digest.is_some()
            && answer.request_digest.is_some()
            && digest != answer.request_digest.as_ref()
        {
            return CreateAnswer::KeyTaken;
        }
        let job = answer.job.expect("of a copy");
        let job = job.job_id.parse().expect("the scheduler's own words");
        if Some(job) != request.job_id.parse().ok() {
            self.weather.journal.meet("answered by its key", job);
        }
        CreateAnswer::Accepted(job)
    }

    async fn look(&self, jobs: &JobServiceClient<Link>) {
        let request = v1::GetJobRequest {
            viewer: Some(self.viewer()),
            by: Some(v1::get_job_request::By::JobId(self.told().job.to_string())),
        };
        if let Ok(Ok(answer)) = timeout(TRY, jobs.clone().get_job(request)).await {
            self.observe(answer.into_inner().job);
        }
    }

    async fn cancel_until_answered(&self, jobs: &JobServiceClient<Link>) {
        let request = v1::CancelJobRequest {
            viewer: Some(self.viewer()),
            job_id: self.told().job.to_string(),
        };
        loop {
            let answer = timeout(TRY, jobs.clone().cancel_job(request.clone())).await;
            let Ok(answer) = answer else { continue };
            let Some(answer) = self.cancel_answer(answer.map(|answer| answer.into_inner().job))
            else {
                sleep(self.weather.chance.millis(100..=1_000)).await;
                continue;
            };
            let mut story = self.told();
            self.weather.journal.note(format_args!(
                "job {}: cancel is answered {answer:?}",
                story.job
            ));
            story.cancel.get_or_insert(answer);
            return;
        }
    }

    fn cancel_answer(&self, answer: Result<Option<v1::Job>, Status>) -> Option<CancelAnswer> {
        match answer {
            Ok(job) => self
                .observe(job)
                .map(|seen| CancelAnswer::Taken(seen.status)),
            Err(status) => match status.code() {
                Code::FailedPrecondition => Some(CancelAnswer::TooLate),
                Code::NotFound => Some(CancelAnswer::NoSuchJob),
                _ => None,
            },
        }
    }

    fn observe(&self, job: Option<v1::Job>) -> Option<Observed> {
        let view = domain::JobView::try_from(job?).expect("the scheduler's own words");
        let seen = Observed {
            status: view.status,
            progress: view.copy_progress,
            image: view.destination_image_id,
        };
        let mut story = self.told();
        if story.observed.last() != Some(&seen) {
            self.weather.journal.note(format_args!(
                "job {} is seen {} at {} %",
                story.job, seen.status, seen.progress
            ));
            story.observed.push(seen);
            if seen.status == JobStatus::Canceled {
                let there = self.destination.all();
                let own = images_of(story.job).filter(|id| there.contains_key(&id.to_string()));
                story.there_when_canceled = own.collect();
            }
        }
        Some(seen)
    }

    fn viewer(&self) -> v1::Viewer {
        v1::Viewer {
            region_id: SOURCE.to_owned(),
            tenant_id: self.tenant().to_string(),
            all_tenants: false,
        }
    }

    fn tenant(&self) -> TenantId {
        self.told().spec.source.tenant.clone()
    }

    fn message(&self) -> CopyJob {
        let story = self.told();
        CopyJob {
            job_id: story.job,
            attempt_hint: 1,
            source_region: domain::RegionId::new(SOURCE),
            destination_region: domain::RegionId::new(DESTINATION),
            size_bytes: story.spec.source_digest.size_bytes,
        }
    }

    fn told(&self) -> MutexGuard<'_, Story> {
        self.story.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The job id that the gateway makes for a caller's request.
fn id_of_request(caller: usize, request: usize) -> JobId {
    JobId::from_uuid(Uuid::from_u128(
        (0xA000 + caller as u128) | ((request as u128) << 32),
    ))
}
