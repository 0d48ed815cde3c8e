//! Creating a job: repeated with the same job id until the scheduler has said what became of it, or
//! the request's deadline has passed.

use domain::{CopySpec, JobId};
use jiff::Timestamp;
use proto::v1;
use proto::v1::job_service_client::JobServiceClient;
use tokio::time::{Duration, Instant};
use tonic::{Request, Response, Status};

use super::{KeyedJob, SchedulerClient, SchedulerError, Transport, job_of};

/// One try takes no longer, so that a frozen scheduler leaves time for another.
const LONGEST_TRY: Duration = Duration::from_secs(10);

/// A job to be created. The id is made by the caller: repeating it creates nothing twice.
#[derive(Debug, Clone)]
pub(crate) struct NewJob {
    /// The job's id.
    pub id: JobId,
    /// What is to be copied where.
    pub spec: CopySpec,
    /// The caller's idempotency key, if it sent one.
    pub key: Option<String>,
    /// Digest of the request; stored with the key.
    pub request_digest: String,
    /// A create that reaches a scheduler later than this creates nothing.
    pub not_after: Timestamp,
}

/// A job that was not created, or is not known to have been.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CreateError {
    /// It was not.
    #[error(transparent)]
    Refused(SchedulerError),
    /// It was not: the scheduler accepts nothing new for now.
    #[error("{0}")]
    NotAccepting(SchedulerError),
    /// Nothing ever reached a scheduler: it was not.
    #[error("the scheduler is not connected")]
    NotSent,
    /// It may have been.
    #[error("it is not known whether the job was created: {0}")]
    Unknown(SchedulerError),
}

impl SchedulerClient {
    /// Creates a job. The answer names the job that stands: the new one, or the one that the key
    /// already stood for.
    ///
    /// # Errors
    /// [`CreateError::Unknown`] when no answer came until `deadline`: the job may exist.
    pub(crate) async fn create(
        &self,
        job: &NewJob,
        deadline: Instant,
    ) -> Result<KeyedJob, CreateError> {
        let request = v1::CreateJobRequest {
            job_id: job.id.to_string(),
            spec: Some((&job.spec).into()),
            idempotency: job.key.as_ref().map(|key| v1::Idempotency {
                key: key.clone(),
                request_digest: job.request_digest.clone(),
            }),
            not_after_ms: Some(job.not_after.as_millisecond()),
        };
        let call =
            async |mut rpc: JobServiceClient<Transport>, request| rpc.create_job(request).await;
        let answer = self
            .create_until(&self.rpc, deadline, call, request)
            .await?;
        let job = job_of(answer.job).map_err(CreateError::Unknown)?;
        Ok(KeyedJob {
            id: job.id,
            request_digest: answer.request_digest,
        })
    }

    /// Tries to create something until its fate is known or the deadline has passed.
    pub(super) async fn create_until<C: Clone, Q: Clone, A>(
        &self,
        client: &C,
        deadline: Instant,
        call: impl AsyncFn(C, Request<Q>) -> Result<Response<A>, Status>,
        request: Q,
    ) -> Result<A, CreateError> {
        let give_up_unsent = deadline.min(Instant::now() + super::PATIENCE);
        let mut sent = false;
        let mut failures = 0;
        loop {
            let this_try = deadline.min(Instant::now() + LONGEST_TRY);
            let error = match self.once(client, this_try, &call, request.clone()).await {
                Ok(created) => return Ok(created),
                Err(error) => error,
            };
            let give_up = match error {
                SchedulerError::TooLate(_) if sent => return Err(CreateError::Unknown(error)),
                SchedulerError::TooLate(_) => return Err(CreateError::NotAccepting(error)),
                SchedulerError::NotFound
                | SchedulerError::LimitReached(_)
                | SchedulerError::Taken
                | SchedulerError::Invalid(_) => return Err(CreateError::Refused(error)),
                SchedulerError::NotConnected if !sent => give_up_unsent,
                SchedulerError::NotConnected => deadline,
                SchedulerError::Unavailable(_) | SchedulerError::TimedOut => {
                    sent = true;
                    deadline
                }
                // An earlier try may have been in time, or have found room.
                SchedulerError::GivenUp | SchedulerError::Full if !sent => {
                    return Err(CreateError::Refused(error));
                }
                SchedulerError::GivenUp | SchedulerError::Full | SchedulerError::Defect(_) => {
                    return Err(CreateError::Unknown(error));
                }
            };
            if !self.pause(&mut failures, give_up).await {
                let unknown = CreateError::Unknown(error);
                return Err(if sent { unknown } else { CreateError::NotSent });
            }
        }
    }
}
