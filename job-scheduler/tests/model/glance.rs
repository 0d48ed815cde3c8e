//! The destination's Glance, as far as a copy sees it: which of a job's images exist, and how whole they are.
//!
//! What real servers do (and the test bed shows) in few words: an id is used once for ever; a deleted image can be deleted
//! in whatever state it was; an upload goes to a queued image with formats only, and whether a broken one becomes
//! `queued`, whole or stuck depends on where the bytes were. An upload that ends sets all properties back to what they were
//! when it began.

use crate::flaw::Flaw;
use crate::view::{ImageSet, bit};

/// Attempts of a job that a model may see; more is a model that is too large.
pub(crate) const ATTEMPTS: usize = 5;

/// The image of an attempt, by the attempt's number from 1. 0 is none.
pub(crate) type Image = u8;

/// One image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Standing {
    /// Glance never heard of it.
    Unseen,
    Queued {
        /// Created to be deleted: without formats, so that nothing can be uploaded.
        tombstone: bool,
    },
    Saving(Upload),
    Active {
        /// Whether it has the source's bytes.
        same: bool,
        /// Whether it is revealed.
        shown: bool,
    },
    /// Deleted, for ever.
    Gone,
}

/// The bytes on their way into an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Upload {
    /// A worker sends them.
    From(u8),
    /// Its connection is closed, and Glance has not noticed yet. All bytes may have been sent.
    Closing,
    /// Glance's own worker was killed: `saving` for ever.
    Stuck,
}

/// A request that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Write {
    Create {
        tombstone: bool,
    },
    Upload {
        worker: u8,
    },
    Reveal,
    /// What is to be deleted is marked first: nobody adopts it any more.
    Mark,
    Delete,
}

/// What Glance said to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    Done,
    Conflict,
    NotFound,
    BadRequest,
}

/// The images of one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Images {
    standings: [Standing; ATTEMPTS],
    marked: ImageSet,
}

impl Images {
    pub(crate) const fn none() -> Self {
        Self {
            standings: [Standing::Unseen; ATTEMPTS],
            marked: 0,
        }
    }

    pub(crate) fn show(&self, image: Image) -> Standing {
        self.standings[usize::from(image) - 1]
    }

    pub(crate) fn set(&mut self, image: Image, standing: Standing) {
        let before = std::mem::replace(&mut self.standings[usize::from(image) - 1], standing);
        let is_filled = matches!(
            (before, standing),
            (Standing::Saving(_), Standing::Active { .. })
        );
        if is_filled || !standing.exists() {
            self.marked &= !bit(image);
        }
    }

    /// Whether somebody is about to delete it.
    pub(crate) const fn is_marked(&self, image: Image) -> bool {
        self.marked & bit(image) != 0
    }

    /// Whether an attempt may take it for its job's image.
    pub(crate) fn may_adopt(&self, image: Image, flaw: Flaw) -> bool {
        let found = self.show(image);
        let is_fit = match flaw {
            Flaw::AdoptUnrevealed => found.is_whole(),
            _ => found == Standing::REPLICA,
        };
        is_fit && !self.is_marked(image)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (Image, Standing)> + use<'_> {
        (1..).zip(self.standings)
    }

    pub(crate) fn write(&mut self, image: Image, write: Write) -> Said {
        let before = self.show(image);
        let is_shown = matches!(before, Standing::Active { shown: true, .. });
        let (after, said) = match write {
            // What is marked has no state to be taken away, which reveals it.
            Write::Reveal if self.is_marked(image) && !is_shown => (before, Said::Conflict),
            _ => answer(before, write),
        };
        if write == Write::Mark && said == Said::Done {
            self.marked |= bit(image);
        }
        self.set(image, after);
        said
    }

    /// A worker's uploads go on without it.
    pub(crate) fn close_uploads(&mut self, worker: u8) {
        for standing in &mut self.standings {
            if *standing == Standing::Saving(Upload::From(worker)) {
                *standing = Standing::Saving(Upload::Closing);
            }
        }
    }

    /// Two workers change places.
    pub(crate) fn swap_workers(&mut self) {
        for standing in &mut self.standings {
            if let Standing::Saving(Upload::From(worker)) = standing {
                *worker = 1 - *worker;
            }
        }
    }
}

impl Standing {
    /// What a copy is to come to.
    pub(crate) const REPLICA: Self = Self::Active {
        same: true,
        shown: true,
    };

    pub(crate) const fn exists(self) -> bool {
        !matches!(self, Self::Unseen | Self::Gone)
    }

    /// Complete and with the source's bytes.
    pub(crate) const fn is_whole(self) -> bool {
        matches!(self, Self::Active { same: true, .. })
    }
}

const fn answer(before: Standing, write: Write) -> (Standing, Said) {
    match (write, before) {
        (Write::Create { tombstone }, Standing::Unseen) => {
            (Standing::Queued { tombstone }, Said::Done)
        }
        (Write::Create { .. }, _) => (before, Said::Conflict),
        (Write::Upload { worker }, Standing::Queued { tombstone: false }) => {
            (Standing::Saving(Upload::From(worker)), Said::Done)
        }
        (Write::Upload { .. }, Standing::Queued { tombstone: true }) => (before, Said::BadRequest),
        (_, Standing::Unseen | Standing::Gone) => (before, Said::NotFound),
        (Write::Upload { .. }, Standing::Saving(_) | Standing::Active { .. }) => {
            (before, Said::Conflict)
        }
        (Write::Reveal, Standing::Active { same, .. }) => {
            (Standing::Active { same, shown: true }, Said::Done)
        }
        (Write::Reveal, Standing::Queued { .. } | Standing::Saving(_)) => (before, Said::Done),
        (Write::Mark, _) => (before, Said::Done),
        (Write::Delete, _) => (Standing::Gone, Said::Done),
    }
}
