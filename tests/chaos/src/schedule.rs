//! Which fault is next: a function of the seed, and of what has not been hit often enough yet.
//!
//! Faults come in rounds of seven. A round has each kind of fault once and each kind of victim once, and seven
//! rounds have each kind with each victim, so that also a short run meets them all.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use testbed::Region;

use crate::fault::{Action, Fault, Struck, Victim};

/// How often each kind of fault and each kind of victim must be hit while it matters.
pub const ENOUGH: usize = 3;

const KIBIBYTE: u64 = 1024;
const MEBIBYTE: u64 = 1024 * KIBIBYTE;

/// The faults of one run, without end.
#[derive(Debug)]
pub struct Schedule {
    dice: StdRng,
    ahead: VecDeque<(Action, Victim)>,
}

/// How often each kind was hit while it mattered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// By kind of fault.
    pub actions: BTreeMap<Action, usize>,
    /// By kind of victim.
    pub victims: BTreeMap<Victim, usize>,
}

// === impl Schedule ===

impl Schedule {
    /// The schedule of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            dice: StdRng::seed_from_u64(seed),
            ahead: VecDeque::new(),
        }
    }

    /// The next fault that `suits`; those before it stay next.
    pub fn next(&mut self, suits: impl Fn(Action, Victim) -> bool) -> Option<Fault> {
        // Two sets of seven rounds have every pair at least once, wherever the first begins.
        while self.ahead.len() < 2 * Action::ALL.len() * Victim::ALL.len() {
            self.deal();
        }
        let place = self
            .ahead
            .iter()
            .position(|(action, victim)| suits(*action, *victim))?;
        let (action, victim) = self.ahead.remove(place)?;
        Some(self.fault(action, victim))
    }

    /// Seven rounds: each kind of fault with each kind of victim.
    fn deal(&mut self) {
        let (mut actions, mut victims) = (Action::ALL, Victim::ALL);
        actions.shuffle(&mut self.dice);
        victims.shuffle(&mut self.dice);
        for round in 0..victims.len() {
            let shifted = victims.iter().cycle().skip(round).copied();
            let mut pairs: Vec<(Action, Victim)> = actions.into_iter().zip(shifted).collect();
            pairs.shuffle(&mut self.dice);
            self.ahead.extend(pairs);
        }
    }

    fn fault(&mut self, action: Action, victim: Victim) -> Fault {
        let glance = victim == Victim::Glance;
        let bytes = match action {
            Action::Slow if glance => 96 * KIBIBYTE..384 * KIBIBYTE,
            Action::Slow => 8 * KIBIBYTE..32 * KIBIBYTE,
            Action::Cut if glance => 64 * KIBIBYTE..2 * MEBIBYTE,
            // Little enough that also a link that carries no more than heartbeats is cut.
            _ => 1..500,
        };
        let dice = &mut self.dice;
        Fault {
            action,
            victim,
            region: Region::ALL[dice.random_range(0..Region::ALL.len())],
            pick: dice.random_range(0..1000),
            pause: Duration::from_millis(dice.random_range(0..1500)),
            length: Duration::from_millis(dice.random_range(length(action, victim))),
            bytes: dice.random_range(bytes),
        }
    }
}

/// Milliseconds that a fault may last: some shorter than what notices it (a lease of 6 s, a call's 2 s), some longer.
fn length(action: Action, victim: Victim) -> Range<u64> {
    match (action, victim) {
        (Action::Restart, _) => 0..1,
        (Action::Kill, _) => 200..2_000,
        (Action::Freeze | Action::BlackHole, Victim::Worker) => 2_000..10_000,
        (Action::Freeze | Action::BlackHole, _) => 1_000..7_000,
        (Action::Reset, _) => 300..3_000,
        (Action::Slow | Action::Cut, _) => 2_000..6_000,
    }
}

// === impl Tally ===

impl Tally {
    /// Counts the faults that mattered.
    pub fn of<'a>(struck: impl IntoIterator<Item = &'a Struck>) -> Self {
        let mut tally = Self::default();
        for struck in struck.into_iter().filter(|struck| struck.mattered) {
            *tally.actions.entry(struck.fault.action).or_default() += 1;
            *tally.victims.entry(struck.fault.victim).or_default() += 1;
        }
        tally
    }

    /// How often a kind of fault has mattered.
    #[must_use]
    pub fn action(&self, action: Action) -> usize {
        self.actions.get(&action).copied().unwrap_or_default()
    }

    /// How often it mattered that a kind of victim was hit.
    #[must_use]
    pub fn victim(&self, victim: Victim) -> usize {
        self.victims.get(&victim).copied().unwrap_or_default()
    }

    /// Whether a fault of that kind, or of that victim, is still wanted.
    #[must_use]
    pub fn wants(&self, action: Action, victim: Victim) -> bool {
        self.action(action) < ENOUGH || self.victim(victim) < ENOUGH
    }

    /// Whether every kind has mattered often enough.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        Action::ALL
            .iter()
            .all(|action| self.action(*action) >= ENOUGH)
            && Victim::ALL
                .iter()
                .all(|victim| self.victim(*victim) >= ENOUGH)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn first(seed: u64, count: usize) -> Vec<Fault> {
        let mut schedule = Schedule::new(seed);
        (0..count)
            .map(|_| schedule.next(|_, _| true).expect("without end"))
            .collect()
    }

    #[test]
    fn a_seed_gives_the_same_faults_and_another_seed_others() {
        assert_eq!(first(7, 100), first(7, 100));
        assert_ne!(first(7, 100), first(8, 100));
    }

    #[test]
    fn a_round_has_every_kind_and_every_victim_and_seven_rounds_every_pair() {
        for seed in 0..20 {
            let faults = first(seed, 49);
            for round in faults.chunks(7) {
                let actions: BTreeSet<Action> = round.iter().map(|fault| fault.action).collect();
                let victims: BTreeSet<Victim> = round.iter().map(|fault| fault.victim).collect();
                assert_eq!((actions.len(), victims.len()), (7, 7));
            }
            let pairs: BTreeSet<_> = faults
                .iter()
                .map(|fault| (fault.action, fault.victim))
                .collect();
            assert_eq!(pairs.len(), 49);
        }
    }

    #[test]
    fn what_does_not_suit_now_stays_next() {
        let mut schedule = Schedule::new(1);
        let all = first(1, 2);
        let other = schedule.next(|action, _| action != all[0].action);
        assert_ne!(other.expect("there is one").action, all[0].action);
        let next = schedule.next(|_, _| true).expect("there is one");
        assert_eq!((next.action, next.victim), (all[0].action, all[0].victim));
        assert_eq!(schedule.next(|_, _| false), None);
    }

    #[test]
    fn only_faults_that_mattered_count() {
        let mut schedule = Schedule::new(3);
        let mut struck: Vec<Struck> = (0..3 * 49)
            .map(|_| Struck {
                fault: schedule.next(|_, _| true).expect("without end"),
                target: String::new(),
                mattered: true,
                at: Duration::ZERO,
                healed: Duration::ZERO,
                caught: Vec::new(),
            })
            .collect();
        assert!(Tally::of(&struck).is_enough());
        for struck in &mut struck {
            struck.mattered = struck.fault.action != Action::Cut;
        }
        let tally = Tally::of(&struck);
        assert!(!tally.is_enough());
        assert!(tally.wants(Action::Cut, Victim::Redis));
        assert!(!tally.wants(Action::Kill, Victim::Redis));
    }
}
