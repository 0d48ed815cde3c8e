//! May this copy be made? Asked by the gateway before it accepts a job.
//!
//! Two identities must pass: the caller, with the caller's own token, and the service user who will
//! do the work, so that the service's rights never widen the caller's. Checks are *answered* in a
//! fixed order (image, destination tenant, rights, rules, Glances up, service user), whatever order
//! they are made in; each failure is one variant of [`Refusal`]. What a refusal is in HTTP is the
//! gateway's business.

mod decision;
mod destination;
mod image;
mod refusal;
mod rights;
mod rules;
mod service_user;
mod settings;

pub use decision::{Admission, Admitted, Caller, Wanted};
pub use refusal::Refusal;
pub use settings::{Policy, RegionRules};
