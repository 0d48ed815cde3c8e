//! What is known after a call to the scheduler that failed.

use std::error::Error as _;

use proto::convert::InvalidField;
use tonic::{Code, ConnectError, Status};

/// A call that did not do what was asked, or is not known to have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SchedulerError {
    /// No such job or plan, or not the viewer's.
    #[error("there is no such job or plan")]
    NotFound,
    /// The job's status does not allow it any more; to a create: nothing new is accepted now.
    #[error("{0}")]
    TooLate(String),
    /// A limit of the tenant.
    #[error("{0}")]
    LimitReached(String),
    /// The id stands for something else, which the viewer may not see.
    #[error("the id is taken")]
    Taken,
    /// The scheduler does not accept the request as it is.
    #[error("{0}")]
    Invalid(String),
    /// A create came after the time until which it counted, or a plan has another revision by now: nothing was
    /// done.
    #[error("the request reached the scheduler too late; do the clocks differ?")]
    GivenUp,
    /// The scheduler's store has no room for anything new: nothing was done.
    #[error("the scheduler's store is full")]
    Full,
    /// There is no connection: nothing has been sent.
    #[error("the scheduler is not connected")]
    NotConnected,
    /// The connection broke, or the scheduler's store is out of reach: it may have been done.
    #[error("the scheduler is unavailable: {0}")]
    Unavailable(String),
    /// No answer came in time: it may have been done.
    #[error("the scheduler did not answer in time")]
    TimedOut,
    /// An answer that makes no sense.
    #[error("the scheduler failed: {0}")]
    Defect(String),
}

impl SchedulerError {
    /// Whether another try, perhaps with another scheduler, may get an answer.
    #[must_use]
    pub(crate) const fn is_outage(&self) -> bool {
        match self {
            Self::NotConnected | Self::Unavailable(_) => true,
            Self::NotFound
            | Self::TooLate(_)
            | Self::LimitReached(_)
            | Self::Taken
            | Self::Invalid(_)
            | Self::GivenUp
            | Self::Full
            | Self::TimedOut
            | Self::Defect(_) => false,
        }
    }
}

impl From<Status> for SchedulerError {
    fn from(status: Status) -> Self {
        let message = || status.message().to_owned();
        if could_not_connect(&status) {
            return Self::NotConnected;
        }
        let not_done = status.metadata().get(proto::NOT_DONE);
        if not_done.is_some_and(|why| why == proto::STORE_FULL) {
            return Self::Full;
        }
        match status.code() {
            Code::NotFound => Self::NotFound,
            Code::FailedPrecondition => Self::TooLate(message()),
            Code::ResourceExhausted => Self::LimitReached(message()),
            Code::AlreadyExists => Self::Taken,
            Code::InvalidArgument => Self::Invalid(message()),
            Code::Aborted => Self::GivenUp,
            // A broken connection surfaces as `Unknown`.
            Code::Unavailable | Code::Unknown => Self::Unavailable(message()),
            // The client's own expiry of `grpc-timeout` surfaces as `Cancelled`.
            Code::DeadlineExceeded | Code::Cancelled => Self::TimedOut,
            Code::Ok
            | Code::PermissionDenied
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Internal
            | Code::DataLoss
            | Code::Unauthenticated => Self::Defect(status.to_string()),
        }
    }
}

impl From<InvalidField> for SchedulerError {
    fn from(invalid: InvalidField) -> Self {
        Self::Defect(invalid.to_string())
    }
}

fn could_not_connect(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<ConnectError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_been_done_is_told_from_what_was_refused() {
        let of = |code| SchedulerError::from(Status::new(code, "why"));
        let why = || "why".to_owned();
        assert_eq!(
            of(Code::ResourceExhausted),
            SchedulerError::LimitReached(why())
        );
        assert_eq!(of(Code::FailedPrecondition), SchedulerError::TooLate(why()));
        assert_eq!(of(Code::Aborted), SchedulerError::GivenUp);
        let mut full = Status::unavailable("why");
        let why = tonic::metadata::MetadataValue::from_static(proto::STORE_FULL);
        full.metadata_mut().insert(proto::NOT_DONE, why);
        assert_eq!(SchedulerError::from(full), SchedulerError::Full);
        assert!(of(Code::Unknown).is_outage() && of(Code::Unavailable).is_outage());
        assert!(!of(Code::Cancelled).is_outage() && !of(Code::NotFound).is_outage());
    }
}
