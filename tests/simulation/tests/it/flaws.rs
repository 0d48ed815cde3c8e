//! What is done wrong is found by the ordinary seeds, and as what it is. One flaw is not: see `src/lib.rs`.

use simulation::{Flaw, Scenario, Violation, run_with};

/// The seeds of an ordinary test run.
const SEEDS: std::ops::Range<u64> = 0..2_000;

/// Runs one seed after the other until one breaks a promise that the flaw is expected to break. It begins with one that is
/// known to; when scenarios are made otherwise by now, another does.
fn is_found(flaw: Flaw, known: u64, is_expected: impl Fn(&Violation) -> bool) {
    let found = std::iter::once(known).chain(SEEDS).find(|seed| {
        let run = run_with(&Scenario::of_seed(*seed), flaw);
        run.violations.iter().any(&is_expected)
    });
    let seed = found.unwrap_or_else(|| panic!("{flaw:?} is not found by {SEEDS:?}"));
    eprintln!("{flaw:?} is found by seed {seed}");
}

#[test]
fn a_worker_that_goes_on_writing_when_its_lease_has_run_out() {
    is_found(Flaw::OpenGate, 157, |it| {
        matches!(it, Violation::WriteWithoutLease(..))
    });
}

#[test]
fn a_scheduler_that_takes_any_finish() {
    is_found(Flaw::AnyToken, 5, |it| {
        matches!(it, Violation::ForeignEnd(_))
    });
}

#[test]
fn a_worker_that_is_deaf_to_discard() {
    is_found(Flaw::DeafToDiscard, 86, |it| {
        matches!(it, Violation::LeaseLostForNothing(..))
    });
}

#[test]
fn a_worker_that_gives_up_a_finish_that_failed() {
    is_found(Flaw::FinishesOnce, 749, |it| {
        matches!(it, Violation::LeaseLostForNothing(..))
    });
}

#[test]
fn a_worker_that_verifies_nothing() {
    is_found(Flaw::VerifiesNothing, 17, |it| {
        matches!(it, Violation::TooEarly { .. })
    });
}

#[test]
fn an_attempt_that_is_not_told_of_earlier_ones() {
    is_found(Flaw::LeftoversNotHandedOver, 4, |it| {
        matches!(it, Violation::Unsettled(..))
    });
}

#[test]
fn a_scheduler_that_forgets_earlier_attempts_at_a_grant() {
    is_found(Flaw::LeftoversForgottenAtGrant, 4, |it| {
        matches!(it, Violation::Forgotten(..))
    });
}

#[test]
fn a_worker_that_is_deaf_to_stop() {
    is_found(Flaw::DeafToStop, 157, |it| {
        // The answer that it does not hear says that its report has arrived, so it takes its lease for renewed.
        matches!(
            it,
            Violation::Restless(_) | Violation::WriteWithoutLease(..)
        )
    });
}

#[test]
fn a_worker_that_makes_no_tombstones() {
    is_found(Flaw::NoTombstones, 12, |it| {
        matches!(it, Violation::CameBack(..))
    });
}

#[test]
fn a_cancel_that_a_failover_forgets() {
    is_found(Flaw::CancelsDoNotLast, 473, |it| {
        matches!(it, Violation::TakenBack(..))
    });
}

#[test]
fn an_idempotency_key_that_is_forgotten() {
    is_found(Flaw::KeysForgotten, 59, |it| {
        matches!(it, Violation::KeyMadeTwo(..))
    });
}
