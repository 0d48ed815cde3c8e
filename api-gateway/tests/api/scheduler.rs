//! A double of the scheduler: a table of jobs and plans behind the real gRPC interface, which can be told to
//! fail before or after it has done what was asked.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::{Stream, StreamExt};
use proto::v1::get_job_request::By;
use proto::v1::job_service_server::{JobService, JobServiceServer};
use proto::v1::plan_service_server::PlanServiceServer;
use proto::v1::{self, JobStatus};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio_stream::wrappers::{TcpListenerStream, WatchStream};
use tonic::{Request, Response, Status};

use crate::plan_table::PlanTable;

/// A scheduler that serves; stops when dropped.
pub(crate) struct FakeScheduler {
    pub address: SocketAddr,
    pub table: Table,
    /// One of its own: the server's connections outlive its task, and end with their runtime.
    runtime: Option<Runtime>,
}

/// What the scheduler knows. Cheap to clone; survives the scheduler.
#[derive(Clone)]
pub(crate) struct Table {
    state: Arc<Mutex<TableState>>,
    changed: Arc<watch::Sender<u64>>,
}

#[derive(Default)]
pub(crate) struct TableState {
    pub jobs: Vec<v1::Job>,
    pub plans: PlanTable,
    keys: HashMap<String, (String, String)>,
    /// Every change: its sequence is its place, from 1.
    changes: Vec<v1::Job>,
    pub trouble: Trouble,
    pub creates: usize,
    /// Times until which creates count, in milliseconds since the Unix epoch.
    pub not_after: Vec<Option<i64>>,
    /// Deadlines that creates came with.
    pub timeouts: Vec<String>,
    pub open_watches: usize,
    /// Questions for the progress of images.
    pub progress_asked: Vec<v1::ShowImageProgressRequest>,
}

/// What goes wrong with the next creates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Trouble {
    #[default]
    None,
    /// This many fail before anything is done.
    FailsBefore(usize),
    /// This many fail after the job was created.
    FailsAfter(usize),
    /// The job is created and the answer never comes.
    Hangs,
    QueueIsFull,
}

impl FakeScheduler {
    pub(crate) async fn start() -> Self {
        let (changed, _) = watch::channel(0);
        let table = Table {
            state: Arc::default(),
            changed: Arc::new(changed),
        };
        Self::start_with(table, "127.0.0.1:0".parse().expect("an address")).await
    }

    /// A scheduler that finds what another has left, at its address.
    pub(crate) async fn start_with(table: Table, address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.expect("the port");
        let address = listener.local_addr().expect("an address");
        let listener = listener.into_std().expect("a listener");
        let jobs = JobServiceServer::new(table.clone());
        let plans = PlanServiceServer::new(table.clone());
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            tonic::transport::Server::builder()
                .add_service(jobs)
                .add_service(plans)
                .serve_with_incoming(TcpListenerStream::new(listener))
                .await
                .expect("serves");
        });
        Self {
            address,
            table,
            runtime: Some(runtime),
        }
    }

    /// Ends it in the middle of whatever it does; waits until nobody answers any more.
    pub(crate) async fn stop(&mut self) {
        self.kill();
        while TcpStream::connect(self.address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for FakeScheduler {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Table {
    pub(crate) fn edit<T>(&self, change: impl FnOnce(&mut TableState) -> T) -> T {
        change(&mut self.lock())
    }

    /// Adds or replaces a job and tells everybody who watches.
    pub(crate) fn put(&self, job: v1::Job) {
        let sequence = self.edit(|state| {
            state.jobs.retain(|other| other.job_id != job.job_id);
            state.jobs.push(job.clone());
            state.changes.push(job);
            state.changes.len() as u64
        });
        self.changed.send_replace(sequence);
    }

    pub(crate) fn set_status(&self, job_id: &str, status: JobStatus) {
        let mut job = self
            .edit(|state| state.jobs.iter().find(|job| job.job_id == job_id).cloned())
            .expect("the job");
        job.status = status.into();
        self.put(job);
    }

    fn lock(&self) -> MutexGuard<'_, TableState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn create(&self, request: v1::CreateJobRequest) -> v1::CreateJobResponse {
        let standing = self.edit(|state| {
            state.creates += 1;
            let by_key = request
                .idempotency
                .as_ref()
                .and_then(|key| state.keys.get(&key.key));
            let id = by_key.map_or(&request.job_id, |(id, _)| id);
            let digest = by_key.map(|(_, digest)| digest.clone());
            state
                .jobs
                .iter()
                .find(|job| job.job_id == *id)
                .map(|job| (job.clone(), digest))
        });
        if let Some((job, digest)) = standing {
            return v1::CreateJobResponse {
                job: Some(job),
                request_digest: digest,
            };
        }
        let job = v1::Job {
            job_id: request.job_id.clone(),
            spec: request.spec,
            status: JobStatus::ReplicateRequested.into(),
            created_at_ms: 1_767_225_600_000,
            updated_at_ms: 1_767_225_600_000,
            ..v1::Job::default()
        };
        let digest = request.idempotency.map(|key| {
            let entry = (request.job_id, key.request_digest.clone());
            self.edit(|state| state.keys.insert(key.key, entry));
            key.request_digest
        });
        self.put(job.clone());
        v1::CreateJobResponse {
            job: Some(job),
            request_digest: digest,
        }
    }

    fn find(&self, viewer: Option<&v1::Viewer>, job_id: &str) -> Result<v1::Job, Status> {
        self.edit(|state| {
            let job = state.jobs.iter().find(|job| job.job_id == job_id);
            job.filter(|job| is_visible(viewer, job)).cloned()
        })
        .ok_or_else(|| Status::not_found("no such job"))
    }
}

fn is_visible(viewer: Option<&v1::Viewer>, job: &v1::Job) -> bool {
    let (Some(viewer), Some(spec)) = (viewer, &job.spec) else {
        return false;
    };
    viewer.all_tenants
        || viewer.tenant_id == spec.source_tenant_id && viewer.region_id == spec.source_region_id
}

#[tonic::async_trait]
impl JobService for Table {
    async fn create_job(
        &self,
        request: Request<v1::CreateJobRequest>,
    ) -> Result<Response<v1::CreateJobResponse>, Status> {
        let timeout = request.metadata().get("grpc-timeout");
        let timeout = timeout
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let trouble = self.edit(|state| {
            state.timeouts.push(timeout);
            state.not_after.push(request.get_ref().not_after_ms);
            let trouble = state.trouble;
            state.trouble = match trouble {
                Trouble::FailsBefore(times) if times > 1 => Trouble::FailsBefore(times - 1),
                Trouble::FailsAfter(times) if times > 1 => Trouble::FailsAfter(times - 1),
                Trouble::FailsBefore(_) | Trouble::FailsAfter(_) => Trouble::None,
                other => other,
            };
            trouble
        });
        match trouble {
            Trouble::None => Ok(Response::new(self.create(request.into_inner()))),
            Trouble::FailsBefore(_) => Err(Status::unavailable("the store is away")),
            Trouble::FailsAfter(_) => {
                self.create(request.into_inner());
                Err(Status::unavailable("the store is away"))
            }
            Trouble::Hangs => {
                self.create(request.into_inner());
                std::future::pending().await
            }
            Trouble::QueueIsFull => Err(Status::resource_exhausted("the limit is 10000")),
        }
    }

    async fn get_job(
        &self,
        request: Request<v1::GetJobRequest>,
    ) -> Result<Response<v1::GetJobResponse>, Status> {
        let request = request.into_inner();
        let viewer = request.viewer.as_ref();
        let (id, digest) = match request.by {
            Some(By::JobId(id)) => (id, None),
            Some(By::IdempotencyKey(key)) => self
                .edit(|state| state.keys.get(&key).cloned())
                .map(|(id, digest)| (id, Some(digest)))
                .ok_or_else(|| Status::not_found("no such key"))?,
            None => return Err(Status::invalid_argument("by: is missing")),
        };
        let job = Some(self.find(viewer, &id)?);
        Ok(Response::new(v1::GetJobResponse {
            job,
            request_digest: digest,
        }))
    }

    async fn list_jobs(
        &self,
        request: Request<v1::ListJobsRequest>,
    ) -> Result<Response<v1::ListJobsResponse>, Status> {
        let request = request.into_inner();
        let mut jobs: Vec<v1::Job> = self.edit(|state| {
            let visible = |job: &&v1::Job| {
                is_visible(request.viewer.as_ref(), job)
                    && (request.statuses.is_empty() || request.statuses.contains(&job.status))
            };
            state.jobs.iter().filter(visible).cloned().collect()
        });
        jobs.sort_by_key(|job| job.created_at_ms);
        if !request.oldest_first {
            jobs.reverse();
        }
        if let Some(marker) = request.marker {
            let place = jobs.iter().position(|job| job.job_id == marker);
            let place = place.ok_or_else(|| Status::invalid_argument("marker: is unknown"))?;
            jobs.drain(..=place);
        }
        let limit = usize::try_from(request.limit).expect("small");
        let has_more = jobs.len() > limit;
        jobs.truncate(limit);
        Ok(Response::new(v1::ListJobsResponse { jobs, has_more }))
    }

    async fn cancel_job(
        &self,
        request: Request<v1::CancelJobRequest>,
    ) -> Result<Response<v1::CancelJobResponse>, Status> {
        let request = request.into_inner();
        let mut job = self.find(request.viewer.as_ref(), &request.job_id)?;
        match job.status() {
            JobStatus::ReplicateRequested | JobStatus::Replicating => {
                job.status = JobStatus::CancelRequested.into();
                self.put(job.clone());
                Ok(Response::new(v1::CancelJobResponse { job: Some(job) }))
            }
            _ => Err(Status::failed_precondition("too late")),
        }
    }

    async fn show_image_progress(
        &self,
        request: Request<v1::ShowImageProgressRequest>,
    ) -> Result<Response<v1::ShowImageProgressResponse>, Status> {
        let request = request.into_inner();
        let hangs = self.edit(|state| {
            state.progress_asked.push(request.clone());
            state.trouble == Trouble::Hangs
        });
        if hangs {
            std::future::pending::<()>().await;
        }
        let images = self.edit(|state| {
            let told = request.images.iter().filter_map(|image| {
                let job = state.jobs.iter().find(|job| job.job_id == image.job_id)?;
                Some(v1::ImageProgress {
                    image_id: image.image_id.clone(),
                    copy_progress: job.copy_progress,
                })
            });
            told.collect()
        });
        Ok(Response::new(v1::ShowImageProgressResponse { images }))
    }

    type WatchJobsStream = Pin<Box<dyn Stream<Item = Result<v1::JobChange, Status>> + Send>>;

    async fn watch_jobs(
        &self,
        request: Request<v1::WatchJobsRequest>,
    ) -> Result<Response<Self::WatchJobsStream>, Status> {
        let request = request.into_inner();
        let (table, open) = (self.clone(), OpenWatch::new(self));
        let latest = self.edit(|state| state.changes.len());
        let mut seen = match (&request.job_id, request.after_sequence) {
            (Some(_), _) => 0,
            (None, Some(after)) => usize::try_from(after).expect("small"),
            (None, None) => latest,
        };
        let position = request.job_id.is_none().then_some(Ok(v1::JobChange {
            job: None,
            sequence: seen as u64,
        }));
        let stream = WatchStream::new(self.changed.subscribe()).flat_map(move |_| {
            let _ = &open;
            let fresh: Vec<_> = table.edit(|state| {
                let fresh = state.changes.iter().enumerate().skip(seen);
                fresh
                    .filter(|(_, job)| is_visible(request.viewer.as_ref(), job))
                    .filter(|(_, job)| request.job_id.as_ref().is_none_or(|id| job.job_id == *id))
                    .map(|(place, job)| {
                        Ok(v1::JobChange {
                            job: Some(job.clone()),
                            sequence: place as u64 + 1,
                        })
                    })
                    .collect()
            });
            seen = table.edit(|state| state.changes.len());
            futures::stream::iter(fresh)
        });
        let stream = futures::stream::iter(position).chain(stream);
        Ok(Response::new(Box::pin(stream)))
    }
}

struct OpenWatch(Table);

impl OpenWatch {
    fn new(table: &Table) -> Self {
        table.edit(|state| state.open_watches += 1);
        Self(table.clone())
    }
}

impl Drop for OpenWatch {
    fn drop(&mut self) {
        self.0.edit(|state| state.open_watches -= 1);
    }
}
