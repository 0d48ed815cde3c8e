//! Takes out of a store what nobody can refer to any more, so that states that differ in nothing else are one.

use domain::{ClaimId, LeaseToken};
use job_scheduler::store::Stored;

use crate::scheduler::small;
use crate::view::number_of;

/// What somebody can still refer to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Live {
    /// Tokens, by bit.
    pub(crate) tokens: u64,
    /// Claims, by bit.
    pub(crate) claims: u64,
    /// Per job: the lowest of its versions that matters.
    pub(crate) lowest: Vec<u64>,
}

/// Versions matter when one that was given comes again, a few commits after a store fell back. How many exactly is all
/// the same.
const FEW: u64 = 3;

/// A claim that nobody will repeat, one for each job: the store refuses one that two jobs answered.
pub(crate) fn spent_claim(job: usize) -> u8 {
    200 + u8::try_from(job).expect("few jobs")
}

impl Live {
    pub(crate) fn tidy(&self, job: usize, stored: &mut Stored) {
        stored.version = 1 + (stored.version - self.lowest[job]).min(FEW);
        let record = &mut stored.record;
        let knows = |set: u64, number: Option<u8>| {
            number.is_some_and(|number| number < 64 && set & (1 << number) != 0)
        };
        let finished = |token: &LeaseToken| knows(self.tokens, number_of(*token.as_uuid()));
        record.last_finished = record.last_finished.filter(finished);
        if let Some(lease) = &mut record.lease
            && !knows(self.claims, number_of(*lease.claim.as_uuid()))
        {
            lease.claim = ClaimId::from_uuid(small(spent_claim(job)));
        }
    }
}
