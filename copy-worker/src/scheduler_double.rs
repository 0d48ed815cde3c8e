//! A scheduler for unit tests: real gRPC over an in-memory pipe, so that paused time stays exact, with
//! answers that the test gives on demand. It has no rules of its own; the real scheduler is used in
//! the scenario tests.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use copy_engine::EngineSettings;
use domain::{
    ActionId, CopySpec, Creator, Destination, FinishVerdict, Grant, IfIdentical, ImageDigest,
    ImageId, ImageSelector, JobId, LeaseToken, OrphanRemoval, OrphanSearch, PlanFire, PlanId,
    RecoveryPoint, RegionId, ReplicaRemoval, Source, TenantId, Unit, UnitKind, UserId,
};
use hyper_util::rt::TokioIo;
use openstack::Cloud;
use proto::v1;
use proto::v1::work_service_server::{WorkService, WorkServiceServer};
use service_kit::admin::Readiness;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Endpoint, Server, Uri};
use tonic::{Request, Response, Status, Streaming};

use crate::claim::Claimed;
use crate::metrics::Metrics;
use crate::scheduler_client::SchedulerClient;
use crate::workshop::Workshop;

/// The double; all clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct SchedulerDouble {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    is_away: bool,
    /// The claim that a grant is spoilt for, once there was one.
    spoilt: Option<Option<String>>,
    opens_no_stream: bool,
    grants: VecDeque<Grant>,
    verdicts: VecDeque<FinishVerdict>,
    claims: Vec<v1::ClaimRequest>,
    finishes: Vec<v1::FinishRequest>,
    streams: Vec<ProgressStream>,
    known: BTreeSet<String>,
}

/// A progress stream that the worker has opened.
#[derive(Debug)]
pub(crate) struct ProgressStream {
    pub(crate) reports: Streaming<v1::ProgressReport>,
    directives: mpsc::Sender<Result<v1::ProgressDirective, Status>>,
}

// === impl SchedulerDouble ===

impl SchedulerDouble {
    /// A client that is connected to the double.
    pub(crate) fn client(&self) -> SchedulerClient {
        let double = self.clone();
        let connector = tower::service_fn(move |_: Uri| {
            let (near, far) = tokio::io::duplex(64 * 1024);
            tokio::spawn(double.clone().serve(far));
            async move { Ok::<_, std::io::Error>(TokioIo::new(near)) }
        });
        let channel = Endpoint::from_static("http://double").connect_with_connector_lazy(connector);
        SchedulerClient::over(channel, Readiness::default().condition("scheduler"))
    }

    async fn serve(self, pipe: DuplexStream) {
        let incoming = tokio_stream::once(Ok::<_, std::io::Error>(pipe));
        let _ = Server::builder()
            .add_service(WorkServiceServer::new(self))
            .serve_with_incoming(incoming)
            .await;
    }

    /// What units of a worker with this scheduler share; its cloud has no regions.
    pub(crate) fn workshop(&self) -> Workshop {
        Workshop {
            scheduler: self.client(),
            cloud: Cloud::default(),
            admissions: BTreeMap::new(),
            most_images_of_a_tag: NonZeroUsize::MIN,
            engine: EngineSettings::default(),
            report_every: Duration::from_millis(500),
            finish_patience: Duration::from_secs(600),
            hand_back: CancellationToken::new(),
            metrics: Metrics::default(),
        }
    }

    /// From now on, every call fails as if nobody were there (or, again, not).
    pub(crate) fn set_away(&self, is_away: bool) {
        self.lock().is_away = is_away;
    }

    /// The next claim gets a grant that nobody understands, and so does each repetition of it.
    pub(crate) fn spoil_next_grant(&self) {
        self.lock().spoilt = Some(None);
    }

    /// From now on, the opening of a progress stream gets no answer at all (or, again, one).
    pub(crate) fn set_opens_no_stream(&self, opens_none: bool) {
        self.lock().opens_no_stream = opens_none;
    }

    /// The next claim gets this grant.
    pub(crate) fn grant(&self, grant: Grant) {
        self.lock().grants.push_back(grant);
    }

    /// The next finish gets this verdict; without one, it is committed.
    pub(crate) fn judge(&self, verdict: FinishVerdict) {
        self.lock().verdicts.push_back(verdict);
    }

    /// From now on, this job is known, and all other jobs are not.
    pub(crate) fn knows(&self, job: JobId) {
        self.lock().known.insert(job.to_string());
    }

    pub(crate) fn claims(&self) -> Vec<v1::ClaimRequest> {
        self.lock().claims.clone()
    }

    pub(crate) fn finishes(&self) -> Vec<v1::FinishRequest> {
        self.lock().finishes.clone()
    }

    /// Waits until the worker has opened another progress stream.
    pub(crate) async fn next_stream(&self) -> ProgressStream {
        loop {
            if let Some(stream) = self.lock().streams.pop() {
                return stream;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProgressStream {
    /// The next report.
    pub(crate) async fn report(&mut self) -> v1::ProgressReport {
        let report = self.reports.message().await.expect("a sound stream");
        report.expect("an open stream")
    }

    /// Answers.
    pub(crate) async fn direct(&self, directive: v1::Directive, reports_committed: u64) {
        let answer = v1::ProgressDirective {
            directive: directive.into(),
            reports_committed,
            copies_of_pair: None,
        };
        self.answer(answer).await;
    }

    /// Answers with whatever is to be said.
    pub(crate) async fn answer(&self, answer: v1::ProgressDirective) {
        self.directives
            .send(Ok(answer))
            .await
            .expect("an open stream");
    }
}

#[async_trait::async_trait]
impl WorkService for SchedulerDouble {
    async fn claim(
        &self,
        request: Request<v1::ClaimRequest>,
    ) -> Result<Response<v1::ClaimResponse>, Status> {
        let request = request.into_inner();
        let mut state = self.lock();
        state.claims.push(request.clone());
        if state.is_away {
            return Err(Status::unavailable("away"));
        }
        if let Some(claim) = &mut state.spoilt
            && claim.get_or_insert(request.claim_id.clone()) == &request.claim_id
        {
            let grant = Some(v1::Grant::default());
            return Ok(Response::new(v1::ClaimResponse { grant }));
        }
        let grant = state.grants.pop_front().as_ref().map(Into::into);
        Ok(Response::new(v1::ClaimResponse { grant }))
    }

    type ReportProgressStream = ReceiverStream<Result<v1::ProgressDirective, Status>>;

    async fn report_progress(
        &self,
        request: Request<Streaming<v1::ProgressReport>>,
    ) -> Result<Response<Self::ReportProgressStream>, Status> {
        if self.lock().opens_no_stream {
            std::future::pending::<()>().await;
        }
        let mut state = self.lock();
        if state.is_away {
            return Err(Status::unavailable("away"));
        }
        let (directives, receiver) = mpsc::channel(8);
        state.streams.push(ProgressStream {
            reports: request.into_inner(),
            directives,
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn finish(
        &self,
        request: Request<v1::FinishRequest>,
    ) -> Result<Response<v1::FinishResponse>, Status> {
        let mut state = self.lock();
        if state.is_away {
            return Err(Status::unavailable("away"));
        }
        state.finishes.push(request.into_inner());
        let verdict = state
            .verdicts
            .pop_front()
            .unwrap_or(FinishVerdict::Committed);
        Ok(Response::new(v1::FinishResponse {
            verdict: v1::FinishVerdict::from(verdict).into(),
        }))
    }

    async fn show_unknown_images(
        &self,
        request: Request<v1::ShowUnknownImagesRequest>,
    ) -> Result<Response<v1::ShowUnknownImagesResponse>, Status> {
        let state = self.lock();
        if state.is_away {
            return Err(Status::unavailable("away"));
        }
        let images = request.into_inner().images.into_iter();
        let unknown = images.filter(|image| !state.known.contains(&image.job_id));
        Ok(Response::new(v1::ShowUnknownImagesResponse {
            image_ids: unknown.map(|image| image.image_id).collect(),
        }))
    }
}

/// A copy of a made-up image.
pub(crate) fn spec() -> CopySpec {
    CopySpec {
        source: Source {
            region: RegionId::new("ot1"),
            tenant: TenantId::new("91b5c7c09cbd45caa3c146fd67ae471e"),
            image: ImageId::from_uuid(uuid::Uuid::from_u128(1)),
        },
        source_image_name: "image".to_owned(),
        source_digest: ImageDigest {
            size_bytes: 1,
            checksum: None,
            os_hash_algo: None,
            os_hash_value: None,
        },
        destination: Destination {
            region: RegionId::new("ot2"),
            tenant: TenantId::new("0f1b5c7c09cbd45caa3c146fd67ae471"),
        },
        if_identical: IfIdentical::Copy,
        requested_by: UserId::new("alice"),
        traceparent: None,
        plan_id: None,
        retry_of: None,
    }
}

/// A fire whose images are to be copied in such a way.
pub(crate) fn fire() -> PlanFire {
    let spec = spec();
    PlanFire {
        plan_id: PlanId::generate(),
        action_id: ActionId::generate(),
        source_region: spec.source.region,
        source_tenant: spec.source.tenant,
        creator: Creator {
            id: UserId::new("alice"),
            name: "alice".to_owned(),
            domain_id: "default".to_owned(),
            domain_name: "Default".to_owned(),
        },
        selector: ImageSelector::Id(spec.source.image),
        destination: spec.destination,
        newest: Vec::new(),
        traceparent: None,
    }
}

/// The removal of such a copy.
pub(crate) fn removal() -> ReplicaRemoval {
    let (spec, job_id) = (spec(), JobId::generate());
    ReplicaRemoval {
        plan_id: PlanId::generate(),
        replica: RecoveryPoint {
            job_id,
            image_id: job_id.image_of_attempt(1),
            source_image_id: spec.source.image,
            digest: spec.source_digest,
            destination: spec.destination,
            made_at: jiff::Timestamp::UNIX_EPOCH,
        },
        survivors: vec![JobId::generate().image_of_attempt(1)],
    }
}

/// The removal of what such a copy left.
pub(crate) fn orphan_removal() -> OrphanRemoval {
    let (spec, job) = (spec(), JobId::generate());
    OrphanRemoval {
        region: spec.destination.region,
        image: job.image_of_attempt(1),
        tenant: spec.destination.tenant,
        job,
        made_before: jiff::Timestamp::MAX,
        even_if_whole: false,
        even_if_protected: false,
    }
}

/// A grant of a made-up job, with a lease of 30 seconds.
pub(crate) fn grant(kind: UnitKind) -> Grant {
    let job_id = JobId::generate();
    Grant {
        unit: match kind {
            UnitKind::Copy => Unit::Copy(spec()),
            UnitKind::CleanUp => Unit::CleanUp(spec()),
            UnitKind::Resolve => Unit::Resolve(fire()),
            UnitKind::Remove => Unit::Remove(removal()),
            UnitKind::FindOrphans => Unit::FindOrphans(OrphanSearch {
                region: RegionId::new("ot2"),
                made_before: jiff::Timestamp::MAX,
            }),
            UnitKind::RemoveOrphan => Unit::RemoveOrphan(orphan_removal()),
        },
        job_id,
        attempt: 1,
        lease_token: LeaseToken::generate(),
        lease_length: Duration::from_secs(30),
        destination_image_id: (kind == UnitKind::Copy).then(|| job_id.image_of_attempt(1)),
        leftovers: Vec::new(),
        cancel_requested: false,
    }
}

/// The same, asked for right now.
pub(crate) fn claimed(kind: UnitKind) -> Claimed {
    Claimed {
        grant: grant(kind),
        asked_at: Instant::now(),
        span: tracing::Span::none(),
    }
}
