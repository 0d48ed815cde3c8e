//! What is asked of the source, and when: as many parts at once as there are to be streams.

use std::time::Duration;

use futures::FutureExt;
use openstack::ByteRange;
use tokio::time::Instant;

use super::Running;
use super::lane::{Lane, Question, ask, read};
use super::parts::Standing;

/// Before a part that broke is asked for again, at first.
pub(super) const RETRY_SHORTEST: Duration = Duration::from_millis(50);
/// A range that stands still beside others is asked for anew after so long, for they would wait for it.
const STALL: Duration = Duration::from_secs(4);
/// No range is longer: what one brings before its turn has to wait in memory.
const LONGEST_RANGE: u64 = 8 * 1024 * 1024;

impl Running<'_> {
    /// Asks for what is to be asked for now.
    pub(super) fn launch(&mut self, now: Instant) {
        loop {
            let target = self.adaptation.target(self.most());
            if !self.parts.has_room(now, target, self.latency) {
                return;
            }
            let length = self.length_of_range(target, self.parts.missing());
            if target > 1 {
                let size = self.download.spec.source_digest.size_bytes;
                self.parts.draw_in(self.length_of_range(target, size));
            }
            let Some(start) = self.parts.next(now, length, RETRY_SHORTEST) else {
                return;
            };
            self.ask(start, now, target > 1);
        }
    }

    fn length_of_range(&self, streams: usize, missing: u64) -> u64 {
        let memory = self.filler.share().limit() as u64;
        let smallest = self.download.streams.smallest_range;
        length_of_range(streams, missing, memory, smallest)
    }

    pub(super) fn patience(&self, among_others: bool) -> Duration {
        let half = self.download.idle_timeout / 2;
        match among_others {
            true => half.min(STALL),
            false => half,
        }
    }

    fn ask(&mut self, start: u64, now: Instant, among_others: bool) {
        let patience = self.patience(among_others);
        let size = self.download.spec.source_digest.size_bytes;
        let Some(part) = self.parts.get(start) else {
            return;
        };
        part.standing = Standing::Underway;
        part.asked_at = now;
        part.asked_to = part.end;
        part.opened = None;
        part.last = None;
        let from = part.reached;
        let range = match (from, part.end) {
            (0, end) if end == size => None,
            (from, end) if end == size => Some(ByteRange::from(from)),
            (from, end) => Some(ByteRange::between(from, end)),
        };
        let range = range.filter(|_| self.honours_ranges);
        let question = Question {
            start,
            image: self.download.spec.source.image,
            skip: if range.is_some() { 0 } else { from },
            range,
            spare: among_others.then(|| self.spare.clone()),
            patience,
        };
        self.lanes.push(ask(self.download.source, question).boxed());
    }

    pub(super) fn read(&mut self, start: u64, lane: Lane) {
        let patience = self.patience(self.parts.lanes() > 1);
        let pace = self.download.pace.clone();
        self.lanes.push(read(start, lane, patience, pace).boxed());
    }
}

/// One stream alone reads to the end of the image, and several come to it at about the same time. In bytes.
fn length_of_range(streams: usize, missing: u64, memory: u64, smallest_range: u64) -> u64 {
    if streams <= 1 {
        return u64::MAX;
    }
    let equal = memory.min(missing) / streams as u64;
    let smallest = smallest_range.max(1);
    equal.clamp(smallest, LONGEST_RANGE.max(smallest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_equal_shares_of_what_is_missing_within_bounds() {
        const MIB: u64 = 1024 * 1024;
        assert_eq!(length_of_range(1, 100 * MIB, 32 * MIB, MIB), u64::MAX);
        assert_eq!(length_of_range(8, 1000 * MIB, 32 * MIB, MIB), 4 * MIB);
        assert_eq!(length_of_range(8, 16 * MIB, 32 * MIB, MIB), 2 * MIB);
        assert_eq!(length_of_range(8, 3 * MIB, 32 * MIB, MIB), MIB);
        assert_eq!(length_of_range(2, 1000 * MIB, 64 * MIB, MIB), LONGEST_RANGE);
    }
}
