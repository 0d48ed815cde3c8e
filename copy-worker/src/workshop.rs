//! What every unit of a worker shares.

use std::time::Duration;

use copy_engine::{EngineSettings, Failure};
use domain::{ErrorCode, JobError, RegionId};
use openstack::{Cloud, Region, RequestContext};
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::scheduler_client::SchedulerClient;

/// Clients, settings and the signal to hand back.
#[derive(Debug)]
pub(crate) struct Workshop {
    pub(crate) scheduler: SchedulerClient,
    pub(crate) cloud: Cloud,
    pub(crate) engine: EngineSettings,
    /// Period of progress reports.
    pub(crate) report_every: Duration,
    /// How long the end of a unit is reported to a scheduler that is away.
    pub(crate) finish_patience: Duration,
    /// Cancelled when a drain has no time left: every unit ends and is handed back.
    pub(crate) hand_back: CancellationToken,
    pub(crate) metrics: Metrics,
}

impl Workshop {
    /// The clients of a region, for requests in `context`.
    ///
    /// # Errors
    /// A transient failure: other workers, or this one after its next start, may know the region.
    pub(crate) fn region(
        &self,
        id: &RegionId,
        context: &RequestContext,
    ) -> Result<Region, Failure> {
        let region = self.cloud.region(id).ok_or_else(|| Failure {
            error: JobError::new(
                ErrorCode::Internal,
                format!("region {id} is not in the configuration of the worker"),
            ),
            transient: true,
        })?;
        Ok(region.with_context(context))
    }
}
