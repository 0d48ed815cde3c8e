//! gRPC from workers: claims, progress, finishes. Thin: messages in and out, nothing decided here.

use domain::{Finish, FinishVerdict, ImageId, JobId, ProgressReport, WorkerId};
use futures::StreamExt;
use futures::stream::BoxStream;
use proto::convert::parse;
use proto::v1;
use proto::v1::work_service_server::WorkService;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status, Streaming};
use tracing::Instrument;

use crate::admin::unknown_images;
use crate::claims::{Claim, claim};
use crate::jobs::{Decision, Jobs};
use crate::lifecycle;
use crate::progress_stream;
use crate::reuse;
use crate::status::CallError;
use crate::watch::ChangeFeed;

/// Directives that wait for a slow worker; each is superseded by the next, so few are enough.
const ANSWERS: usize = 8;

/// The service.
#[derive(Clone)]
pub struct Work {
    /// The jobs.
    pub jobs: Jobs,
    /// Changes made elsewhere.
    pub feed: ChangeFeed,
    /// Ends open streams.
    pub shutdown: CancellationToken,
    /// Where streams run.
    pub tasks: TaskTracker,
}

// === impl Work ===

impl Work {
    async fn finish(&self, finish: &Finish) -> Result<FinishVerdict, CallError> {
        let verdict = self.commit(finish).await?;
        if verdict == FinishVerdict::LookAgain
            && let Some(thwarted) = reuse::thwarted(&self.jobs, finish).await?
        {
            return self.commit(&thwarted).await;
        }
        Ok(verdict)
    }

    async fn commit(&self, finish: &Finish) -> Result<FinishVerdict, CallError> {
        let jitter = Jobs::jitter();
        let decided = self
            .jobs
            .decide::<_, CallError>(finish.job_id, |record, now| {
                let rules = self.jobs.rules();
                let (record, verdict) = lifecycle::finish(record, finish, now, jitter, rules)?;
                let answer = (verdict, record.is_some());
                Ok(Decision { record, answer })
            })
            .await?;
        // A job that is long gone: whatever the worker holds was superseded.
        let Some(decided) = decided else {
            return Ok(FinishVerdict::Superseded);
        };
        let (verdict, written) = decided.answer;
        if !written {
            // The call that wrote it may have died waiting for a replica.
            self.jobs.store.barrier(self.jobs.now()).await?;
        }
        let record = &decided.stored.record;
        tracing::info!(
            job.id = %record.id,
            job.status = %record.status,
            job.attempt = record.attempt,
            job.leftovers = record.leftovers.len(),
            error = record.error.as_ref().map(ToString::to_string),
            verdict = ?verdict,
            "an attempt ended"
        );
        Ok(verdict)
    }
}

#[tonic::async_trait]
impl WorkService for Work {
    async fn claim(
        &self,
        request: Request<v1::ClaimRequest>,
    ) -> Result<Response<v1::ClaimResponse>, Status> {
        let request = request.into_inner();
        let order = Claim {
            region: domain::RegionId::new(request.region_id),
            id: parse("claim_id", &request.claim_id)?,
            // A hint comes from a message that anybody may have forged: nonsense is no hint.
            hint: request.hinted_job_id.and_then(|id| id.parse().ok()),
            worker: WorkerId::new(request.worker_id),
        };
        if self.shutdown.is_cancelled() {
            return Err(CallError::ShuttingDown.into());
        }
        let grant = claim(&self.jobs, &order).await?;
        let grant = grant.as_ref().map(Into::into);
        Ok(Response::new(v1::ClaimResponse { grant }))
    }

    type ReportProgressStream = BoxStream<'static, Result<v1::ProgressDirective, Status>>;

    async fn report_progress(
        &self,
        request: Request<Streaming<v1::ProgressReport>>,
    ) -> Result<Response<Self::ReportProgressStream>, Status> {
        let reports = request
            .into_inner()
            .map(|report| ProgressReport::try_from(report?).map_err(Status::from));
        let (sender, receiver) = mpsc::channel(ANSWERS);
        let serve = progress_stream::serve(
            self.jobs.clone(),
            self.feed.clone(),
            reports,
            sender,
            self.shutdown.clone(),
        );
        self.tasks.spawn(serve.in_current_span());
        let answers = ReceiverStream::new(receiver).map(|answer| {
            answer.map(|answer| v1::ProgressDirective {
                directive: v1::Directive::from(answer.directive).into(),
                reports_committed: answer.reports_committed,
                copies_of_pair: answer.copies_of_pair,
            })
        });
        Ok(Response::new(answers.boxed()))
    }

    async fn finish(
        &self,
        request: Request<v1::FinishRequest>,
    ) -> Result<Response<v1::FinishResponse>, Status> {
        let finish = Finish::try_from(request.into_inner())?;
        let verdict = Self::finish(self, &finish).await?;
        Ok(Response::new(v1::FinishResponse {
            verdict: v1::FinishVerdict::from(verdict).into(),
        }))
    }
    async fn show_unknown_images(
        &self,
        request: Request<v1::ShowUnknownImagesRequest>,
    ) -> Result<Response<v1::ShowUnknownImagesResponse>, Status> {
        let request = request.into_inner();
        let errand = parse("job_id", &request.job_id)?;
        let lease = parse("lease_token", &request.lease_token)?;
        let images = request.images.iter().map(|claimed| {
            let image: ImageId = parse("images.image_id", &claimed.image_id)?;
            let job: JobId = parse("images.job_id", &claimed.job_id)?;
            Ok((image, job))
        });
        let images = images.collect::<Result<_, CallError>>()?;
        let unknown = unknown_images(&self.jobs, errand, lease, images).await?;
        Ok(Response::new(v1::ShowUnknownImagesResponse {
            image_ids: unknown.iter().map(ToString::to_string).collect(),
        }))
    }
}
