//! The memory in which all copies of a process read ahead of their uploads.
//!
//! Invariant: the pieces that are held are charged with what they keep allocated, and all charges together stay within
//! the whole, but for one piece a copy: an upload that waits is always fed, or copies would wait for each other. A copy
//! may hold an equal part, so that one whose upload stands still leaves the others theirs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Memory for reading ahead, in bytes; clones are the same memory.
#[derive(Debug, Clone)]
pub struct ReadAheadMemory {
    total: usize,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    held: usize,
    copies: usize,
    /// Who was refused and waits until something is freed.
    refused: Vec<Arc<Notify>>,
}

/// What one copy may have of it.
#[derive(Debug, Clone)]
pub(super) struct Share {
    copy: Arc<Copy>,
}

#[derive(Debug)]
struct Copy {
    memory: ReadAheadMemory,
    most: usize,
    held: AtomicUsize,
    freed: Arc<Notify>,
}

/// Memory that is held; freed when dropped.
#[derive(Debug)]
pub(super) struct Charge {
    copy: Arc<Copy>,
    bytes: usize,
}

// === impl ReadAheadMemory ===

impl ReadAheadMemory {
    /// So many bytes for all copies together.
    #[must_use]
    pub fn new(total: usize) -> Self {
        Self {
            total,
            state: Arc::default(),
        }
    }

    /// Bytes that are held now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.state().held
    }

    /// Bytes for all copies together.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.total
    }

    /// A copy's share: an equal part, of which it uses at most so much.
    pub(super) fn share(&self, most: usize) -> Share {
        self.state().copies += 1;
        Share {
            copy: Arc::new(Copy {
                memory: self.clone(),
                most,
                held: AtomicUsize::new(0),
                freed: Arc::default(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn refuse(&mut self, copy: &Arc<Notify>) {
        if !self.refused.iter().any(|known| Arc::ptr_eq(known, copy)) {
            self.refused.push(copy.clone());
        }
    }

    fn tell_refused(&mut self) {
        for refused in self.refused.drain(..) {
            refused.notify_one();
        }
    }
}

// === impl Share ===

impl Share {
    /// How much the copy may hold now.
    pub(super) fn limit(&self) -> usize {
        self.copy.limit(&self.copy.memory.state())
    }

    /// Whether so many bytes more would leave half of everything free.
    pub(super) fn has_plenty(&self, bytes: usize) -> bool {
        let state = self.copy.memory.state();
        let held = self.copy.held.load(Ordering::Relaxed);
        (held + bytes) * 2 <= self.copy.limit(&state)
            && (state.held + bytes) * 2 <= self.copy.memory.total
    }

    /// Charges so many bytes, if there is room for them. What an upload waits for is charged in any case.
    pub(super) fn charge(&self, bytes: usize, is_waited_for: bool) -> Option<Charge> {
        let copy = &self.copy;
        let mut state = copy.memory.state();
        let held = copy.held.load(Ordering::Relaxed);
        let has_room =
            held + bytes <= copy.limit(&state) && state.held + bytes <= copy.memory.total;
        if !has_room && !is_waited_for {
            state.refuse(&copy.freed);
            return None;
        }
        state.held += bytes;
        copy.held.store(held + bytes, Ordering::Relaxed);
        Some(Charge {
            copy: copy.clone(),
            bytes,
        })
    }

    /// A charge was refused for another reason than the memory's.
    pub(super) fn refused(&self) {
        self.copy.memory.state().refuse(&self.copy.freed);
    }

    /// Waits until something was freed since a charge was refused.
    pub(super) async fn freed(&self) {
        self.copy.freed.notified().await;
    }
}

// === impl Copy ===

impl Copy {
    fn limit(&self, state: &State) -> usize {
        self.most.min(self.memory.total / state.copies.max(1))
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let mut state = self.memory.state();
        state.copies -= 1;
        state.tell_refused();
    }
}

// === impl Charge ===

impl Drop for Charge {
    fn drop(&mut self) {
        let mut state = self.copy.memory.state();
        state.held -= self.bytes;
        self.copy.held.fetch_sub(self.bytes, Ordering::Relaxed);
        state.tell_refused();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_copy_has_an_equal_part_and_who_waits_is_fed() {
        let memory = ReadAheadMemory::new(100);
        let first = memory.share(80);
        let held = first.charge(80, false).expect("it is alone");
        assert!(first.charge(1, false).is_none(), "more than it may use");
        let second = memory.share(80);
        assert_eq!((first.limit(), second.limit()), (50, 50));
        assert!(second.charge(30, false).is_none(), "more than there is");
        let fed = second.charge(30, true);
        assert!(fed.is_some() && second.charge(20, false).is_none());
        assert!(second.freed().now_or_never().is_none());
        drop(held);
        second.freed().await;
        assert!(second.charge(20, false).is_some());
    }

    #[tokio::test]
    async fn a_copy_that_ends_leaves_its_part_to_the_others() {
        let memory = ReadAheadMemory::new(100);
        let (first, second) = (memory.share(100), memory.share(100));
        assert!(first.charge(60, false).is_none());
        drop(second);
        first.freed().await;
        assert!(first.charge(60, false).is_some());
        assert_eq!(memory.state().held, 0, "what is dropped is free");
    }
}
