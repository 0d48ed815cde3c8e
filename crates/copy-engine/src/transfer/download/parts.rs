//! The image as the parts in which it is read: which one is to be asked for next, and where each ends.
//!
//! Invariant: the parts are contiguous, from the first that is not handed on whole to `unasked`; the first is the front,
//! the only one whose bytes go straight to the upload. A part that ends with the image is asked for without an end, so
//! that the source's own end is seen; it is drawn in when others are to read beside it.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::lane::Lane;
use crate::transfer::pile::{Frame, Pile};

/// A tail is told by a rate, which takes a moment to measure.
const SHORTEST_MEASURE: Duration = Duration::from_millis(50);

/// One contiguous piece of the image.
#[derive(Debug)]
pub(super) struct Part {
    /// Position behind its last byte.
    pub(super) end: u64,
    /// Position of the next byte that is missing.
    pub(super) reached: u64,
    /// Where its connection ends.
    pub(super) asked_to: u64,
    pub(super) asked_at: Instant,
    /// When its connection brought its first byte, and which one that was.
    pub(super) opened: Option<(Instant, u64)>,
    /// Its connection broke after it had brought something, and the next one has not brought anything yet.
    pub(super) is_mending: bool,
    pub(super) standing: Standing,
    /// What waits for the parts before it.
    pub(super) pile: Pile,
    /// The image's last frame, held back until the source has ended after it.
    pub(super) last: Option<Frame>,
    /// Of its last byte; at first, when it was asked for.
    pub(super) last_byte: Instant,
    /// Before it is asked for the next time.
    pub(super) pause: Duration,
}

/// What is done for a part now.
#[derive(Debug)]
pub(super) enum Standing {
    /// Nothing until then.
    Idle { not_before: Instant },
    /// It is asked for, or read.
    Underway,
    /// There is no memory for this frame.
    Blocked(Frame, Option<Lane>),
    /// It has all its bytes.
    Done,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Parts {
    size: u64,
    parts: BTreeMap<u64, Part>,
    /// From here on, no part is made yet.
    unasked: u64,
}

// === impl Part ===

impl Part {
    fn is_blocked(&self) -> bool {
        matches!(self.standing, Standing::Blocked(..))
    }

    fn is_due(&self, now: Instant) -> bool {
        matches!(self.standing, Standing::Idle { not_before } if not_before <= now)
    }

    /// The rest will have come before another request could bring anything.
    fn is_ending(&self, now: Instant, latency: Duration) -> bool {
        let Some((since, from)) = self.opened else {
            return false;
        };
        let elapsed = now.duration_since(since);
        if elapsed < SHORTEST_MEASURE || !matches!(self.standing, Standing::Underway) {
            return false;
        }
        let brought = u128::from(self.reached - from);
        let left = u128::from(self.end - self.reached);
        left * elapsed.as_nanos() <= brought * latency.as_nanos()
    }
}

// === impl Parts ===

impl Parts {
    pub(super) fn new(size: u64) -> Self {
        Self {
            size,
            parts: BTreeMap::new(),
            unasked: 0,
        }
    }

    pub(super) fn get(&mut self, start: u64) -> Option<&mut Part> {
        self.parts.get_mut(&start)
    }

    /// Where the first part starts.
    pub(super) fn front(&self) -> Option<u64> {
        self.parts.keys().next().copied()
    }

    /// Takes the front away, whose bytes are all handed on.
    pub(super) fn remove_front(&mut self) {
        self.parts.pop_first();
    }

    /// Everything was handed on.
    pub(super) fn are_over(&self) -> bool {
        self.parts.is_empty() && self.unasked == self.size
    }

    /// Bytes that are not handed on.
    pub(super) fn missing(&self) -> u64 {
        let front = self.parts.values().next();
        self.size - front.map_or(self.unasked, |front| front.reached)
    }

    /// Connections that there are.
    pub(super) fn lanes(&self) -> usize {
        let has_lane = |part: &&Part| match part.standing {
            Standing::Underway | Standing::Blocked(..) => true,
            Standing::Idle { .. } | Standing::Done => false,
        };
        self.parts.values().filter(has_lane).count()
    }

    /// Whether one more may be asked for, where so many streams are wanted. The front always may: the others may have to
    /// wait in memory until it has come, and then none of them ends.
    pub(super) fn has_room(&self, now: Instant, streams: usize, latency: Duration) -> bool {
        let front = self.parts.values().next();
        front.is_some_and(|front| front.is_due(now))
            || (self.busy(now, latency) < streams && self.lanes() < streams * 2)
    }

    /// Streams that are in use: also one that waits before it asks again, but not one that is about to end, nor one that
    /// is put up again after a break: the round trips that this takes are filled by another.
    pub(super) fn busy(&self, now: Instant, latency: Duration) -> usize {
        let is_busy = |part: &&Part| match part.standing {
            Standing::Underway => !part.is_ending(now, latency) && !part.is_mending,
            Standing::Blocked(..) => true,
            Standing::Idle { not_before } => not_before > now && !part.is_mending,
            Standing::Done => false,
        };
        self.parts.values().filter(is_busy).count()
    }

    /// When the next part is to be asked for again, after now.
    pub(super) fn next_due(&self, now: Instant) -> Option<Instant> {
        let due = |part: &Part| match part.standing {
            Standing::Idle { not_before } if not_before > now => Some(not_before),
            _ => None,
        };
        self.parts.values().filter_map(due).min()
    }

    /// The part that is to be asked for now: the first that waits, or else a new one of this length.
    pub(super) fn next(&mut self, now: Instant, length: u64, pause: Duration) -> Option<u64> {
        let due = self.parts.iter().find(|(_, part)| part.is_due(now));
        if let Some((start, _)) = due {
            return Some(*start);
        }
        let start = self.unasked;
        if start == self.size {
            return None;
        }
        let end = start.saturating_add(length);
        // No crumb is left for a request of its own.
        let end = match self.size.saturating_sub(end) < length / 4 {
            true => self.size,
            false => end,
        };
        self.unasked = end;
        self.parts.insert(
            start,
            Part {
                end,
                reached: start,
                asked_to: end,
                asked_at: now,
                opened: None,
                is_mending: false,
                standing: Standing::Idle { not_before: now },
                pile: Pile::default(),
                last: None,
                last_byte: now,
                pause,
            },
        );
        Some(start)
    }

    /// Leaves the end of the image to other parts, if there is enough of it.
    pub(super) fn draw_in(&mut self, length: u64) {
        let Some((_, part)) = self.parts.last_key_value() else {
            return;
        };
        let in_hand = match &part.standing {
            Standing::Blocked(frame, _) => frame.bytes.len() as u64,
            _ => 0,
        };
        let end = part.reached + in_hand + length;
        let is_possible = part.end == self.size && part.last.is_none();
        if !is_possible || self.size.saturating_sub(end) < length {
            return;
        }
        if let Some(mut part) = self.parts.last_entry() {
            part.get_mut().end = end;
            self.unasked = end;
        }
    }

    /// Gives everything to the front again.
    pub(super) fn leave_to_front(&mut self) {
        let Some(front) = self.front() else { return };
        self.parts.retain(|start, _| *start == front);
        if let Some(part) = self.parts.get_mut(&front) {
            part.end = self.size;
            self.unasked = self.size;
        }
    }

    /// Whether there was no memory for the next frame of some part.
    pub(super) fn has_blocked(&self) -> bool {
        self.parts.values().any(Part::is_blocked)
    }

    /// The parts for whose next frame there was no memory, in order.
    pub(super) fn blocked(&self) -> Vec<u64> {
        let blocked = self.parts.iter().filter(|(_, part)| part.is_blocked());
        blocked.map(|(start, _)| *start).collect()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const LATENCY: Duration = Duration::from_millis(100);

    fn next(parts: &mut Parts, length: u64) -> Option<u64> {
        let now = Instant::now();
        let start = parts.next(now, length, Duration::ZERO)?;
        parts.get(start).expect("just made").standing = Standing::Underway;
        Some(start)
    }

    fn ends(parts: &mut Parts, starts: &[u64]) -> Vec<u64> {
        let end = |start: &u64| parts.get(*start).expect("it is there").end;
        starts.iter().map(end).collect()
    }

    #[test]
    fn parts_follow_each_other_to_the_end_of_the_image() {
        let mut parts = Parts::new(1030);
        let starts: Vec<u64> = std::iter::from_fn(|| next(&mut parts, 400)).collect();
        assert_eq!(starts, [0, 400, 800]);
        assert_eq!(ends(&mut parts, &starts), [400, 800, 1030]);
        let mut parts = Parts::new(810);
        let starts: Vec<u64> = std::iter::from_fn(|| next(&mut parts, 400)).collect();
        assert_eq!(ends(&mut parts, &starts), [400, 810], "no crumb is left");
    }

    #[test]
    fn a_stream_that_reads_to_the_end_makes_room_for_others() {
        let mut parts = Parts::new(1000);
        assert_eq!(next(&mut parts, 1000), Some(0));
        parts.get(0).expect("it is there").reached = 100;
        parts.draw_in(200);
        assert_eq!(next(&mut parts, 200), Some(300));
        assert_eq!(ends(&mut parts, &[0, 300]), [300, 500]);
        assert_eq!((parts.missing(), parts.unasked), (900, 500));
        // Too little is left to be worth it.
        let mut parts = Parts::new(1000);
        next(&mut parts, 1000);
        parts.get(0).expect("it is there").reached = 700;
        parts.draw_in(200);
        assert_eq!(parts.unasked, 1000);
    }

    #[test]
    fn a_part_that_broke_is_asked_for_before_new_ones() {
        let mut parts = Parts::new(1000);
        next(&mut parts, 100);
        next(&mut parts, 100);
        let now = Instant::now();
        let later = now + LATENCY;
        let part = parts.get(0).expect("it is there");
        part.standing = Standing::Idle { not_before: later };
        assert_eq!((parts.busy(now, LATENCY), parts.lanes()), (2, 1));
        assert_eq!(parts.next_due(now), Some(later));
        assert_eq!(parts.busy(later, LATENCY), 1);
        assert_eq!(parts.next(later, 100, Duration::ZERO), Some(0));
    }

    #[test]
    fn a_part_that_is_about_to_end_has_its_successor_asked_for() {
        let mut parts = Parts::new(1000);
        next(&mut parts, 400);
        let since = Instant::now();
        let now = since + Duration::from_millis(300);
        let part = parts.get(0).expect("it is there");
        part.opened = Some((since, 0));
        part.reached = 290;
        assert_eq!(parts.busy(now, LATENCY), 1);
        parts.get(0).expect("it is there").reached = 310;
        assert_eq!(parts.busy(now, LATENCY), 0);
        assert_eq!(parts.lanes(), 1);
    }

    #[test]
    fn a_front_that_broke_is_asked_for_beside_all_that_wait_for_it() {
        let mut parts = Parts::new(1000);
        let starts: Vec<u64> = (0..3).filter_map(|_| next(&mut parts, 100)).collect();
        let now = Instant::now();
        assert!(!parts.has_room(now, 2, LATENCY));
        // It was about to end when another was asked for in its place; what the others bring has no room.
        for start in &starts[1..] {
            let frame = Frame {
                bytes: Bytes::from_static(b"no room"),
                buffer: 7,
            };
            parts.get(*start).expect("it is there").standing = Standing::Blocked(frame, None);
        }
        let broke = |parts: &mut Parts, start: u64, not_before: Instant| {
            parts.get(start).expect("it is there").standing = Standing::Idle { not_before };
        };
        broke(&mut parts, 0, now + LATENCY);
        assert!(!parts.has_room(now, 2, LATENCY), "not yet");
        assert!(parts.has_room(now + LATENCY, 2, LATENCY));
        assert_eq!(parts.next(now + LATENCY, 100, Duration::ZERO), Some(0));
        // Another than the front has time.
        next(&mut parts, 100);
        parts.get(0).expect("it is there").standing = Standing::Underway;
        broke(&mut parts, 300, now);
        assert!(!parts.has_room(now, 2, LATENCY));
    }

    #[test]
    fn a_stream_that_is_put_up_again_is_replaced_meanwhile() {
        let mut parts = Parts::new(1000);
        next(&mut parts, 100);
        next(&mut parts, 100);
        let now = Instant::now();
        let later = now + LATENCY;
        let part = parts.get(100).expect("it is there");
        part.standing = Standing::Idle { not_before: later };
        assert_eq!(parts.busy(now, LATENCY), 2);
        parts.get(100).expect("it is there").is_mending = true;
        assert_eq!(parts.busy(now, LATENCY), 1);
        parts.get(100).expect("it is there").standing = Standing::Underway;
        assert!(parts.has_room(now, 2, LATENCY));
        // There are never more than twice as many.
        for _ in 0..2 {
            let start = next(&mut parts, 100).expect("there is more");
            parts.get(start).expect("it is there").is_mending = true;
        }
        assert_eq!((parts.busy(now, LATENCY), parts.lanes()), (1, 4));
        assert!(!parts.has_room(now, 2, LATENCY));
    }

    #[test]
    fn one_stream_takes_all_over() {
        let mut parts = Parts::new(1000);
        next(&mut parts, 100);
        next(&mut parts, 100);
        parts.leave_to_front();
        assert_eq!(ends(&mut parts, &[0]), [1000]);
        assert_eq!(next(&mut parts, 100), None);
        parts.remove_front();
        assert!(parts.are_over());
    }
}
