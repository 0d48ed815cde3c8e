//! The whole service in one process, on one paused clock: schedulers, workers and callers as they are, with everything
//! around them simulated and everything that is left to chance drawn from a seed.
//!
//! What is real: the scheduler with all its tasks on the in-memory store, the worker from intake to
//! report, the copy engine, the OpenStack client and the gRPC messages. What is simulated: the way to the store,
//! the queue, the network between them, Keystone and both Glances. A run takes a scenario ([`Scenario`]), lets
//! it happen, ends all troubles, waits until nothing is left to do, and holds what callers were told, what the
//! destination's Glance has and what the store has against each other ([`check`]).
//!
//! The same scenario gives the same run, to the last event. Time passes only when nobody has anything to
//! do, so an hour costs milliseconds.
//!
//! A frozen process is one that nothing reaches and that reaches nothing: its calls, answers, bytes and
//! commands stand still and arrive late. Its own timers go on, unlike those of a process that was sent
//! SIGSTOP; what they make it do reaches nobody before it is thawed.

mod caller;
mod chance;
mod checker;
mod clock;
mod cloud;
mod evidence;
mod flaw;
mod journal;
mod network;
mod process;
mod queue;
mod randomness;

pub mod scenario;
mod scheduler;
mod standby;
mod store;
mod weather;
mod witness;
mod worker;
mod world;

use std::collections::BTreeMap;

pub use caller::{CancelAnswer, Observed, Story};
pub use checker::{Violation, check};
pub use evidence::{Ending, Evidence, Replica};
pub use flaw::Flaw;
pub use scenario::Scenario;

use crate::world::World;

/// What became of a run.
#[derive(Debug)]
pub struct Run {
    /// What it left.
    pub evidence: Evidence,
    /// Promises that were not kept.
    pub violations: Vec<Violation>,
    /// What happened, a line each.
    pub journal: String,
    /// The same for two runs in which the same happened at the same time.
    pub digest: String,
    /// How often the run met what runs are to meet.
    pub met: BTreeMap<&'static str, u64>,
}

/// Runs a scenario.
///
/// # Panics
/// When the simulation itself is at fault.
#[must_use]
pub fn run(scenario: &Scenario) -> Run {
    run_with(scenario, Flaw::None)
}

/// Runs a scenario with something done wrong on purpose.
///
/// # Panics
/// When the simulation itself is at fault.
#[must_use]
pub fn run_with(scenario: &Scenario, flaw: Flaw) -> Run {
    let scenario = scenario.clone();
    // What is drawn once a thread is drawn anew for each run.
    let running = std::thread::spawn(move || {
        randomness::seed(scenario.setting.chance);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime without any I/O");
        runtime.block_on(live(&scenario, flaw))
    });
    running.join().expect("the simulation does not panic")
}

async fn live(scenario: &Scenario, flaw: Flaw) -> Run {
    let world = World::new(scenario.setting.clone(), flaw);
    let weather = world.weather.clone();
    let evidence = world.live(scenario).await;
    Run {
        violations: check(&evidence),
        evidence,
        journal: weather.journal.text(),
        digest: weather.journal.digest(),
        met: weather.journal.met(),
    }
}
