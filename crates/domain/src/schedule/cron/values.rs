//! A set of the small numbers that a cron field can hold, walked in order by [`super::Cron`].

use crate::schedule::field::Expression;

/// Numbers from 0 to 59, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Values(u64);

const GREATEST: i8 = 59;

impl Values {
    /// The numbers in a field's list; days that depend on the month are not among them.
    pub(super) fn of(list: &[Expression]) -> Self {
        let mut values = Self(0);
        let spans: Vec<_> = list.iter().filter_map(Expression::span).collect();
        for value in 0..=GREATEST {
            if spans.iter().any(|span| span.contains(value.into())) {
                values.insert(value);
            }
        }
        values
    }

    pub(super) fn insert(&mut self, value: i8) {
        self.0 |= 1 << value;
    }

    pub(super) fn contains(self, value: i8) -> bool {
        self.0 >> value & 1 == 1
    }

    /// Those that are not greater than `greatest`.
    pub(super) fn up_to(self, greatest: i8) -> Self {
        Self(self.0 & ((2 << greatest) - 1))
    }

    /// In order, from `least` on.
    pub(super) fn from(self, least: i8) -> impl Iterator<Item = i8> {
        (least..=GREATEST).filter(move |value| self.contains(*value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::field::MINUTE;

    #[test]
    fn values_are_walked_in_order_and_can_be_cut() {
        let values = Values::of(&MINUTE.parse("59,0,20-22,*/30").expect("in the grammar"));
        assert_eq!(values.from(0).collect::<Vec<_>>(), [0, 20, 21, 22, 30, 59]);
        assert_eq!(values.from(22).collect::<Vec<_>>(), [22, 30, 59]);
        assert_eq!(values.up_to(21).from(1).collect::<Vec<_>>(), [20, 21]);
        assert_eq!(values.up_to(59), values);
    }
}
