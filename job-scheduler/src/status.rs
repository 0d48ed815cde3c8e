//! Errors as gRPC statuses: the one table.

use domain::RegionId;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

use crate::lifecycle::{NotCancelable, NotRetryable};
use crate::plan_lifecycle::InvalidPlan;
use crate::store::StoreError;

/// Why a call was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No such job, or not the viewer's.
    #[error("there is no such job")]
    NotFound,
    /// No such plan, or not the viewer's.
    #[error("there is no such plan")]
    NoSuchPlan,
    /// The id of a new plan is that of somebody else's.
    #[error("plan_id is taken")]
    PlanTaken,
    /// The tenant has as many plans as it may.
    #[error("the tenant has {limit} plans; no more are accepted")]
    TooManyPlans {
        /// The limit.
        limit: usize,
    },
    /// The plan was edited since it was read.
    #[error("the plan has another revision by now")]
    OtherRevision,
    /// What was written is no plan.
    #[error(transparent)]
    InvalidPlan(#[from] InvalidPlan),
    /// A field makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The tenant has as many open jobs as it may.
    #[error("the tenant has {limit} jobs that are not finished; no more are accepted")]
    TooManyJobs {
        /// The limit.
        limit: usize,
    },
    /// Its sender has given it up.
    #[error("the request came after the time until which it counts")]
    CameTooLate,
    /// It is not to be made again.
    #[error(transparent)]
    NotRetryable(#[from] NotRetryable),
    /// Nothing of the region is granted.
    #[error("region `{0}` is drained: undrain it first")]
    RegionDrained(RegionId),
    /// Another attempt has taken over, or the errand is no such one.
    #[error("the lease is not the current one of such an errand")]
    NotTheLease,
    /// Too late.
    #[error(transparent)]
    NotCancelable(#[from] NotCancelable),
    /// The operator wants nothing accepted that the store might lose.
    #[error("nothing new is accepted while the store could lose it: {0}")]
    NotDurable(String),
    /// The scheduler is going away.
    #[error("the scheduler is shutting down")]
    ShuttingDown,
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state machine refused what the code took for possible.
    #[error(transparent)]
    IllegalTransition(#[from] crate::job_state::IllegalTransition),
}

impl CallError {
    fn code(&self) -> Code {
        match self {
            Self::NotFound | Self::NoSuchPlan => Code::NotFound,
            Self::PlanTaken => Code::AlreadyExists,
            Self::Invalid(_) | Self::InvalidPlan(_) => Code::InvalidArgument,
            Self::TooManyJobs { .. } | Self::TooManyPlans { .. } => Code::ResourceExhausted,
            Self::CameTooLate | Self::OtherRevision => Code::Aborted,
            Self::NotCancelable(_)
            | Self::NotDurable(_)
            | Self::NotRetryable(_)
            | Self::RegionDrained(_)
            | Self::NotTheLease => Code::FailedPrecondition,
            Self::ShuttingDown => Code::Unavailable,
            Self::IllegalTransition(_) => Code::Internal,
            Self::Store(error) => match error {
                // A race that was lost too often: as good as a store that is too busy.
                StoreError::Unavailable(_)
                | StoreError::Full
                | StoreError::Conflict
                | StoreError::LimitReached
                | StoreError::TooLate
                | StoreError::ClaimTaken
                | StoreError::Drained => Code::Unavailable,
                StoreError::Held(_) => Code::Unavailable,
                StoreError::Unreadable { .. } | StoreError::UnreadablePlan { .. } => Code::DataLoss,
            },
        }
    }
}

impl From<CallError> for Status {
    fn from(error: CallError) -> Self {
        let code = error.code();
        if matches!(code, Code::Internal | Code::DataLoss) {
            tracing::error!(error = %error, "a call failed");
        } else if code == Code::Unavailable {
            tracing::warn!(error = %error, "a call failed");
        }
        let mut status = Self::new(code, error.to_string());
        if error == CallError::Store(StoreError::Full) {
            let why = MetadataValue::from_static(proto::STORE_FULL);
            status.metadata_mut().insert(proto::NOT_DONE, why);
        }
        status
    }
}

impl From<proto::convert::InvalidField> for CallError {
    fn from(invalid: proto::convert::InvalidField) -> Self {
        Self::Invalid(invalid.to_string())
    }
}
