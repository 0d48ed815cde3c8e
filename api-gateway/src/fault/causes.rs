//! What other parts refuse or fail at, as faults: the one table from their words to the caller's.

use admission::Refusal;

use super::Fault;
use crate::scheduler_client::{CreateError, SchedulerError};

const GLANCE_AWAY: &str = "The image service is out of reach. Try again later.";
const GLANCE_BUSY: &str = "The image service has too much to do. Try again later.";
pub(super) const SCHEDULER_AWAY: &str = "The scheduler is out of reach. Try again later.";

const NOT_ACCEPTING: &str = "Nothing new is accepted for now: the service could lose it. Its operator \
                             knows of it. Try again later.";

/// How long a caller is asked to wait while nothing is accepted: an operator has to do something, and a scheduler
/// looks every minute whether it was done.
const RETRY_WHEN_ACCEPTING: std::time::Duration = std::time::Duration::from_secs(60);
/// How long a tenant at its queue limit, or everybody when there is no room, is asked to wait: about as long as a
/// copy takes.
const RETRY_WHEN_SOME_ARE_DONE: std::time::Duration = std::time::Duration::from_secs(60);

impl Fault {
    /// 404 for a job that does not exist, or not for this caller: the two must not be told apart.
    #[must_use]
    pub(crate) fn no_such_job() -> Self {
        Self::NotFound("There is no such copy job.".to_owned())
    }

    /// 503 while the scheduler accepts nothing new, which only its operator can end.
    #[must_use]
    pub(super) fn not_accepting(why: &SchedulerError) -> Self {
        tracing::warn!(%why, "nothing new is accepted");
        Self::Unavailable {
            message: NOT_ACCEPTING.to_owned(),
            retry_after: RETRY_WHEN_ACCEPTING,
        }
    }

    /// 404 for an image that does not exist, or not for this caller; Nova's words.
    #[must_use]
    pub(crate) fn no_such_image() -> Self {
        Self::NotFound("Image not found.".to_owned())
    }

    /// 404 for a key that an image's metadata does not have.
    #[must_use]
    pub(crate) fn no_such_metadata() -> Self {
        Self::NotFound("The image has no such metadata.".to_owned())
    }

    /// 503 when the scheduler's store is full: an operator has to make room, or old jobs have to go.
    pub(super) fn no_room(for_what: &str) -> Self {
        tracing::warn!("the scheduler's store is full");
        Self::Unavailable {
            message: format!(
                "The service has no room for new {for_what} at present; nothing was created. Try \
                 again later."
            ),
            retry_after: RETRY_WHEN_SOME_ARE_DONE,
        }
    }

    /// What Glance answered to a caller's own question about images.
    pub(crate) fn of_image_service(error: &openstack::Error) -> Self {
        use openstack::Error;
        match error {
            Error::NotFound(_) => Self::no_such_image(),
            // Keystone called the token valid a moment ago: it may have been revoked since.
            Error::Unauthorized(_) => Self::NotAuthenticated,
            Error::Forbidden(_) => {
                Self::Forbidden("The image service does not allow you to see that.".to_owned())
            }
            Error::TooManyRequests(_) => Self::unavailable(GLANCE_BUSY),
            other if other.is_outage() => {
                tracing::warn!(%error, "the image service could not be asked");
                Self::unavailable(GLANCE_AWAY)
            }
            other => Self::internal(other),
        }
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
            SchedulerError::Full => Self::no_room("copy jobs"),
            SchedulerError::NotConnected
            | SchedulerError::GivenUp
            | SchedulerError::Unavailable(_)
            | SchedulerError::TimedOut => {
                tracing::warn!(%error, "the scheduler could not be asked");
                Self::unavailable(SCHEDULER_AWAY)
            }
            SchedulerError::Invalid(_) | SchedulerError::Taken | SchedulerError::Defect(_) => {
                Self::internal(&error)
            }
        }
    }
}

impl From<CreateError> for Fault {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Refused(error) | CreateError::Unknown(error) => error.into(),
            CreateError::NotAccepting(why) => Self::not_accepting(&why),
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
