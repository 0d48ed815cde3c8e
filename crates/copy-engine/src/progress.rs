//! How far a unit is, for whoever reports it.
//!
//! The engine writes, any number of readers sample. Bytes are a plain atomic, because they change
//! with every frame; the rest goes through a watch, so that a settled leftover can be reported the
//! moment it is settled. Invariant: an id once settled stays settled.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{ImageId, Stage};
use tokio::sync::watch;

/// A cheap shared handle on the progress of one unit.
#[derive(Debug, Clone)]
pub struct Progress {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    bytes_copied: AtomicU64,
    steps: watch::Sender<Steps>,
}

/// What changes step by step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steps {
    /// What the unit is doing.
    pub stage: Stage,
    /// The destination image, once Glance has it.
    pub image: Option<ImageId>,
    /// Images of this job that are known to be gone for good.
    pub settled: BTreeSet<ImageId>,
}

// === impl Progress ===

impl Progress {
    /// The progress of a unit that has not begun.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                bytes_copied: AtomicU64::new(0),
                steps: watch::Sender::new(Steps {
                    stage: Stage::Settling,
                    image: None,
                    settled: BTreeSet::new(),
                }),
            }),
        }
    }

    /// Bytes handed to the destination by the upload that runs or ran last; an upload that is
    /// repeated counts anew.
    #[must_use]
    pub fn bytes_copied(&self) -> u64 {
        self.shared.bytes_copied.load(Ordering::Relaxed)
    }

    /// Stage, image and settled leftovers as they are now.
    #[must_use]
    pub fn steps(&self) -> Steps {
        self.shared.steps.borrow().clone()
    }

    /// Follows stage, image and settled leftovers.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Steps> {
        self.shared.steps.subscribe()
    }

    pub(crate) fn enter(&self, stage: Stage) {
        self.shared.steps.send_modify(|steps| steps.stage = stage);
    }

    pub(crate) fn set_image(&self, image: Option<ImageId>) {
        self.shared.steps.send_modify(|steps| steps.image = image);
    }

    pub(crate) fn settle(&self, image: ImageId) {
        self.shared.steps.send_modify(|steps| {
            steps.settled.insert(image);
            if steps.image == Some(image) {
                steps.image = None;
            }
        });
    }

    pub(crate) fn is_settled(&self, image: ImageId) -> bool {
        self.shared.steps.borrow().settled.contains(&image)
    }

    pub(crate) fn restart_bytes(&self) {
        self.shared.bytes_copied.store(0, Ordering::Relaxed);
    }

    pub(crate) fn add_bytes(&self, count: usize) {
        self.shared
            .bytes_copied
            .fetch_add(count as u64, Ordering::Relaxed);
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_settled_image_is_announced_and_no_longer_current() {
        let image = ImageId::from_uuid(uuid::Uuid::from_u128(7));
        let progress = Progress::new();
        progress.set_image(Some(image));
        let mut watcher = progress.subscribe();
        progress.settle(image);
        watcher.changed().await.expect("the progress is alive");
        let steps = watcher.borrow_and_update().clone();
        assert_eq!(steps.image, None);
        assert!(steps.settled.contains(&image) && progress.is_settled(image));
    }
}
