//! Median, spread and percentiles of a few numbers. Pure.

use std::fmt;

/// What is told of several measurements of one thing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// Of at least one number; of none, zeros.
    pub(crate) fn of(numbers: impl IntoIterator<Item = f64>) -> Self {
        let sorted = sorted(numbers);
        let (Some(&least), Some(&most)) = (sorted.first(), sorted.last()) else {
            return Self::default();
        };
        Self {
            median: median_of_sorted(&sorted),
            least,
            most,
        }
    }

    /// As a cell of a table, with so many decimals.
    pub(crate) fn cell(&self, decimals: usize) -> String {
        let Self {
            median,
            least,
            most,
        } = self;
        format!("{median:.decimals$} ({least:.decimals$}–{most:.decimals$})")
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cell(2))
    }
}

/// The middle one, or the mean of the two in the middle; zero of none.
pub(crate) fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    median_of_sorted(&sorted(numbers))
}

/// The number that so many percent do not exceed; zero of none.
pub(crate) fn percentile(numbers: &[f64], percent: usize) -> f64 {
    let sorted = sorted(numbers.iter().copied());
    let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(place).copied().unwrap_or_default()
}

fn median_of_sorted(sorted: &[f64]) -> f64 {
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => 0.0,
        (length, middle) if length % 2 == 1 => sorted[middle],
        (_, middle) => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

fn sorted(numbers: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<f64> = numbers.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_and_the_spread_its_neighbours() {
        let spread = Spread::of([3.0, 1.0, 2.0]);
        assert_eq!(spread.cell(1), "2.0 (1.0–3.0)");
        assert_eq!(Spread::of([4.0, 1.0]).cell(1), "2.5 (1.0–4.0)");
        assert_eq!(Spread::of([]), Spread::default());
    }

    #[test]
    fn percentiles_are_numbers_that_were_measured() {
        let numbers: Vec<f64> = (1..=20).rev().map(f64::from).collect();
        let at = |percent| percentile(&numbers, percent);
        assert_eq!([at(0), at(50), at(95), at(100)], [1.0, 10.0, 19.0, 20.0]);
        assert!(percentile(&[], 95).abs() < f64::EPSILON);
    }
}
