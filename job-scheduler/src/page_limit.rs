//! How long a page of a list may be, and whether another one follows. For the lists of jobs and of plans, and those of operators.

use crate::status::CallError;

/// The most that a page may hold.
const LONGEST: usize = 1000;

/// How much a page shall hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageLimit(usize);

impl PageLimit {
    /// Reads what was asked for.
    ///
    /// # Errors
    /// [`CallError::Invalid`] unless it is 1 to 1000.
    pub(crate) fn parse(limit: u32) -> Result<Self, CallError> {
        usize::try_from(limit)
            .ok()
            .filter(|limit| (1..=LONGEST).contains(limit))
            .map(Self)
            .ok_or_else(|| CallError::Invalid(format!("limit: must be 1 to {LONGEST}")))
    }

    /// How much to ask the store for: one more tells whether another page follows.
    pub(crate) const fn to_ask_for(self) -> usize {
        self.0 + 1
    }

    /// Whether so many are a whole page.
    pub(crate) const fn is_reached_by<T>(self, found: &[T]) -> bool {
        found.len() >= self.0
    }

    /// Cuts what the store gave to the page; says whether another one follows.
    pub(crate) fn cut<T>(self, found: &mut Vec<T>) -> bool {
        let has_more = found.len() > self.0;
        found.truncate(self.0);
        has_more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_1_to_1000_long_and_knows_of_the_next_one() {
        for nonsense in [0, 1001, u32::MAX] {
            assert!(PageLimit::parse(nonsense).is_err(), "{nonsense}");
        }
        assert!(PageLimit::parse(1000).is_ok());
        let limit = PageLimit::parse(2).expect("within bounds");
        let (mut whole, mut longer) = (vec![1, 2], vec![1, 2, 3]);
        assert!(!limit.cut(&mut whole));
        assert!(limit.cut(&mut longer));
        assert_eq!(
            (limit.to_ask_for(), whole, longer),
            (3, vec![1, 2], vec![1, 2])
        );
    }
}
