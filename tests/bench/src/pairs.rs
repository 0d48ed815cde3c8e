//! In which order things are measured beside the floor, and which of them once more. Pure.
//!
//! A round is one measurement of the floor (a raw upload) with one way right before it and another right after it;
//! the floor is the pair of both. Ways take turns in coming first. A round whose floor was far from the others' is
//! repeated: something else had the machine then.

use std::cmp::Reverse;

use crate::statistics::median;

/// A floor that is further from the median of all, as a share of it, is not believed.
const TOLERANCE: f64 = 0.1;

/// One measurement of the floor and what stands around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Round<W> {
    pub(crate) before: Option<W>,
    pub(crate) after: Option<W>,
}

/// A way that is still to be measured.
struct Open<W> {
    way: W,
    left: usize,
    /// How much more often it has been before the floor than after it.
    balance: i32,
}

/// Rounds in which each way occurs as often as is demanded, and each about as often before the floor as after it.
pub(crate) fn rounds<W: Copy + Eq>(demand: &[(W, usize)]) -> Vec<Round<W>> {
    let open = demand.iter().map(|&(way, left)| Open {
        way,
        left,
        balance: 0,
    });
    let mut open: Vec<Open<W>> = open.collect();
    let mut rounds = Vec::new();
    loop {
        open.retain(|one| one.left > 0);
        // Stable: of those that are demanded equally often, the earlier ones come first.
        open.sort_by_key(|one| Reverse(one.left));
        let mut chosen: Vec<&mut Open<W>> = open.iter_mut().take(2).collect();
        chosen.sort_by_key(|one| one.balance);
        let (before, after) = match &mut chosen[..] {
            [] => return rounds,
            [only] if only.balance <= 0 => (Some(only.goes(1)), None),
            [only] => (None, Some(only.goes(-1))),
            [first, second, ..] => (Some(first.goes(1)), Some(second.goes(-1))),
        };
        rounds.push(Round { before, after });
    }
}

impl<W: Copy> Open<W> {
    fn goes(&mut self, side: i32) -> W {
        self.left -= 1;
        self.balance += side;
        self.way
    }
}

/// The floor, by its place, that is furthest from the median of all, if it is too far.
pub(crate) fn outlier(floors: &[f64]) -> Option<usize> {
    let middle = median(floors.iter().copied());
    let distance = |floor: f64| (floor - middle).abs();
    let furthest = floors
        .iter()
        .enumerate()
        .max_by(|(_, a), (_, b)| distance(**a).total_cmp(&distance(**b)));
    let (place, &floor) = furthest?;
    (distance(floor) > TOLERANCE * middle).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sides(rounds: &[Round<char>], way: char) -> (usize, usize) {
        let before = rounds.iter().filter(|round| round.before == Some(way));
        let after = rounds.iter().filter(|round| round.after == Some(way));
        (before.count(), after.count())
    }

    #[test]
    fn each_way_is_measured_as_often_as_demanded_and_on_both_sides() {
        let demand = [('j', 7), ('c', 3), ('i', 3), ('p', 3), ('d', 3)];
        let rounds = rounds(&demand);
        assert_eq!(rounds.len(), 10);
        for (way, count) in demand {
            let (before, after) = sides(&rounds, way);
            assert_eq!(before + after, count, "{way}");
            assert!(before.abs_diff(after) <= 3, "{way}: {before} and {after}");
        }
        for round in rounds {
            assert_ne!(round.before, round.after);
        }
    }

    #[test]
    fn a_lone_way_changes_sides() {
        let rounds = rounds(&[('j', 7)]);
        assert_eq!(sides(&rounds, 'j'), (4, 3));
    }

    #[test]
    fn only_a_floor_far_from_the_others_is_an_outlier() {
        assert_eq!(outlier(&[8.0, 8.1, 8.7]), None);
        assert_eq!(outlier(&[8.0, 8.1, 9.0]), Some(2));
        assert_eq!(outlier(&[6.0, 8.1, 9.0]), Some(0));
        assert_eq!(outlier(&[8.0]), None);
        assert_eq!(outlier(&[]), None);
    }
}
