//! One job's life at a time, step by step at every size in turn, so that what disturbs one disturbs all.

use anyhow::{Context, ensure};
use domain::JobId;
use proto::v1;
use proto::v1::job_service_client::JobServiceClient;

use super::holding::Holding;
use super::seed::TENANT;
use crate::control_plane::copies::{self, Progress};
use crate::control_plane::load::timed;

/// Jobs on a page: as many as there are at the smallest size when rounds begin to count.
pub(super) const PAGE: usize = 20;

/// What is done to a store, in the order of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Create,
    Get,
    List,
    ListBehind,
    Claim,
    Report,
    Finish,
}

/// The job of a round.
#[derive(Default)]
pub(super) struct Round {
    job: Option<JobId>,
    grant: Option<v1::Grant>,
    progress: Option<Progress>,
}

impl Step {
    pub(super) const ALL: [Self; 7] = [
        Self::Create,
        Self::Get,
        Self::List,
        Self::ListBehind,
        Self::Claim,
        Self::Report,
        Self::Finish,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Get => "get",
            Self::List => "list, the newest page",
            Self::ListBehind => "list, a page behind a job in the middle",
            Self::Claim => "claim",
            Self::Report => "progress: a stream's first report",
            Self::Finish => "finish",
        }
    }
}

impl Round {
    /// Does a step; gives the milliseconds that it took. `is_counted`: a page must be full.
    ///
    /// # Errors
    /// When it is refused.
    pub(super) async fn step(
        &mut self,
        step: Step,
        holding: &Holding,
        is_counted: bool,
    ) -> anyhow::Result<f64> {
        let channel = &holding.scheduler;
        let (job, grant) = (self.job, self.grant.as_ref());
        match step {
            Step::Create => {
                let spec = copies::spec(TENANT);
                let (job, took) = timed(copies::create(channel, &spec)).await?;
                self.job = Some(job);
                Ok(took)
            }
            Step::Get => {
                let request = v1::GetJobRequest {
                    viewer: copies::viewer(TENANT),
                    by: job.map(|job| v1::get_job_request::By::JobId(job.to_string())),
                };
                let mut jobs = JobServiceClient::new(channel.clone());
                Ok(timed(async { Ok(jobs.get_job(request).await?) }).await?.1)
            }
            Step::List => list(holding, None, is_counted).await,
            Step::ListBehind => list(holding, Some(holding.middle), is_counted).await,
            Step::Claim => {
                let hint = job.context("no job")?;
                let ((grant, _), took) = timed(copies::claim(channel, hint)).await?;
                self.grant = Some(grant);
                Ok(took)
            }
            Step::Report => {
                let grant = grant.context("no grant")?;
                let (progress, took) = timed(async {
                    let mut progress = Progress::open(channel, grant).await?;
                    while progress.next().await? == 0 {}
                    Ok(progress)
                })
                .await?;
                self.progress = Some(progress);
                Ok(took)
            }
            Step::Finish => {
                let grant = grant.context("no grant")?;
                Ok(timed(copies::finish(channel, grant)).await?.1)
            }
        }
    }
}

/// The newest jobs of the tenant that has most; or, oldest first, those behind one.
async fn list(holding: &Holding, behind: Option<JobId>, is_counted: bool) -> anyhow::Result<f64> {
    let request = v1::ListJobsRequest {
        viewer: copies::viewer(TENANT),
        statuses: Vec::new(),
        limit: u32::try_from(PAGE)?,
        marker: behind.map(|job| job.to_string()),
        oldest_first: behind.is_some(),
    };
    let mut jobs = JobServiceClient::new(holding.scheduler.clone());
    let (answer, took) = timed(async { Ok(jobs.list_jobs(request).await?) }).await?;
    let found = answer.into_inner().jobs.len();
    ensure!(!is_counted || found == PAGE, "a page of {found} jobs");
    Ok(took)
}
