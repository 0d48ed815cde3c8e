//! What other parts refuse or fail at, as faults: the one table from their words to the caller's.

use admission::Refusal;

use super::Fault;
use crate::scheduler_client::{CreateError, SchedulerError};

const SCHEDULER_AWAY: &str = "The scheduler is out of reach. Try again later.";

/// How long a tenant at its queue limit is asked to wait: about as long as a copy takes.
const RETRY_WHEN_SOME_ARE_DONE: std::time::Duration = std::time::Duration::from_secs(60);

impl Fault {
    /// 404 for a job that does not exist, or not for this caller: the two must not be told apart.
    #[must_use]
    pub(crate) fn no_such_job() -> Self {
        Self::NotFound("There is no such copy job.".to_owned())
    }
}

impl From<SchedulerError> for Fault {
    fn from(error: SchedulerError) -> Self {
        match error {
            SchedulerError::NotFound => Self::no_such_job(),
            SchedulerError::TooLate(_) => Self::Conflict(
                "The copy job can't be canceled any more: only jobs that are \
                 replicate_requested or replicating can."
                    .to_owned(),
            ),
            SchedulerError::LimitReached(limit) => Self::TooMany {
                message: format!(
                    "Your project has too many copy jobs that are not finished ({limit}). Try again \
                     when some have ended."
                ),
                retry_after: RETRY_WHEN_SOME_ARE_DONE,
            },
            SchedulerError::NotConnected
            | SchedulerError::GivenUp
            | SchedulerError::Unavailable(_)
            | SchedulerError::TimedOut => {
                tracing::warn!(%error, "the scheduler could not be asked");
                Self::unavailable(SCHEDULER_AWAY)
            }
            SchedulerError::Invalid(_) | SchedulerError::Defect(_) => Self::internal(&error),
        }
    }
}

impl From<CreateError> for Fault {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Refused(error) | CreateError::Unknown(error) => error.into(),
            CreateError::NotSent => Self::unavailable(SCHEDULER_AWAY),
        }
    }
}

impl From<Refusal> for Fault {
    /// Codes as the reference of the image copy API documents them.
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::UnknownRegion { .. }
            | Refusal::AmbiguousRegion { .. }
            | Refusal::SamePlace { .. } => Self::BadRequest(message),
            Refusal::NotAuthenticated => Self::NotAuthenticated,
            Refusal::NoRoleOnDestination { .. } => Self::NoRightsAtDestination(message),
            Refusal::ImageNotFound { .. }
            | Refusal::TenantNotFound { .. }
            | Refusal::TenantNotInRegion { .. }
            | Refusal::RefusedProperty { .. } => Self::NotFound(message),
            Refusal::ImageNotActive { .. }
            | Refusal::ImageWithoutData { .. }
            | Refusal::UnsupportedDiskFormat { .. }
            | Refusal::UnsupportedContainerFormat { .. }
            | Refusal::TooLarge { .. }
            | Refusal::NotPortable { .. }
            | Refusal::GlanceDown { .. }
            | Refusal::ServiceUserRefused { .. } => Self::Conflict(message),
            Refusal::KeystoneUnreachable { .. } => Self::unavailable(message),
        }
    }
}
