//! May this copy be made? Asked by the gateway before it accepts a job or a plan, and by a worker when a plan
//! fires.
//!
//! At a request, two identities must pass: the caller, with the caller's own token, and the service user who will
//! do the work, so that the service's rights never widen the caller's. Checks are *answered* in a
//! fixed order (image, destination tenant, rights, rules, Glances up, service user), whatever order
//! they are made in; each failure is one variant of [`Refusal`]. What a refusal is in HTTP is the
//! gateway's business.
//!
//! At a fire nobody is there to show a token, nor when an operator has a copy made again. The rights of who wrote the plan,
//! or asked for the copy, are looked up instead, and the images are looked at with the service user's token for the source
//! tenant; what does not let a copy be made is a [`Declined`], which its owner reads later.

mod choices;
mod decision;
mod declined;
mod destination;
mod fire;
mod image;
mod in_order;
mod lookups;
mod reach;
mod refusal;
mod rights;
mod rules;
#[cfg(test)]
mod samples;
mod service_user;
mod settings;

pub use choices::{Choice, NamedTenant};
pub use decision::{Admission, Admitted, Caller, Wanted};
pub use declined::Declined;
pub use fire::AdmittedFire;
pub use refusal::Refusal;
pub use settings::{Policy, RegionRules};
