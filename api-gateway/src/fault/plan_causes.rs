//! What other parts refuse or fail at when it is about a plan: the one table from their words to the caller's.
//!
//! Unlike for a copy, where the documented codes are others: a plan is what is addressed here, so 404 means the plan
//! and 401 the token. What is wrong with a plan's actions is 400, or 403 when it is a matter of rights.

use admission::Refusal;

use super::Fault;
use super::causes::SCHEDULER_AWAY;
use crate::scheduler_client::{CreateError, SchedulerError};

impl Fault {
    /// 404 for a plan that does not exist, or not for this caller: the two must not be told apart.
    #[must_use]
    pub(crate) fn no_such_plan() -> Self {
        Self::NotFound("There is no such plan.".to_owned())
    }

    /// 409 for an id that another plan has.
    #[must_use]
    pub(crate) fn plan_id_taken() -> Self {
        Self::Conflict(
            "The job_id is taken: leave it out, and the plan gets one of its own.".to_owned(),
        )
    }

    /// Why the scheduler did not do what was asked of a plan.
    #[must_use]
    pub(crate) fn of_plan(error: SchedulerError) -> Self {
        match error {
            SchedulerError::NotFound => Self::no_such_plan(),
            SchedulerError::Taken => Self::plan_id_taken(),
            SchedulerError::LimitReached(limit) => Self::Forbidden(format!(
                "Your project has as many plans as it may have ({limit}): delete one that it does \
                 not need any more."
            )),
            SchedulerError::TooLate(message) => Self::Conflict(message),
            // By now only a value that the scheduler is stricter about.
            SchedulerError::Invalid(message) => Self::BadRequest(message),
            SchedulerError::Full => Self::no_room("plans"),
            SchedulerError::NotConnected
            | SchedulerError::GivenUp
            | SchedulerError::Unavailable(_)
            | SchedulerError::TimedOut => {
                tracing::warn!(%error, "the scheduler could not be asked");
                Self::unavailable(SCHEDULER_AWAY)
            }
            SchedulerError::Defect(_) => Self::internal(&error),
        }
    }

    /// Why a plan was not created, when it is known that it was not.
    #[must_use]
    pub(crate) fn of_plan_create(error: CreateError) -> Self {
        match error {
            CreateError::Refused(error) | CreateError::Unknown(error) => Self::of_plan(error),
            CreateError::NotAccepting(why) => Self::not_accepting(&why),
            CreateError::NotSent => Self::unavailable(SCHEDULER_AWAY),
        }
    }

    /// Why an action of a plan is refused.
    #[must_use]
    pub(crate) fn of_plan_refusal(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::UnknownRegion { .. }
            | Refusal::AmbiguousRegion { .. }
            | Refusal::SamePlace { .. }
            | Refusal::TenantNotFound { .. }
            | Refusal::TenantNotInRegion { .. }
            | Refusal::ImageNotFound { .. } => Self::BadRequest(message),
            Refusal::NoRoleOnDestination { .. } => Self::Forbidden(message),
            Refusal::NotAuthenticated => Self::NotAuthenticated,
            Refusal::KeystoneUnreachable { .. } => Self::unavailable(message),
            Refusal::RefusedProperty { .. }
            | Refusal::ImageNotActive { .. }
            | Refusal::ImageWithoutData { .. }
            | Refusal::UnsupportedDiskFormat { .. }
            | Refusal::UnsupportedContainerFormat { .. }
            | Refusal::TooLarge { .. }
            | Refusal::NotPortable { .. }
            | Refusal::GlanceDown { .. }
            | Refusal::ServiceUserRefused { .. } => Self::Conflict(message),
        }
    }
}
