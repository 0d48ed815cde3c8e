//! What is done wrong is found, and by the property that it breaks. The same world without the flaw keeps them all.

use crate::explorer::{Walk, walk};
use crate::flaw::Flaw;
use crate::properties::{FORWARD, KEPT, KNOWN, ONE_WRITER, OUTAGE, SETTLED, TOLD, WHOLE};
use crate::steps::JobLife;
use crate::world::Faults;
use crate::worlds::assert_holds;

const NONE: Faults = Faults::none();

fn walk_with(flaw: Flaw, faults: Faults) -> Walk {
    walk(&mut JobLife::new(1, faults, flaw))
}

/// Walks a world with and without a flaw. The way to what it breaks leads over certain steps.
fn is_found(flaw: Flaw, faults: Faults, property: &str, over: &[&str]) {
    assert_holds(&walk_with(Flaw::None, faults));
    let (broken, way) = walk_with(flaw, faults).broken.expect("a counterexample");
    assert_eq!(broken.property, property, "{}\n{way}", broken.what);
    for step in over {
        assert!(way.contains(step), "{step} is not on the way:\n{way}");
    }
}

/// A worker that was taken over goes on writing; and what it ends its job with is removed by the one that took over.
#[test]
fn a_scheduler_that_does_not_check_tokens() {
    let faults = Faults {
        silences: 1,
        ..NONE
    };
    is_found(Flaw::NoTokenCheck, faults, ONE_WRITER, &["Due", "Report"]);
    let life = JobLife::new(1, faults, Flaw::NoTokenCheck);
    let (broken, way) = walk(&mut life.but(&[ONE_WRITER])).broken.expect("another");
    assert_eq!(broken.property, KEPT, "{way}");
    assert!(
        way.contains("Due") && way.matches("Claim").count() > 1,
        "{way}"
    );
}

/// What a worker that died has left is not removed.
#[test]
fn a_scheduler_that_forgets_leftovers() {
    let faults = Faults { crashes: 1, ..NONE };
    is_found(Flaw::ForgetLeftovers, faults, KNOWN, &["Crash", "Claim"]);
}

/// A worker that froze right before its create brings an image to life that was settled.
#[test]
fn a_worker_that_makes_no_tombstones() {
    let faults = Faults { freezes: 1, ..NONE };
    is_found(Flaw::NoTombstone, faults, SETTLED, &["Freeze", "Claim"]);
}

/// A worker that lives loses its lease to an outage.
#[test]
fn a_scheduler_that_expires_leases_right_after_an_outage() {
    let faults = Faults { outages: 1, ..NONE };
    is_found(
        Flaw::ExpireAfterOutage,
        faults,
        OUTAGE,
        &["SchedulersAreBack", "Due"],
    );
}

/// Redis forgets `replicated`, and the next attempt removes what the user has.
#[test]
fn a_worker_that_removes_instead_of_adopting() {
    let faults = Faults {
        failovers: 1,
        lost_answers: 1,
        crashes: 1,
        ..NONE
    };
    is_found(
        Flaw::RemoveInsteadOfAdopt,
        faults,
        KEPT,
        &["FallBack", "Claim"],
    );
}

/// A delete that was sent for half an image hits the whole one that a third attempt has adopted: the mark was lost when the
/// upload ended.
#[test]
fn a_worker_that_adopts_what_nobody_has_revealed() {
    let faults = Faults {
        silences: 1,
        slow_writes: 1,
        ..NONE
    };
    is_found(Flaw::AdoptUnrevealed, faults, KEPT, &["GiveUp", "Arrive"]);
}

/// A scheduler that read before Redis fell back overwrites what was committed since.
#[test]
fn a_store_that_trusts_versions_alone() {
    let faults = Faults {
        failovers: 1,
        held_calls: 1,
        cancels: 1,
        ..NONE
    };
    is_found(
        Flaw::TrustVersions,
        faults,
        FORWARD,
        &["Hold", "FallBack", "Resume"],
    );
}

/// The caller was told of a cancel that nobody knows of any more.
#[test]
fn a_cancel_that_is_answered_before_a_replica_has_it() {
    let faults = Faults {
        failovers: 1,
        cancels: 1,
        ..NONE
    };
    is_found(Flaw::ForgetCancel, faults, TOLD, &["Cancel", "FallBack"]);
}

/// What a restore of Redis from a backup cannot keep: what was answered may be taken back, and an image that was made
/// under a grant that is forgotten is known to nobody.
#[test]
fn a_restore_takes_back_what_was_answered_and_may_leave_an_image_that_nobody_knows() {
    let faults = Faults {
        restores: 1,
        cancels: 1,
        ..NONE
    };
    assert_holds(&walk_with(Flaw::None, faults));
    for (but, expected) in [
        (&[ONE_WRITER][..], TOLD),
        (&[ONE_WRITER, TOLD, WHOLE, SETTLED], KNOWN),
    ] {
        let life = JobLife::new(1, faults, Flaw::None);
        let (broken, way) = walk(&mut life.but(but)).broken.expect("a counterexample");
        assert_eq!(broken.property, expected, "{way}");
        assert!(way.contains("FallBack"), "{way}");
    }
}
