//! The whole service in one process, on one paused clock: schedulers, workers and callers as they are, with everything
//! around them simulated and everything that is left to chance drawn from a seed.
//!
//! What is real: the scheduler with all its tasks on the in-memory store, the worker from intake to
//! report, the copy engine, the OpenStack client and the gRPC messages. What is simulated: the way to the store,
//! the queue, the network between them, Keystone and both Glances. A run takes a scenario ([`Scenario`]), lets
//! it happen, ends all troubles, waits until nothing is left to do, and holds what callers were told, what the
//! destination's Glance has and what the store has against each other ([`check`]).
//!
//! The end may come out right by luck: a clean-up makes good what should not have been, and a lease that was lost for
//! nothing costs no more than time. So a witness sees every commit, every request that changes an image and every image at
//! the moment at which it changes. A write begins under a lease. Only its holder ends a lease, and it is lost to a
//! trouble or not at all. A record forgets an image when that is gone, and then it does not come back. An attempt makes its image when no earlier
//! one is there. `replicated` is committed when the image is there with the source's bytes, whatever hashes say. What was
//! answered for outlives a store that falls back to what its replica had.
//!
//! That all this would be noticed is shown by what is done wrong on purpose ([`Flaw`], `tests/it/flaws.rs`):
//!
//! | what is done wrong | seen as |
//! |---|---|
//! | a worker goes on writing when its lease has run out | a write without a lease |
//! | a scheduler takes any finish | a lease that somebody else ended |
//! | a worker does not hear `discard` | a lease lost for nothing (before, only another clean-up would have shown it) |
//! | a worker does not hear `stop` | a write without a lease, or a worker that never rests |
//! | a worker gives up a finish that failed | a lease lost for nothing |
//! | a worker does not compare bytes, for one when it adopts | `replicated` with other bytes |
//! | an attempt is not told of the images of earlier ones | an attempt that begins while one is there |
//! | a scheduler forgets leftovers at a grant | an image that is there and forgotten |
//! | no tombstones are made | an image that comes back |
//! | a cancel is answered before a replica has it | an answer that is taken back |
//! | an idempotency key is forgotten | two jobs of one key |
//!
//! By hand, in the product itself, these were made wrong as well. Found, with the seed: any lease's gate open (157), a
//! finish of any token (4), `discard` (86) or `stop` (157) not followed, a finish that is not repeated (107), bytes not
//! compared after a copy (17), anything active adopted (53), no tombstones (12), a cancel that does not wait for its clean-up
//! (86), a lease granted that has not run out (112), the end of a lease that does not wait for the replica (27).
//! Not found, the first by 2000 seeds, the others by the hundreds that were run: second and later grants that do not wait for the replica (the store would have to fail over between one and
//! the next commit that waits), which the model's failovers are for; records told apart by their version alone, which the model finds; and, since only revealed images are adopted, leftovers that are
//! forgotten when a job is replicated ([`Flaw::LeftoversForgottenWhenReplicated`]): that does harm only if one attempt's image is adopted while the
//! tombstone of another comes late. What is revealed has been verified by the attempt that revealed it, and an active image's bytes never change: to compare
//! them once more when it is adopted is a second line of defence, against owners who mark images as ours.
//!
//! Plans, errands and operators' verbs are not simulated.
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
