//! The words of the service: ids, statuses, copy specifications and units of work.
//!
//! Everything here is plain data with its own rules; nothing here does I/O, reads a clock or knows a
//! wire format. Gateway, scheduler and workers all speak in these types, and each edge (JSON, gRPC,
//! AMQP, Redis) converts into them once.

mod copy_job;
mod error_code;
mod ids;
mod orphan;
mod plan;
mod property_pattern;
mod quoted;
mod schedule;
mod status;
mod unit;
mod work;

pub use copy_job::{CopySpec, Destination, IfIdentical, ImageDigest, JobView, Source};
pub use error_code::{ErrorCode, JobError, UnknownErrorCode};
pub use ids::{
    ActionId, ClaimId, FireId, ImageId, InvalidId, JobId, LeaseToken, PlanId, RegionId, TenantId,
    UserId, WorkerId,
};
pub use orphan::{Orphan, OrphanRemoval, OrphanSearch, OrphansFound};
pub use plan::{
    Creator, ImageSelector, PlanAction, PlanDocument, PlanEvent, PlanFire, PlanStatus, PlanView,
    RecoveryPoint, ReplicaFate, ReplicaRemoval, ResolvedImage, RunResult, RunView,
};
pub use property_pattern::PropertyPattern;
pub use quoted::quoted;
pub use schedule::{InvalidSchedule, Schedule, ScheduleFields};
pub use status::{JobStatus, UnknownStatus};
pub use unit::{Unit, UnitKind};
pub use work::{Directive, Finish, FinishVerdict, Grant, Outcome, ProgressReport, Stage};
