//! The copy worker: asks the scheduler for work in its region and does it.
//!
//! It owns the bytes and everything that is done to a Glance; it keeps no state of its own. What it
//! promises: at most `copies` units at once; no Glance write is started without a valid lease; an
//! image is deleted only when the scheduler says so or nobody else can be using it; whatever ends a
//! unit (success, failure, cancel, panic, shutdown) is told to the scheduler, for hours if need be.
//!
//! A unit's way down the page: `intake` takes a permit and waits for a wake-up, `claim` asks for a
//! grant, `attempt` is the grant while it is worked on, `unit` runs one of `units` beside a
//! `heartbeat` that keeps its `lease`, and `finish` reports how it ended.

mod attempt;
mod claim;
mod drain;
mod engine_settings;
mod finish;
mod heartbeat;
mod intake;
mod lease;
mod metrics;
#[cfg(test)]
mod plan_stage;
mod scheduler_client;
#[cfg(test)]
mod scheduler_double;
mod service;
mod slots;
mod unit;
mod unit_end;
mod units;
mod worker;
mod workshop;

pub use drain::Drain;
pub use metrics::Metrics;
pub use scheduler_client::SchedulerClient;
pub use service::run;
pub use worker::{Parts, Worker};
