//! Permits for units: a worker asks for work only while it holds a free one.

use std::sync::Arc;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// The worker's slots.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    permits: Arc<Semaphore>,
    unit_ended: Arc<Notify>,
}

/// A slot that nothing runs in.
#[derive(Debug)]
pub(crate) struct FreeSlot(OwnedSemaphorePermit);

/// A slot that a unit runs in; dropping it says that the unit has ended.
#[derive(Debug)]
pub(crate) struct BusySlot {
    // First, because fields are dropped in order: the slot is free before anybody hears of it.
    _permit: OwnedSemaphorePermit,
    _ended: EndNotice,
}

#[derive(Debug)]
struct EndNotice(Arc<Notify>);

impl Drop for EndNotice {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Slots {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(count)),
            unit_ended: Arc::default(),
        }
    }

    /// A free slot, when there is one now.
    pub(crate) fn try_take(&self) -> Option<FreeSlot> {
        self.permits.clone().try_acquire_owned().ok().map(FreeSlot)
    }

    /// Waits for a free slot.
    pub(crate) async fn take(&self) -> FreeSlot {
        let permit = self.permits.clone().acquire_owned().await;
        FreeSlot(permit.expect("the semaphore is never closed"))
    }

    /// Marks a slot as busy.
    pub(crate) fn occupy(&self, slot: FreeSlot) -> BusySlot {
        BusySlot {
            _permit: slot.0,
            _ended: EndNotice(self.unit_ended.clone()),
        }
    }

    /// Returns when a unit has ended since the last return.
    pub(crate) async fn unit_ended(&self) {
        self.unit_ended.notified().await;
    }
}
