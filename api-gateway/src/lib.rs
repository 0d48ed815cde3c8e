//! The API gateway: the only part of the service that callers reach.
//!
//! It authenticates, validates, has the scheduler create the job, wakes a worker, answers. It never
//! touches Redis, never moves image bytes, and keeps nothing that a restart would miss. A 202 is
//! given only for a job that the scheduler has committed.
//!
//! Read `router.rs` for what there is, `middleware.rs` for what happens to every request,
//! `fault.rs` for what failures look like, `copy_jobs/create.rs` for the main path.

mod abandoned_creates;
mod answer;
mod api;
mod app;
mod auth;
mod call_timeouts;
mod copy_jobs;
mod copy_request;
mod dashboard;
mod documented;
mod extract;
mod fault;
#[doc(hidden)]
pub mod foreign_bytes;
mod gateway;
mod images;
mod job_document;
mod links;
mod list_query;
mod metrics;
mod middleware;
mod openapi;
mod origin;
mod pages;
mod plans;
mod request_id;
mod request_rate;
mod router;
mod scheduler_client;
mod scope;
mod server;
mod supervised;
mod versions;
mod wake_up;
mod whole_number;

pub use gateway::{Gateway, run};
pub use router::openapi_json;
