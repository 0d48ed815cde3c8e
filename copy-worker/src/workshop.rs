//! What every unit of a worker shares.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use admission::{Admission, Declined};
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
    /// For each region, of copies out of it.
    pub(crate) admissions: BTreeMap<RegionId, Admission>,
    pub(crate) engine: EngineSettings,
    /// How many images a plan may copy by a tag.
    pub(crate) most_images_of_a_tag: NonZeroUsize,
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
        let region = self.cloud.region(id).ok_or_else(|| unknown_region(id))?;
        Ok(region.with_context(context))
    }

    /// The rules of copies out of a region.
    ///
    /// # Errors
    /// As [`Workshop::region`].
    pub(crate) fn admission(&self, source: &RegionId) -> Result<&Admission, Failure> {
        let admission = self.admissions.get(source);
        admission.ok_or_else(|| unknown_region(source))
    }
}

/// What is declined is over; what cannot be told now is tried again.
pub(crate) fn failure_of(declined: Declined) -> Failure {
    match declined {
        Declined::Refused(error) => Failure {
            error,
            transient: false,
        },
        Declined::NotNow(error) => Failure {
            error,
            transient: true,
        },
    }
}

fn unknown_region(id: &RegionId) -> Failure {
    Failure {
        error: JobError::new(
            ErrorCode::Internal,
            format!("region {id} is not in the configuration of the worker"),
        ),
        transient: true,
    }
}
