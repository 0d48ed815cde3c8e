//! Whatever happens in whatever order: the promises that callers and operators rely on.

use std::collections::BTreeSet;

use domain::{FinishVerdict, ImageId, LeaseToken, OrphansFound, Outcome, ReplicaFate, Stage};
use proptest::prelude::*;

use super::sample::{self, at, failed, finish_of, report_of};
use super::{Jitter, cancel, finish, give_up_when_due, grant, lapse, plan_told, promote, report};
use crate::job_record::JobRecord;
use crate::store::keys::Keys;
use crate::store::placement::{self, Entry};
use crate::task::{ErrandResult, Task};

#[derive(Debug, Clone)]
enum Op {
    Grant,
    Report {
        bytes: u64,
        canceling: bool,
        settle: usize,
    },
    Finish {
        outcome: u8,
        settle: usize,
    },
    /// A finish under a token that was the current one some time.
    LateFinish,
    Cancel,
    TellPlan,
    Pass {
        seconds: i64,
    },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => Just(Op::Grant),
        2 => (0..2_000_000_u64, any::<bool>(), 0..4_usize)
            .prop_map(|(bytes, canceling, settle)| Op::Report { bytes, canceling, settle }),
        3 => (0..8_u8, 0..4_usize).prop_map(|(outcome, settle)| Op::Finish { outcome, settle }),
        1 => Just(Op::LateFinish),
        1 => Just(Op::Cancel),
        1 => Just(Op::TellPlan),
        3 => prop_oneof![4 => 1..60_i64, 1 => Just(100_000_i64), 1 => Just(700_000_i64)]
            .prop_map(|seconds| Op::Pass { seconds }),
    ]
}

/// A job with what was ever promised about it.
struct World {
    record: JobRecord,
    now: i64,
    granted: BTreeSet<ImageId>,
    settled: BTreeSet<ImageId>,
    tokens: Vec<LeaseToken>,
}

impl World {
    fn run(&mut self, op: &Op) {
        let rules = sample::rules();
        let (record, now) = (self.record.clone(), at(self.now));
        let next = match op {
            Op::Grant => {
                let token = LeaseToken::generate();
                let claim = domain::ClaimId::generate();
                let worker = domain::WorkerId::new("w");
                let next = grant(&record, token, claim, worker, now, &rules).ok();
                if let Some(next) = &next {
                    self.tokens.push(token);
                    self.granted.extend(next.leftovers.iter().copied());
                }
                next
            }
            Op::Report {
                bytes,
                canceling,
                settle,
            } if record.lease.is_some() => {
                let mut word = report_of(&record, *bytes);
                word.image = Some(record.attempt_image());
                if *canceling {
                    word.stage = Stage::Canceling;
                }
                word.settled = self.settle(*settle);
                report(&record, &word, now, &rules).0
            }
            Op::Finish { outcome, settle } if record.lease.is_some() => {
                let image = record.attempt_image();
                let outcome = match outcome {
                    0 => Outcome::Replicated { image },
                    1 => failed(true),
                    2 => failed(false),
                    3 => Outcome::Cleaned,
                    4 => Outcome::Resolved { images: Vec::new() },
                    5 => Outcome::Removed(ReplicaFate::Gone),
                    6 => Outcome::OrphansFound(OrphansFound::default()),
                    _ => Outcome::HandedBack,
                };
                let mut word = finish_of(&record, outcome);
                word.settled = self.settle(*settle);
                finish(&record, &word, now, Jitter(0.5), &rules)
                    .expect("legal")
                    .0
            }
            Op::LateFinish => {
                let current = record.lease.as_ref().map(|lease| lease.token);
                let late = self.tokens.iter().find(|token| Some(**token) != current);
                if let Some(token) = late {
                    let mut word = finish_of(&sample::granted(), Outcome::Cleaned);
                    word.lease_token = *token;
                    let ended = finish(&record, &word, now, Jitter(0.5), &rules);
                    let (next, verdict) = ended.expect("legal");
                    assert_eq!(next, None, "a token of the past writes nothing");
                    assert_ne!(verdict, FinishVerdict::Discard);
                }
                None
            }
            Op::Cancel => cancel(&record, now, &rules).ok(),
            Op::TellPlan => plan_told(&record),
            Op::Pass { seconds } => {
                self.now += seconds;
                let now = at(self.now);
                let mut next = record.clone();
                next = promote(&next, now).unwrap_or(next);
                next = lapse(&next, now, Jitter(0.5), &rules).unwrap_or(next);
                Some(give_up_when_due(&next, now).unwrap_or(next))
            }
            Op::Report { .. } | Op::Finish { .. } => None,
        };
        if let Some(next) = next {
            self.check(&next);
            self.record = next;
        }
    }

    /// Some of the leftovers are gone for good.
    fn settle(&mut self, some: usize) -> Vec<ImageId> {
        let gone: Vec<ImageId> = self.record.leftovers.iter().copied().take(some).collect();
        self.settled.extend(gone.iter().copied());
        gone
    }

    fn check(&self, next: &JobRecord) {
        let before = &self.record;
        if before.status.is_final() {
            assert_eq!(next.status, before.status, "a final status stays");
            assert_eq!(next.finished_at, before.finished_at);
        }
        assert!(
            next.copy_progress >= before.copy_progress,
            "progress only grows"
        );
        let done = next.status == domain::JobStatus::Replicated;
        assert_eq!(next.copy_progress == 100, done);
        assert_eq!(
            next.status == domain::JobStatus::Error,
            next.error.is_some()
        );
        assert_eq!(next.status.is_final(), next.finished_at.is_some());
        // Every image that was ever granted is settled, the result, or still known.
        for image in &self.granted {
            let known = next.leftovers.contains(image)
                || self.settled.contains(image)
                || (done && next.image == Some(*image));
            assert!(known, "{image} is forgotten");
        }
        // An accepted job ends: somebody is on it, it can be granted, or it waits for its time; and
        // never two of these at once. And whoever made it hears of its end.
        let standing = placement::entries(next, &Keys::new("p"));
        let work = standing.iter().filter(|entry| is_work(entry)).count();
        let is_done =
            next.status.is_final() && next.leftovers.is_empty() && next.held_lease().is_none();
        assert_eq!(work, usize::from(!is_done), "{next:?}");
        let news = standing
            .iter()
            .filter(|entry| stands_in(entry, "p:plan-news"));
        assert_eq!(news.count(), usize::from(next.untold_plan().is_some()));
        let old = standing
            .iter()
            .filter(|entry| stands_in(entry, "p:finished"));
        assert_eq!(old.count(), usize::from(next.is_over()));
        if next.copy().is_none() {
            assert_eq!((next.leftovers.len(), next.image), (0, None));
            // A removal that was called off too late is known all the same.
            match &next.errand_result {
                None => assert!(!done),
                Some(ErrandResult::Resolved(_) | ErrandResult::OrphansFound(_)) => assert!(done),
                Some(ErrandResult::Removed(_)) => assert!(next.status.is_final()),
            }
        }
        assert!(
            next.status.is_final() || next.deadline.is_some(),
            "it may wait for ever"
        );
        if matches!(
            next.status,
            domain::JobStatus::Error | domain::JobStatus::Canceled
        ) {
            let shown = next.view().and_then(|job| job.destination_image_id);
            assert_eq!(shown, None);
        }
    }
}

/// Whether somebody finds the job by this entry when there is something to do for it.
fn is_work(entry: &Entry) -> bool {
    let Entry::Scored { key, .. } = entry else {
        return false;
    };
    key.starts_with("p:eligible:") || key == "p:waiting" || key == "p:leases"
}

fn stands_in(entry: &Entry, index: &str) -> bool {
    matches!(entry, Entry::Scored { key, .. } if key == index)
}

fn task() -> impl Strategy<Value = Task> {
    prop_oneof![
        3 => Just(Task::Copy(sample::spec("t1"))),
        2 => Just(sample::planned()),
        2 => Just(sample::resolve()),
        2 => Just(sample::remove()),
        1 => Just(sample::find_orphans()),
        1 => Just(sample::remove_orphan()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn the_promises_hold(task in task(), ops in prop::collection::vec(op(), 1..80)) {
        let record = sample::accepted_as(task);
        let mut world = World {
            record,
            now: 0,
            granted: BTreeSet::new(),
            settled: BTreeSet::new(),
            tokens: Vec::new(),
        };
        for op in &ops {
            world.run(op);
        }
    }
}
