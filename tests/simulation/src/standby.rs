//! The store's replica, which may be behind, and what the store holds when the replica takes over.
//!
//! What the Redis store waits for reaches the replica before it is answered, and everything before it; the rest is lost.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use job_scheduler::store::memory::{MemoryStore, Snapshot};

/// The replica; all clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standby {
    /// What it holds, while it is behind.
    held: Arc<Mutex<Option<Snapshot>>>,
}

impl Standby {
    /// From now on it hears only of what is waited for.
    pub(crate) fn fall_behind(&self, store: &MemoryStore) {
        self.held().get_or_insert_with(|| store.snapshot());
    }

    /// Somebody waits for it.
    pub(crate) fn catch_up(&self, store: &MemoryStore) {
        if let Some(held) = &mut *self.held() {
            *held = store.snapshot();
        }
    }

    /// The store is what the replica was. False when it was not behind.
    pub(crate) fn take_over(&self, store: &MemoryStore) -> bool {
        let held = self.held().take();
        held.is_some_and(|held| {
            store.fall_back(held);
            true
        })
    }

    fn held(&self) -> MutexGuard<'_, Option<Snapshot>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
