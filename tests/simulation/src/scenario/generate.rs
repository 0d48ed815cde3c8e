//! Makes a scenario of a seed.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::{HalfUploads, Op, Role, SCHEDULERS, Scenario, Setting, Side, Step};

/// Some settings make one kind of trouble likely, so that rare events meet.
pub(super) fn scenario(seed: u64) -> Scenario {
    let mut dice = StdRng::seed_from_u64(seed);
    let setting = setting(&mut dice);
    let jobs = dice.random_range(1..=4);
    let troubles = dice.random_range(1..=9);
    let mut ops = vec![create(&mut dice)];
    for _ in 1..jobs {
        ops.push(create(&mut dice));
    }
    for _ in 0..troubles {
        let trouble = trouble(&mut dice, &setting, jobs);
        let at = dice.random_range(1..=ops.len());
        ops.insert(at, trouble);
    }
    let pace = *[0.3, 1.0, 3.0, 8.0].choose(&mut dice).expect("not empty");
    let step = |op| Step {
        after: tenths(&mut dice, 0.0..=2.0 * pace),
        op,
    };
    Scenario {
        setting,
        steps: ops.into_iter().map(step).collect(),
    }
}

fn setting(dice: &mut StdRng) -> Setting {
    let mut one_of = |numbers: &[u64]| *numbers.choose(dice).expect("not empty");
    Setting {
        workers: if one_of(&[0, 1]) == 0 { 2 } else { 3 },
        copies: if one_of(&[0, 1, 2]) == 0 { 1 } else { 2 },
        lease: one_of(&[10, 12, 15]),
        max_attempts: if one_of(&[0, 1, 2]) == 0 { 2 } else { 5 },
        max_lost_leases: if one_of(&[0, 1, 2, 3]) == 0 { 2 } else { 20 },
        job_deadline: one_of(&[60, 600, 600, 600]),
        clean_up_grace: one_of(&[30, 600]),
        copies_per_tenant: if one_of(&[0, 1]) == 0 { 1 } else { 4 },
        half_uploads: match one_of(&[0, 1, 2]) {
            0 => HalfUploads::Kept,
            1 => HalfUploads::Lost,
            _ => HalfUploads::Stuck,
        },
        mishaps: one_of(&[0, 0, 2, 5]),
        chance: dice.random(),
    }
}

fn create(dice: &mut StdRng) -> Op {
    Op::Create {
        tenant: dice.random_range(0..2),
        image: dice.random_range(0..3),
    }
}

fn trouble(dice: &mut StdRng, setting: &Setting, jobs: usize) -> Op {
    let lasts = tenths(dice, 0.5..=40.0);
    let side = match dice.random_range(0..3) {
        0 => Side::Source,
        _ => Side::Destination,
    };
    let who = match dice.random_range(0..3) {
        0 => Role::Scheduler(dice.random_range(0..SCHEDULERS)),
        _ => Role::Worker(dice.random_range(0..setting.workers)),
    };
    match dice.random_range(0..26) {
        0..4 => Op::Cancel {
            job: dice.random_range(0..jobs),
        },
        4..8 => Op::Crash {
            who,
            down: tenths(dice, 0.1..=20.0),
        },
        8..12 => Op::Freeze { who, lasts },
        12 | 13 => Op::Stop { who },
        14 => Op::Partition {
            worker: dice.random_range(0..setting.workers),
            lasts,
        },
        15 => Op::DropMessages,
        16 => Op::DoubleMessages,
        17 => Op::DelayMessages { lasts },
        18 => Op::BrokerAway { lasts },
        19 => Op::StoreAway { lasts },
        20 => Op::LoseNotices,
        21 => Op::LoseAnswers { lasts },
        22 => Op::GlanceAway {
            side,
            lasts: lasts / 2.0,
        },
        23 => Op::GlanceDies { side },
        24 => match dice.random_range(0..2) {
            0 => Op::GlanceLate { side, lasts },
            _ => Op::GlanceRefuses {
                side,
                lasts: lasts / 2.0,
            },
        },
        _ => Op::ClockJumps {
            scheduler: dice.random_range(0..SCHEDULERS),
            by: dice.random_range(-900..=900),
        },
    }
}

/// Within the range, to a tenth of a second.
fn tenths(dice: &mut StdRng, range: std::ops::RangeInclusive<f64>) -> f64 {
    (dice.random_range(range) * 10.0).round() / 10.0
}
