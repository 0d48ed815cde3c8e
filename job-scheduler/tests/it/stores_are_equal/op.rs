//! What is done to both stores: chosen at random, most often what changes most.

use proptest::prelude::*;

/// Jobs that the operations are about.
pub(super) const JOBS: u8 = 8;

#[derive(Debug, Clone)]
pub(super) enum Op {
    Create {
        job: u8,
        tenant: u8,
        backwards: bool,
        key: Option<u8>,
    },
    /// A plan's copy, or an errand of one of the two kinds.
    CreateForPlan {
        job: u8,
        tenant: u8,
        backwards: bool,
        kind: u8,
    },
    TellPlan {
        job: u8,
    },
    Grant {
        job: u8,
        claim: u8,
    },
    Report {
        job: u8,
        bytes: u64,
        canceling: bool,
        settle: bool,
    },
    Finish {
        job: u8,
        outcome: u8,
        settle: bool,
    },
    Cancel {
        job: u8,
    },
    Reconcile {
        what: u8,
    },
    Remove {
        job: u8,
    },
    /// A commit on a version that is not the newest.
    Stale {
        job: u8,
    },
    Tickets {
        backwards: bool,
        most: u8,
    },
    Reseat {
        backwards: bool,
    },
    SetAside {
        job: u8,
        place: u8,
    },
    PutBack {
        job: u8,
    },
    MarkServing,
    Drain {
        backwards: bool,
        on: bool,
    },
    Advance {
        seconds: u16,
    },
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    let job = || 0..JOBS;
    prop_oneof![
        4 => (job(), 0..3_u8, any::<bool>(), prop::option::of(0..3_u8)).prop_map(
            |(job, tenant, backwards, key)| Op::Create { job, tenant, backwards, key }),
        3 => (job(), 0..3_u8, any::<bool>(), 0..3_u8).prop_map(
            |(job, tenant, backwards, kind)| Op::CreateForPlan { job, tenant, backwards, kind }),
        1 => job().prop_map(|job| Op::TellPlan { job }),
        6 => (job(), 0..12_u8).prop_map(|(job, claim)| Op::Grant { job, claim }),
        2 => (job(), 0..2_000_000_u64, any::<bool>(), any::<bool>()).prop_map(
            |(job, bytes, canceling, settle)| Op::Report { job, bytes, canceling, settle }),
        4 => (job(), 0..7_u8, any::<bool>()).prop_map(
            |(job, outcome, settle)| Op::Finish { job, outcome, settle }),
        2 => job().prop_map(|job| Op::Cancel { job }),
        3 => (0..3_u8).prop_map(|what| Op::Reconcile { what }),
        1 => job().prop_map(|job| Op::Remove { job }),
        1 => job().prop_map(|job| Op::Stale { job }),
        5 => (any::<bool>(), 1..6_u8).prop_map(|(backwards, most)| Op::Tickets { backwards, most }),
        1 => any::<bool>().prop_map(|backwards| Op::Reseat { backwards }),
        1 => (job(), 0..4_u8).prop_map(|(job, place)| Op::SetAside { job, place }),
        2 => job().prop_map(|job| Op::PutBack { job }),
        1 => Just(Op::MarkServing),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(backwards, on)| Op::Drain { backwards, on }),
        2 => (0..60_u16).prop_map(|seconds| Op::Advance { seconds }),
    ]
}
