//! Whatever happens in whatever order, twice or never: what owners of replicas rely on.

use std::collections::BTreeSet;

use domain::{
    ErrorCode, ImageId, ImageSelector, JobError, JobId, PlanAction, ReplicaFate, ReplicaRemoval,
};
use proptest::prelude::*;

use super::sample::{accepted, action, at, copied, creator, daily, image, resolved, reused, rules};
use super::{
    Edit, News, Replica, Signal, apply, awaited, candidates, carried_out, edit, lost, rotate,
    signal, wake,
};
use crate::plan_record::{CopyEnd, PlanRecord, Wish};

#[derive(Debug, Clone)]
enum Op {
    /// Time passes and the keeper looks.
    Pass {
        seconds: i64,
    },
    /// The executor does the first wish; or dies behind it, so that it is done again later.
    Execute {
        dies: bool,
    },
    /// A unit of work or a copy ends, or tells once more how it ended.
    End {
        which: usize,
        how: u8,
    },
    /// The keeper finds something lost.
    Lose {
        which: usize,
    },
    Start,
    Stop,
    Abort,
    Toggle,
    /// Another number of replicas to keep, and perhaps another selector.
    Rewrite {
        keep: u32,
        by_tag: bool,
    },
}

/// Mostly the plan goes on: only so do replicas pile up.
fn op() -> impl Strategy<Value = Op> {
    let seconds = prop_oneof![
        1 => Just(60_i64),
        1 => Just(3_600),
        6 => Just(86_400),
        1 => Just(400_000),
    ];
    prop_oneof![
        20 => seconds.prop_map(|seconds| Op::Pass { seconds }),
        60 => prop::bool::weighted(0.2).prop_map(|dies| Op::Execute { dies }),
        60 => (any::<prop::sample::Index>(), 0..8_u8)
            .prop_map(|(which, how)| Op::End { which: which.index(1_000), how }),
        2 => (0..5_usize).prop_map(|which| Op::Lose { which }),
        6 => Just(Op::Start),
        2 => Just(Op::Stop),
        2 => Just(Op::Abort),
        2 => Just(Op::Toggle),
        3 => (1..4_u32, any::<bool>()).prop_map(|(keep, by_tag)| Op::Rewrite { keep, by_tag }),
    ]
}

/// A plan and the world around it.
struct World {
    plan: PlanRecord,
    now: i64,
    /// Every unit of work and copy that was ever created, in order, with its news once it has ended.
    jobs: Vec<(JobId, Wish, Option<News>)>,
    /// Images that copies of the plan made.
    made: BTreeSet<ImageId>,
    /// Images that another plan holds.
    held: BTreeSet<ImageId>,
}

impl World {
    fn change(&mut self, next: PlanRecord) {
        if let (Some(was), Some(is)) = (&self.plan.run, &next.run) {
            assert_eq!(was.fire, is.fire, "a run goes on until it has ended");
        }
        let due = next.next_fire.is_some();
        assert!(!due || !(next.stopped || next.document.disabled));
        for point in &next.points {
            assert!(point.reused || self.made.contains(&point.point.image_id));
        }
        self.plan = next;
    }

    fn run(&mut self, op: &Op) {
        let (plan, now, rules) = (self.plan.clone(), at(self.now), rules());
        match op {
            Op::Pass { seconds } => {
                self.now += seconds;
                let now = at(self.now);
                if let Some(next) = wake(&plan, None, now, &rules) {
                    assert_eq!(wake(&next, None, now, &rules), None, "once is enough");
                    self.change(next);
                }
            }
            Op::Execute { dies } => self.execute(*dies),
            Op::End { which, how } => self.end(*which, *how),
            Op::Lose { which } => {
                if let Some(job) = awaited(&plan).get(*which).copied() {
                    self.jobs.retain(|(id, ..)| *id != job);
                    self.change(lost(&plan, &[job], now, &rules));
                }
            }
            Op::Start => {
                let told = Signal::Start {
                    creator: creator(),
                    traceparent: None,
                };
                self.change(signal(&plan, told, now, &rules).record);
            }
            Op::Stop => self.change(signal(&plan, Signal::Stop, now, &rules).record),
            Op::Abort => self.change(signal(&plan, Signal::Abort, now, &rules).record),
            Op::Toggle => self.rewrite(|document| document.disabled = !document.disabled),
            Op::Rewrite { keep, by_tag } => self.rewrite(|document| {
                document.actions[0].rotation = std::num::NonZeroU32::new(*keep);
                document.actions[0].selector = selector(*by_tag);
            }),
        }
    }

    fn rewrite(&mut self, change: impl FnOnce(&mut domain::PlanDocument)) {
        let mut document = self.plan.document.clone();
        change(&mut document);
        let word = Edit {
            document,
            creator: creator(),
            reschedule: false,
            empty_is_off: false,
        };
        self.change(edit(&self.plan, word, at(self.now), &rules()).expect("valid"));
    }

    fn execute(&mut self, dies: bool) {
        let Some(wish) = self.plan.outbox.first().cloned() else {
            return;
        };
        match &wish {
            Wish::Rotate(rotation) => {
                if dies {
                    return;
                }
                let all = candidates(&self.plan, rotation);
                let held = all.intersection(&self.held).copied().collect();
                let next = rotate(&self.plan, rotation, &held);
                self.must_only_begin(&next);
                return self.change(next);
            }
            Wish::Cancel { .. } => {}
            Wish::Remove { job, removal } => {
                self.must_be_removable(removal);
                self.create(*job, &wish);
            }
            Wish::Resolve { job, .. } | Wish::Copy { job, .. } => self.create(*job, &wish),
        }
        if !dies {
            self.change(carried_out(&self.plan, &[wish], at(self.now)));
        }
    }

    /// A rotation names nothing that is being removed already, neither to go nor to stay.
    fn must_only_begin(&self, next: &PlanRecord) {
        for was in self.plan.points.iter().filter(|it| it.removing.is_some()) {
            assert!(next.points.contains(was), "{was:?}");
        }
        let stays = |id: &ImageId| {
            let mut points = next.points.iter();
            points.any(|it| it.point.image_id == *id && it.removing.is_none())
        };
        let begun = next
            .outbox
            .iter()
            .filter(|wish| !self.plan.outbox.contains(wish));
        for wish in begun {
            if let Wish::Remove { removal, .. } = wish {
                assert!(removal.survivors.iter().all(stays));
            }
        }
    }

    /// What a worker is told to remove is recorded, is not the newest of its line and not another plan's.
    fn must_be_removable(&self, removal: &ReplicaRemoval) {
        let image = removal.replica.image_id;
        assert!(!self.held.contains(&image));
        assert!(self.made.contains(&image), "{image} was there already");
        let of = |id: &ImageId| {
            let point = self
                .plan
                .points
                .iter()
                .position(|it| it.point.image_id == *id);
            point.expect("it is recorded")
        };
        let victim = of(&image);
        assert!(!removal.survivors.is_empty());
        let newer = self.plan.points[..victim].iter();
        assert!(
            newer
                .filter(|it| it.removing.is_none())
                .any(|it| it.line() == self.plan.points[victim].line()),
            "a newer one of the same line stays"
        );
        for survivor in &removal.survivors {
            let line = self.plan.points[of(survivor)].line();
            assert_eq!(line, self.plan.points[victim].line());
        }
    }

    fn create(&mut self, job: JobId, wish: &Wish) {
        if self.jobs.iter().all(|(id, ..)| *id != job) {
            self.jobs.push((job, wish.clone(), None));
        }
    }

    /// Something ends; how it ended is told once more if it had.
    fn end(&mut self, which: usize, how: u8) {
        if self.jobs.is_empty() {
            return;
        }
        let index = if how < 6 {
            // Mostly what is new.
            self.jobs.len() - 1 - which % self.jobs.len().min(3)
        } else {
            which % self.jobs.len()
        };
        let (job, wish, known) = self.jobs[index].clone();
        let news = known.unwrap_or_else(|| news(job, &wish, how));
        if let News::Copied {
            replica: Some(Replica::Made(image)),
            ..
        } = &news
        {
            self.made.insert(*image);
            if how == 5 {
                self.held.insert(*image);
            }
        }
        self.jobs[index].2 = Some(news.clone());
        let now = at(self.now);
        if let Some(next) = apply(&self.plan, &news, now, &rules()) {
            assert_eq!(apply(&next, &news, now, &rules()), None, "once is enough");
            self.change(next);
        }
        if let Wish::Remove { .. } = wish {
            // Its record goes with the news.
            self.jobs.remove(index);
        }
    }
}

fn news(job: JobId, wish: &Wish, how: u8) -> News {
    let error = || JobError::new(ErrorCode::Internal, "a fault");
    match wish {
        Wish::Resolve { fire, .. } => match (&fire.selector, how) {
            (_, 0) => News::Resolved {
                errand: job,
                found: Err(error()),
            },
            (ImageSelector::Tag(_), _) => resolved(job, &[7, 8]),
            _ => resolved(job, &[7]),
        },
        Wish::Remove { removal, .. } => News::Removed {
            errand: job,
            image: removal.replica.image_id,
            fate: match how {
                0 => Err(error()),
                1 => Ok(ReplicaFate::Kept("protected".to_owned())),
                _ => Ok(ReplicaFate::Gone),
            },
        },
        _ if how < 2 => News::Copied {
            job,
            end: [CopyEnd::Failed, CopyEnd::Canceled][usize::from(how)],
            replica: None,
            error: Some(error()),
        },
        _ if how == 2 => reused(job, image(99)),
        _ => copied(job),
    }
}

fn selector(by_tag: bool) -> ImageSelector {
    if by_tag {
        ImageSelector::Tag("nightly".to_owned())
    } else {
        action(1).selector
    }
}

fn plan(mandatory: bool, by_tag: bool, max_retries: u32) -> PlanRecord {
    let first = PlanAction {
        mandatory,
        selector: selector(by_tag),
        max_retries,
        ..action(1)
    };
    accepted(daily(&[first, action(2)]))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_nothing_is_removed_that_must_stay_and_every_run_can_end(
        mandatory: bool,
        by_tag: bool,
        max_retries in 0..3_u32,
        ops in prop::collection::vec(op(), 0..300),
    ) {
        let mut world = World {
            plan: plan(mandatory, by_tag, max_retries),
            now: 0,
            jobs: Vec::new(),
            made: BTreeSet::new(),
            held: BTreeSet::new(),
        };
        for op in &ops {
            world.run(op);
        }
        // From here on everything works: the run ends and nothing is left to do.
        for _ in 0..1_000 {
            while !world.plan.outbox.is_empty() {
                world.execute(false);
            }
            let waits = awaited(&world.plan);
            let Some(job) = waits.first().copied() else { break };
            match world.jobs.iter().position(|(id, ..)| *id == job) {
                Some(index) => {
                    // The index from behind, so that `end` finds this one.
                    let (_, wish, known) = world.jobs[index].clone();
                    let word = known.unwrap_or_else(|| news(job, &wish, 3));
                    if let News::Copied { replica: Some(Replica::Made(image)), .. } = &word {
                        world.made.insert(*image);
                    }
                    let next = apply(&world.plan, &word, at(world.now), &rules());
                    world.change(next.expect("it was awaited"));
                }
                None => prop_assert!(false, "{job} is awaited and was never created"),
            }
        }
        prop_assert!(world.plan.outbox.is_empty());
        let paused = world.plan.run.as_ref().is_some_and(|run| run.actions.iter().any(|it| {
            matches!(it.phase, crate::plan_record::Phase::Paused { .. })
        }));
        prop_assert!(world.plan.run.is_none() || paused);
    }
}
