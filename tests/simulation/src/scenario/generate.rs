//! Makes a scenario of a seed.

use rand::rngs::Xoshiro256PlusPlus as Dice;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::{HalfUploads, Hashes, Op, Role, SCHEDULERS, Scenario, Setting, Side, Step};

/// Faces of the die that picks the kind of a trouble.
const KINDS: u32 = 36;

/// Kinds that together make what an attempt finds of earlier ones: crashes, and a destination that is late, refuses and keeps.
const AFTERMATH: [u32; 5] = [5, 27, 28, 29, 32];

/// Each scenario has a few kinds of trouble that it favours, so that rare ones meet.
pub(super) fn scenario(seed: u64) -> Scenario {
    let mut dice = Dice::seed_from_u64(seed);
    let setting = setting(&mut dice);
    let jobs = dice.random_range(1..=4);
    let troubles = dice.random_range(1..=9);
    let favourites: Vec<u32> = match dice.random_bool(0.2) {
        true => AFTERMATH.to_vec(),
        false => (0..dice.random_range(2..=5))
            .map(|_| dice.random_range(0..KINDS))
            .collect(),
    };
    let mut ops = vec![create(&mut dice)];
    for _ in 1..jobs {
        ops.push(create(&mut dice));
    }
    for _ in 0..troubles {
        let kind = match dice.random_bool(0.7) {
            true => *favourites.choose(&mut dice).expect("at least two"),
            false => dice.random_range(0..KINDS),
        };
        let trouble = trouble(kind, &mut dice, &setting, jobs);
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

fn setting(dice: &mut Dice) -> Setting {
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
        hashes: match one_of(&[0, 0, 0, 1, 2]) {
            0 => Hashes::Same,
            1 => Hashes::NoneAtSource,
            _ => Hashes::OtherAtDestination,
        },
        chance: dice.random(),
    }
}

fn create(dice: &mut Dice) -> Op {
    Op::Create {
        tenant: dice.random_range(0..2),
        image: dice.random_range(0..3),
        key: dice.random_bool(0.25).then(|| dice.random_range(0..2)),
    }
}

fn trouble(kind: u32, dice: &mut Dice, setting: &Setting, jobs: usize) -> Op {
    let lasts = tenths(dice, 0.5..=40.0);
    let side = match dice.random_range(0..3) {
        0 => Side::Source,
        _ => Side::Destination,
    };
    let who = match dice.random_range(0..3) {
        0 => Role::Scheduler(dice.random_range(0..SCHEDULERS)),
        _ => Role::Worker(dice.random_range(0..setting.workers)),
    };
    match kind {
        0..5 => Op::Cancel {
            job: dice.random_range(0..jobs),
        },
        5..9 => Op::Crash {
            who,
            down: tenths(dice, 0.1..=20.0),
        },
        9..14 => Op::Freeze { who, lasts },
        14..17 => Op::Stop { who },
        17 | 18 => Op::Partition {
            worker: dice.random_range(0..setting.workers),
            lasts,
        },
        19 => Op::DropMessages,
        20 => Op::DoubleMessages,
        21 => Op::DelayMessages { lasts },
        22 => Op::BrokerAway { lasts },
        23 => Op::StoreAway { lasts },
        24 => Op::LoseNotices,
        25 => Op::LoseAnswers { lasts },
        26 => Op::GlanceAway {
            side,
            lasts: lasts / 2.0,
        },
        27 => Op::GlanceDies { side },
        28 => Op::GlanceLate { side, lasts },
        29 => Op::GlanceRefuses {
            side,
            lasts: lasts / 2.0,
        },
        30 | 31 => Op::FailOver {
            lag: tenths(dice, 0.5..=20.0),
        },
        32 => Op::GlanceKeeps { lasts },
        33 | 34 => Op::GlanceCorrupts { lasts },
        _ => Op::ClockJumps {
            scheduler: dice.random_range(0..SCHEDULERS),
            by: dice.random_range(-900..=900),
        },
    }
}

/// Within the range, to a tenth of a second.
fn tenths(dice: &mut Dice, range: std::ops::RangeInclusive<f64>) -> f64 {
    (dice.random_range(range) * 10.0).round() / 10.0
}
