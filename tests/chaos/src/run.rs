//! One run: a test bed, callers, faults in two lanes, the wait for the last job, and the look around afterwards.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::ensure;
use futures::future::{join, join_all};
use testbed::{Part, Region, eventually, say};
use tokio::time::{Instant, sleep};

use crate::checker::{self, Violation};
use crate::evidence::{self, Evidence};
use crate::fault::{Fault, Struck, Victim};
use crate::injector::Injector;
use crate::planted;
use crate::report::Report;
use crate::schedule::{Schedule, Tally};
use crate::stage::Stage;
use crate::witness::Witness;
use crate::workload::{Budget, Workload, caller, watchers};

/// Callers at once.
const CALLERS: u64 = 10;
/// Faults at once.
const LANES: usize = 2;
/// How long what is still going away may take, once every job has ended: a lease, and then some.
const QUIET: Duration = Duration::from_secs(120);
/// A run that has its time and its faults behind it, and still misses a kind, goes on for so many faults.
const EXTRA: usize = 60;
/// All replicas of a run stay to its end, in memory: so many bytes in all, and a minute.
const MOST_BYTES: u64 = 5 << 30;
const MOST_BYTES_A_MINUTE: u64 = 300 << 20;

/// How long and how much.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Decides the faults, their moments and lengths, and what is copied.
    pub seed: u64,
    /// Faults are begun for so long at least.
    pub length: Duration,
    /// So many faults at least.
    pub faults: usize,
    /// So many copies at least.
    pub copies: u64,
    /// Our services as they are released.
    pub release: bool,
    /// Whether things are planted afterwards, to see that they are found.
    pub plant: bool,
}

/// Carries a run out.
///
/// # Errors
/// When the test bed cannot be started or looked at. What a service did wrong is no error but in the report.
pub async fn run(plan: Plan) -> anyhow::Result<Report> {
    let stage = Stage::set(plan.release).await?;
    let witness = Witness::new();
    let injector = Injector::new(&stage, &witness);
    let minutes = plan.length.as_secs().div_ceil(60).max(1);
    let budget = Budget {
        bytes_per_second: MOST_BYTES_A_MINUTE.min(MOST_BYTES / minutes) / 60,
        least: plan.copies,
    };
    let workload = Workload::new(&stage, &witness, plan.seed, budget);
    let faults = Lanes::new(plan, &injector, &witness);

    let work = async {
        let calls = (0..CALLERS).map(|number| caller::call(&workload, number));
        let breaking = async {
            join_all((0..LANES).map(|_| faults.run())).await;
            workload.closing.store(true, Ordering::SeqCst);
        };
        join(join_all(calls), breaking).await;
        workload.over.store(true, Ordering::SeqCst);
    };
    let watch = async {
        let streams = Region::ALL.map(|region| watchers::stream(&workload, region));
        join(join_all(streams), watchers::lists(&workload)).await;
    };
    join(work, watch).await;
    let length = witness.now();

    let struck = faults.struck();
    let known = || Evidence {
        sources: stage.sources(),
        accepted: workload.accepted(),
        testimony: witness.testimony(),
        faults: struck.clone(),
        abandoned: injector.abandoned(),
        ..Evidence::default()
    };
    let evidence = look_around(&stage, known).await?;
    let violations = checker::check(&evidence);
    let report = Report::new(plan.seed, length, &evidence, violations);
    if plan.plant {
        planted::find(&stage, &evidence, known()).await?;
    }
    stage.bed.end().await?;
    Ok(report)
}

/// Waits until nothing is left that may still be going away, or for as long as that may take; then looks at all of
/// it, and at the queues once more with nobody there who could hold a message.
async fn look_around(stage: &Stage, known: impl Fn() -> Evidence) -> anyhow::Result<Evidence> {
    let quiet = eventually(QUIET, "quiet", || async {
        let evidence = evidence::collect(&stage.bed, known(), false).await?;
        let left = checker::residue(&evidence);
        ensure!(
            left.is_empty(),
            "{} things are left, first {}",
            left.len(),
            left[0]
        );
        Ok(())
    });
    if let Err(error) = quiet.await {
        // The checker says what it is.
        say(format_args!("{error:#}"));
    }
    let mut evidence = evidence::collect(&stage.bed, known(), true).await?;
    for (part, pid) in stage.bed.parts().await? {
        if matches!(part, Part::Worker(..)) && pid.is_some() {
            stage.bed.stop(part).await?;
        }
    }
    for (queue, count) in &mut evidence.queues {
        *count = stage.bed.messages(queue).await?.unwrap_or_default();
    }
    Ok(evidence)
}

/// The faults of a run, some at once, but never two of one kind of victim.
struct Lanes<'a> {
    plan: Plan,
    injector: &'a Injector<'a>,
    witness: &'a Witness,
    begun: Instant,
    state: Mutex<State>,
}

struct State {
    schedule: Schedule,
    begun: usize,
    busy: BTreeSet<Victim>,
    struck: Vec<Struck>,
}

impl<'a> Lanes<'a> {
    fn new(plan: Plan, injector: &'a Injector<'a>, witness: &'a Witness) -> Self {
        Self {
            plan,
            injector,
            witness,
            begun: Instant::now(),
            state: Mutex::new(State {
                schedule: Schedule::new(plan.seed),
                begun: 0,
                busy: BTreeSet::new(),
                struck: Vec::new(),
            }),
        }
    }

    fn struck(&self) -> Vec<Struck> {
        self.lock().struck.clone()
    }

    /// One lane: fault after fault, until there were enough of each kind.
    async fn run(&self) {
        while !self.is_done() {
            let Some(fault) = self.next() else {
                sleep(Duration::from_millis(50)).await;
                continue;
            };
            let end = self.injector.inflict(fault).await;
            let mut state = self.lock();
            state.busy.remove(&fault.victim);
            match end {
                Ok(struck) => {
                    say(format_args!(
                        "{:>6.1} s: {} of {}{}, {:.1} s",
                        struck.at.as_secs_f64(),
                        fault.action,
                        struck.target,
                        if struck.mattered {
                            ""
                        } else {
                            " (did not matter)"
                        },
                        (struck.healed - struck.at).as_secs_f64(),
                    ));
                    state.struck.push(struck);
                }
                Err(error) => {
                    let what = format!("{} of {}: {error:#}", fault.action, fault.victim);
                    say(format_args!("{what}"));
                    self.witness.violated(Violation::Harness { what });
                }
            }
        }
    }

    /// Time and number are over, and every kind was hit often enough, or is not going to be.
    fn is_done(&self) -> bool {
        let state = self.lock();
        let enough = self.is_over(state.begun) && Tally::of(&state.struck).is_enough();
        enough
            || state.begun >= self.plan.faults + EXTRA && self.begun.elapsed() >= self.plan.length
    }

    fn is_over(&self, begun: usize) -> bool {
        begun >= self.plan.faults && self.begun.elapsed() >= self.plan.length
    }

    /// The next fault whose victim nobody is busy with; when only some kinds are missing, one of those.
    fn next(&self) -> Option<Fault> {
        let mut state = self.lock();
        let only_missing = self.is_over(state.begun);
        let tally = Tally::of(&state.struck);
        let busy = state.busy.clone();
        let fault = state.schedule.next(|action, victim| {
            !busy.contains(&victim) && (!only_missing || tally.wants(action, victim))
        })?;
        state.begun += 1;
        state.busy.insert(fault.victim);
        Some(fault)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
