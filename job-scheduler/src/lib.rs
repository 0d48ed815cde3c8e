//! The job scheduler: owns every state transition, lease, retry and limit of copy jobs.
//!
//! Any number of replicas run side by side on one Redis; none is special and none keeps anything of
//! its own. Read in this order: what a job is ([`job_record`], [`task`], [`job_state`], [`lifecycle`]), where
//! it is kept ([`store`]), how it is changed ([`jobs`]), who asks for that ([`job_service`],
//! [`work_service`], [`reconciler`], [`dispatcher`]); then plans, in the same order: [`plan_record`],
//! [`plan_lifecycle`], [`store::plans`], [`plans`], [`plan_service`], [`plan_keeper`]; and what operators do ([`admin`])
//! and administrators see ([`workload_service`]).

pub mod acceptance;
pub mod admin;
mod change_stream;
mod claims;
pub mod dispatcher;
mod drain_watch;
mod durability_watch;
pub mod fairness;
mod head_count;
mod health;
mod image_progress;
pub mod intake;
pub mod job_record;
pub mod job_service;
pub mod job_state;
pub mod jobs;
pub mod lifecycle;
pub mod metrics;
mod page_limit;
pub mod pair_count;
pub mod plan_clock;
pub mod plan_keeper;
pub mod plan_lifecycle;
pub mod plan_record;
pub mod plan_service;
pub mod planner;
pub mod plans;
mod progress_stream;
mod quarantine;
pub mod reconciler;
pub mod reuse;
mod scheduler;
mod server;
mod serving;
pub mod settings;
pub mod status;
pub mod store;
pub mod store_clock;
mod store_name;
mod store_watch;
pub mod task;
mod unattended;
mod viewer;
pub mod watch;
pub mod work_service;
pub mod workload_service;

pub use scheduler::Scheduler;
pub use server::run;
