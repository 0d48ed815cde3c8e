//! What operators do: `job-scheduler admin …`, each verb a call of the gRPC service `AdminService`.
//!
//! The service changes jobs of anybody's and asks nobody for a token, so it has a listener of its own, on loopback unless
//! the configuration says otherwise: whoever may run a program beside the scheduler is an operator. Every call is
//! written into the audit trail ([`audit`]); what changes a job is kept with it. Decisions are those of [`crate::lifecycle`].

pub mod audit;
pub mod command_line;
mod drain;
mod listing;
mod orphans;
mod retry;
mod service;
mod usage;
mod view;

pub(crate) use listing::leases;
pub(crate) use orphans::unknown_images;
pub use service::AdminApi;
pub(crate) use usage::usage;
pub(crate) use view::job as view;
