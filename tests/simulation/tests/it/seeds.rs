//! Many seeds, none of which breaks a promise, and which together meet everything that they are to meet.
//!
//! `IMAGE_REPLICATOR_SIMULATION_SEED=7` runs that seed alone and tells what happens in it;
//! `IMAGE_REPLICATOR_SIMULATION_SEEDS=5000..105000` runs those (or, as one number, so many from 0).

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use simulation::scenario::Op;
use simulation::{Run, Scenario, run};

/// Seeds of an ordinary test run.
const SEEDS: Range<u64> = 0..2_000;

/// What a range of seeds must have met besides every kind of operation, so that no rule holds for want of
/// an occasion.
const EVENTS: [&str; 26] = [
    "copy granted",
    "clean-up granted",
    "takeover",
    "lease lapsed",
    "adoption",
    "finish committed",
    "finish discarded",
    "finish superseded",
    "handed back",
    "attempt failed",
    "cleaned",
    "commit lost a race",
    "store failed after the deed",
    "answer lost",
    "message heard",
    "message lost",
    "message doubled",
    "message delayed",
    "message given back",
    "create unanswered",
    "late write",
    "upload broken",
    "stored wrongly",
    "upload cut by death",
    "replicated",
    "canceled",
];

#[test]
fn no_seed_breaks_a_promise() {
    if let Some(seed) = variable("IMAGE_REPLICATOR_SIMULATION_SEED") {
        return alone(
            seed.parse()
                .expect("IMAGE_REPLICATOR_SIMULATION_SEED: a number"),
        );
    }
    let seeds = variable("IMAGE_REPLICATOR_SIMULATION_SEEDS").map_or(SEEDS, |text| range(&text));
    let begun_at = tokio::time::Instant::now();
    let (met, failed) = all(seeds.clone());
    let count = seeds.end - seeds.start;
    let took = begun_at.elapsed().as_secs_f64();
    eprintln!("{count} seeds in {took:.0} s met {met:#?}");
    assert!(failed.is_empty(), "seeds that broke a promise: {failed:?}");
    if count >= SEEDS.end {
        for event in EVENTS.into_iter().chain(Op::KINDS).chain(["error"]) {
            assert!(met.contains_key(event), "never met: {event}");
        }
        // Mostly, troubles are got over.
        assert!(met["replicated"] > met["error"] * 3, "{met:#?}");
    }
}

/// Runs one seed and shows it.
fn alone(seed: u64) {
    let scenario = Scenario::of_seed(seed);
    let run = run(&scenario);
    eprintln!("{}\n{}", scenario.to_text(), run.journal);
    assert!(run.violations.is_empty(), "{:#?}", run.violations);
}

/// Runs them all, on as many threads as there are processors; how often they met what, and which broke a
/// promise.
fn all(seeds: Range<u64>) -> (BTreeMap<&'static str, u64>, Vec<u64>) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicU64::new(seeds.start);
    let met = Mutex::new(BTreeMap::new());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let run = run(&Scenario::of_seed(seed));
                    let mut met = met.lock().expect("no panic");
                    for (event, count) in &run.met {
                        *met.entry(*event).or_insert(0) += count;
                    }
                    if !run.violations.is_empty() {
                        tell(seed, &run);
                        failed.lock().expect("no panic").push(seed);
                    }
                }
            });
        }
    });
    let met = met.into_inner().expect("no panic");
    (met, failed.into_inner().expect("no panic"))
}

fn tell(seed: u64, run: &Run) {
    eprintln!(
        "seed {seed} broke a promise; alone: \
         IMAGE_REPLICATOR_SIMULATION_SEED={seed} cargo test -p simulation --test it no_seed\n\
         as a regression:\n{}\n{}\n{:#?}\n",
        Scenario::of_seed(seed).to_text(),
        run.journal,
        run.violations
    );
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn range(text: &str) -> Range<u64> {
    let number = |text: &str| {
        let number = text.trim().parse();
        number.expect("IMAGE_REPLICATOR_SIMULATION_SEEDS: a number, or two with `..` between")
    };
    match text.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => 0..number(text),
    }
}
