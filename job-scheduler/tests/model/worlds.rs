//! The worlds that are walked, each with the faults that may happen in it and what must have been seen at the end.
//!
//! A world is walked to its last state, so the faults have to be few; which ones meet is what the worlds differ in. With
//! `IMAGE_REPLICATOR_MODEL=deep` more of them meet.

use tokio::time::Instant;

use crate::explorer::{Walk, walk};
use crate::flaw::Flaw;
use crate::steps::JobLife;
use crate::world::Faults;

const NONE: Faults = Faults::none();

fn is_deep() -> bool {
    std::env::var("IMAGE_REPLICATOR_MODEL").is_ok_and(|depth| depth == "deep")
}

/// Walks a world and holds it to its promise.
#[allow(
    clippy::print_stdout,
    reason = "how much was walked is what the test is for"
)]
fn holds(jobs: u8, faults: Faults, deep: Faults, must_see: &[&str]) {
    let faults = if is_deep() { deep } else { faults };
    let started = Instant::now();
    let mut life = JobLife::new(jobs, faults, Flaw::None);
    let found = walk(&mut life);
    assert_holds(&found);
    let (calls, took) = (life.scheduler.calls(), started.elapsed());
    println!("{found}; {calls} different calls; {took:.1?}");
    for what in must_see {
        assert!(found.seen.contains_key(what), "{what}: never seen");
    }
}

pub(crate) fn assert_holds(found: &Walk) {
    if let Some((broken, way)) = &found.broken {
        panic!("{}: {}\n{way}", broken.property, broken.what);
    }
}

#[test]
fn nothing_goes_wrong() {
    holds(1, NONE, NONE, &["replicating", "replicated"]);
}

#[test]
fn workers_die_and_freeze_and_lose_their_leases() {
    holds(
        1,
        Faults {
            silences: 1,
            freezes: 1,
            crashes: 1,
            ..NONE
        },
        Faults {
            silences: 2,
            freezes: 1,
            crashes: 1,
            ..NONE
        },
        &[
            "takeovers",
            "images of earlier attempts adopted",
            "lapsed leases renewed",
            "late writes of frozen workers",
            "workers stopped",
            "finishes too late",
            "uploads whole behind their workers",
        ],
    );
}

#[test]
fn a_cancel_at_any_moment() {
    holds(
        1,
        Faults {
            cancels: 1,
            silences: 1,
            freezes: 1,
            ..NONE
        },
        Faults {
            cancels: 1,
            silences: 1,
            freezes: 1,
            crashes: 1,
            ..NONE
        },
        &[
            "canceled",
            "copies discarded",
            "clean-ups granted",
            "takeovers",
            "finishes too late",
        ],
    );
}

#[test]
fn calls_without_an_answer() {
    holds(
        1,
        Faults {
            lost_answers: 2,
            cancels: 1,
            crashes: 1,
            ..NONE
        },
        Faults {
            lost_answers: 2,
            cancels: 1,
            crashes: 1,
            silences: 1,
            ..NONE
        },
        &[
            "answers lost",
            "claims answered again",
            "takeovers",
            "canceled",
            "replicated",
        ],
    );
}

#[test]
fn requests_that_arrive_when_nobody_waits_for_them_any_more() {
    holds(
        1,
        Faults {
            slow_writes: 1,
            silences: 1,
            ..NONE
        },
        Faults {
            slow_writes: 1,
            silences: 1,
            cancels: 1,
            crashes: 1,
            ..NONE
        },
        &[
            "requests arrived late",
            "takeovers",
            "images of earlier attempts adopted",
        ],
    );
}

#[test]
fn attempts_that_fail() {
    holds(
        1,
        Faults {
            failures: 1,
            drops: 1,
            stuck: 1,
            differences: 1,
            deadlines: 1,
            hand_backs: 1,
            ..NONE
        },
        Faults {
            failures: 2,
            drops: 1,
            stuck: 1,
            differences: 1,
            deadlines: 1,
            hand_backs: 1,
            cancels: 1,
            ..NONE
        },
        &[
            "attempts failed",
            "backoffs ended",
            "units handed back",
            "uploads dropped",
            "uploads stuck",
            "uploads with other bytes",
            "deadlines passed",
            "error",
            "replicated",
        ],
    );
}

#[test]
fn all_schedulers_are_away_for_a_while() {
    holds(
        1,
        Faults {
            outages: 1,
            crashes: 1,
            cancels: 1,
            ..NONE
        },
        Faults {
            outages: 1,
            crashes: 1,
            cancels: 1,
            freezes: 1,
            ..NONE
        },
        &[
            "outages",
            "leases run out",
            "takeovers",
            "canceled",
            "replicated",
        ],
    );
}

#[test]
fn a_scheduler_that_stands_still_between_reading_and_committing() {
    holds(
        1,
        Faults {
            held_calls: 1,
            silences: 1,
            ..NONE
        },
        Faults {
            held_calls: 1,
            cancels: 1,
            silences: 1,
            ..NONE
        },
        &[
            "schedulers frozen",
            "late commits",
            "takeovers",
            "replicated",
        ],
    );
}

#[test]
fn a_replica_that_is_behind_takes_over_from_redis() {
    holds(
        1,
        Faults {
            failovers: 1,
            lost_answers: 1,
            crashes: 1,
            cancels: 1,
            ..NONE
        },
        Faults {
            failovers: 1,
            lost_answers: 1,
            silences: 1,
            cancels: 1,
            ..NONE
        },
        &[
            "redis fell back",
            "takeovers",
            "answers lost",
            "canceled",
            "replicated",
        ],
    );
}

#[test]
fn a_scheduler_that_has_read_before_redis_fell_back() {
    holds(
        1,
        Faults {
            failovers: 1,
            held_calls: 1,
            cancels: 1,
            ..NONE
        },
        Faults {
            failovers: 1,
            held_calls: 1,
            cancels: 1,
            silences: 1,
            ..NONE
        },
        &["redis fell back", "late commits", "canceled", "replicated"],
    );
}

#[test]
fn redis_is_restored_from_a_backup() {
    holds(
        1,
        Faults {
            restores: 1,
            crashes: 1,
            ..NONE
        },
        Faults {
            restores: 1,
            silences: 1,
            cancels: 1,
            ..NONE
        },
        &[
            "redis fell back",
            "forgotten images adopted",
            "replicated",
            "workers stopped",
        ],
    );
}

#[test]
fn two_jobs_that_wait_for_each_other_and_messages_that_are_lost_or_doubled() {
    holds(
        2,
        Faults {
            bad_messages: 1,
            cancels: 1,
            ..NONE
        },
        Faults {
            bad_messages: 1,
            cancels: 1,
            crashes: 1,
            ..NONE
        },
        &[
            "messages lost",
            "messages doubled",
            "canceled",
            "replicated",
        ],
    );
}
