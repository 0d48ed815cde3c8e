//! A scheduler on a free port, with a clock that stands still and clients to talk to it.

use std::sync::Arc;
use std::time::Duration;

use domain::{JobId, JobStatus, Unit};
use jiff::SignedDuration;
use job_scheduler::acceptance::Acceptance;
use job_scheduler::intake::create_for_plan;
use job_scheduler::metrics::Metrics;
use job_scheduler::settings::Settings;
use job_scheduler::status::CallError;
use job_scheduler::store::memory::MemoryStore;
use job_scheduler::store::{PlanVersion, Store, Stored};
use job_scheduler::task::Task;
use job_scheduler::{Scheduler, reconciler};
use prometheus_client::registry::Registry;
use proto::v1::admin_service_client::AdminServiceClient;
use proto::v1::job_service_client::JobServiceClient;
use proto::v1::plan_service_client::PlanServiceClient;
use proto::v1::work_service_client::WorkServiceClient;
use proto::v1::{self, finish_request};
use service_kit::ManualClock;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::{Channel, Server};
use tonic::{Status, Streaming};
use uuid::Uuid;

use crate::sample::{self, at, spec};

/// A scheduler that ends with this value.
pub(crate) struct Rig {
    pub(crate) scheduler: Scheduler,
    pub(crate) clock: ManualClock,
    pub(crate) jobs: JobServiceClient<Channel>,
    pub(crate) work: WorkServiceClient<Channel>,
    pub(crate) plans: PlanServiceClient<Channel>,
    pub(crate) admin: AdminServiceClient<Channel>,
    /// Where all of it is served.
    pub(crate) address: std::net::SocketAddr,
    _stop: DropGuard,
}

/// A worker's open progress stream.
pub(crate) struct Progress {
    pub(crate) reports: mpsc::Sender<v1::ProgressReport>,
    pub(crate) directives: Streaming<v1::ProgressDirective>,
}

impl Rig {
    /// One on a store of its own.
    pub(crate) async fn start(settings: Settings) -> Self {
        let store = Arc::new(MemoryStore::new(settings.shape.clone()));
        Self::on(store, settings, ManualClock::at(at(0))).await
    }

    /// The same, which accepts what is new only as far as it may.
    pub(crate) async fn start_accepting(settings: Settings, acceptance: Acceptance) -> Self {
        let store = Arc::new(MemoryStore::new(settings.shape.clone()));
        let (clock, stop) = (ManualClock::at(at(0)), CancellationToken::new());
        let scheduler = scheduler(store, settings, clock.clone(), &stop);
        Self::serving(scheduler.with_acceptance(acceptance), clock, stop).await
    }

    /// One more on a store that others use too.
    pub(crate) async fn on(store: Arc<dyn Store>, settings: Settings, clock: ManualClock) -> Self {
        Self::with_plan_clock(store, settings, clock.clone(), clock).await
    }

    /// Creates what a plan needs done; the plan itself does nothing.
    pub(crate) async fn create_for_plan(&self, id: JobId, task: Task) -> Result<(), CallError> {
        let plan = task.plan().expect("a plan's");
        let store = &self.scheduler.jobs().store;
        let record = sample::idle_plan(plan);
        let terms = sample::plan_terms(1);
        let created = store.create_plan(&record, &terms, at(0)).await;
        created.expect("answers");
        let stored = store.load_plan(plan).await.expect("answers");
        let wished_by = PlanVersion::of(&stored.expect("stands"));
        create_for_plan(self.scheduler.jobs(), wished_by, id, task).await
    }

    /// One whose plans have a time of their own.
    pub(crate) async fn with_plan_clock(
        store: Arc<dyn Store>,
        settings: Settings,
        clock: ManualClock,
        plan_clock: ManualClock,
    ) -> Self {
        let stop = CancellationToken::new();
        let scheduler = scheduler(store, settings, clock.clone(), &stop);
        let scheduler = scheduler.with_plan_clock(Arc::new(plan_clock));
        Self::serving(scheduler, clock, stop).await
    }

    async fn serving(scheduler: Scheduler, clock: ManualClock, stop: CancellationToken) -> Self {
        scheduler.start_listening().expect("constants");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (jobs, work) = scheduler.services();
        let server = Server::builder()
            .add_service(jobs)
            .add_service(work)
            .add_service(scheduler.plan_service())
            .add_service(scheduler.admin_service())
            .serve_with_incoming_shutdown(
                TcpListenerStream::new(listener),
                stop.clone().cancelled_owned(),
            );
        tokio::spawn(server);
        let channel = Channel::from_shared(format!("http://{address}")).expect("a URL");
        let channel = channel.connect_lazy();
        Self {
            scheduler,
            clock,
            jobs: JobServiceClient::new(channel.clone()),
            work: WorkServiceClient::new(channel.clone()),
            plans: PlanServiceClient::new(channel.clone()),
            admin: AdminServiceClient::new(channel),
            address,
            _stop: stop.drop_guard(),
        }
    }

    pub(crate) fn viewer(tenant: &str) -> Option<v1::Viewer> {
        Some(v1::Viewer {
            region_id: "ot1".to_owned(),
            tenant_id: tenant.to_owned(),
            all_tenants: false,
        })
    }

    pub(crate) async fn create(&self, tenant: &str) -> JobId {
        let id = JobId::generate();
        self.create_as(id, tenant, None).await.expect("accepted");
        id
    }

    pub(crate) async fn create_as(
        &self,
        id: JobId,
        tenant: &str,
        idempotency: Option<v1::Idempotency>,
    ) -> Result<v1::CreateJobResponse, Status> {
        let request = v1::CreateJobRequest {
            job_id: id.to_string(),
            spec: Some((&spec("ot1", tenant, "ot2")).into()),
            idempotency,
            not_after_ms: None,
        };
        Ok(self.jobs.clone().create_job(request).await?.into_inner())
    }

    pub(crate) async fn claim(&self) -> Option<v1::Grant> {
        self.claim_as(Uuid::new_v4()).await
    }

    pub(crate) async fn claim_as(&self, claim: Uuid) -> Option<v1::Grant> {
        let request = v1::ClaimRequest {
            region_id: "ot2".to_owned(),
            claim_id: claim.to_string(),
            hinted_job_id: None,
            worker_id: "worker".to_owned(),
        };
        let answer = self.work.clone().claim(request).await.expect("answered");
        answer.into_inner().grant
    }

    pub(crate) async fn cancel(&self, id: JobId, tenant: &str) -> Result<v1::Job, Status> {
        let request = v1::CancelJobRequest {
            viewer: Self::viewer(tenant),
            job_id: id.to_string(),
        };
        let answer = self.jobs.clone().cancel_job(request).await?.into_inner();
        Ok(answer.job.expect("a job"))
    }

    pub(crate) async fn finish(
        &self,
        grant: &v1::Grant,
        outcome: finish_request::Outcome,
        settled: &[String],
    ) -> v1::FinishVerdict {
        let request = v1::FinishRequest {
            job_id: grant.job_id.clone(),
            lease_token: grant.lease_token.clone(),
            outcome: Some(outcome),
            settled: settled.to_vec(),
            bytes_copied: 0,
        };
        let answer = self.work.clone().finish(request).await.expect("answered");
        answer.into_inner().verdict()
    }

    /// Opens a progress stream with a first report.
    pub(crate) async fn progress(&self, grant: &v1::Grant) -> Progress {
        let (reports, receiver) = mpsc::channel(16);
        reports.send(report(grant, 1)).await.expect("room");
        let stream = ReceiverStream::new(receiver);
        let answer = self.work.clone().report_progress(stream).await;
        Progress {
            reports,
            directives: answer.expect("answered").into_inner(),
        }
    }

    pub(crate) async fn load(&self, id: JobId) -> Stored {
        let stored = self.scheduler.jobs().store.load(id).await;
        stored.expect("answers").expect("exists")
    }

    pub(crate) async fn status(&self, id: JobId) -> JobStatus {
        self.load(id).await.record.status
    }

    /// Lets time pass as schedulers see it that are there all along.
    pub(crate) async fn pass(&self, seconds: i64) {
        for _ in 0..seconds.div_euclid(5) {
            self.clock.advance(SignedDuration::from_secs(5));
            self.reconcile().await;
        }
        self.clock
            .advance(SignedDuration::from_secs(seconds.rem_euclid(5)));
        self.reconcile().await;
    }

    pub(crate) async fn reconcile(&self) {
        reconciler::tick(self.scheduler.jobs())
            .await
            .expect("answers");
    }
}

impl Progress {
    /// The next directive, which must come within five seconds.
    pub(crate) async fn next(&mut self) -> v1::ProgressDirective {
        let next = tokio::time::timeout(Duration::from_secs(5), self.directives.message());
        let next = next.await.expect("in time").expect("no error");
        next.expect("the stream goes on")
    }

    /// Waits until the worker is told this.
    pub(crate) async fn until(&mut self, directive: v1::Directive) {
        while self.next().await.directive() != directive {}
    }
}

fn scheduler(
    store: Arc<dyn Store>,
    settings: Settings,
    clock: ManualClock,
    stop: &CancellationToken,
) -> Scheduler {
    let metrics = Arc::new(Metrics::register(&mut Registry::default()));
    Scheduler::new(store, Arc::new(clock), settings, metrics, stop.clone())
}

/// What was granted.
pub(crate) fn unit(grant: &v1::Grant) -> Unit {
    let grant = domain::Grant::try_from(grant.clone());
    grant.expect("a sound grant").unit
}

pub(crate) fn report(grant: &v1::Grant, bytes_copied: u64) -> v1::ProgressReport {
    v1::ProgressReport {
        job_id: grant.job_id.clone(),
        lease_token: grant.lease_token.clone(),
        stage: v1::Stage::Copying.into(),
        bytes_copied,
        image_id: grant.destination_image_id.clone(),
        settled: Vec::new(),
    }
}

pub(crate) fn replicated(grant: &v1::Grant) -> finish_request::Outcome {
    let image_id = grant.destination_image_id.clone().expect("a copy");
    finish_request::Outcome::Replicated(v1::Replicated { image_id })
}

pub(crate) fn cleaned() -> finish_request::Outcome {
    finish_request::Outcome::Cleaned(v1::Cleaned {})
}

pub(crate) fn failed(transient: bool) -> finish_request::Outcome {
    finish_request::Outcome::Failed(v1::Failed {
        error: Some(v1::JobError {
            code: "destination_unavailable".to_owned(),
            message: "Glance of ot2 is down".to_owned(),
        }),
        transient,
    })
}
