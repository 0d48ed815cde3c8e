//! Copies under faults: hundreds of them on a test bed of real servers, while a seeded schedule breaks one thing
//! after another, and a checker that looks for itself at what is there in the end.
//!
//! - [`fault`] and [`schedule`]: what is broken, in which order; the same for the same seed.
//! - `injector`: breaks it, at a moment at which it matters, and mends it.
//! - `workload`: callers who ask for copies, cancel some, and watch them all.
//! - [`witness`]: what the callers were told; it notices when that goes back.
//! - [`evidence`]: what is found afterwards, past every API of ours.
//! - [`checker`]: pure; from all that to the violations of what is promised.
//! - [`report`]: the table.
//!
//! `cargo chaos` runs it for as long as one likes, the package's own test for a few minutes; see `docs/chaos.md`.

pub mod checker;
pub mod evidence;
pub mod fault;
pub mod report;
pub mod run;
pub mod schedule;
pub mod witness;

mod in_flight;
mod injector;
mod planted;
mod stage;
mod workload;
