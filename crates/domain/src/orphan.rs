//! Orphans: images that say that a job made them, and of whose job nobody knows any more.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ImageId, JobId, RegionId, TenantId};

/// A search of one region for images whose job nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrphanSearch {
    /// The region.
    pub region: RegionId,
    /// Only images that were made before this: the job of a younger one may just be on its way.
    pub made_before: Timestamp,
}

/// An image whose own id its recorded job reproduces, and whose job nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphan {
    /// The image.
    pub image: ImageId,
    /// The project that owns it.
    pub tenant: TenantId,
    /// The job that it names.
    pub job: JobId,
    /// The job's attempt that reproduces the image's id.
    pub attempt: u32,
    /// Its name; empty when it has none.
    pub name: String,
    /// Where it stands, in Glance's words.
    pub status: String,
    /// Whether lists leave it out, as they do a copy that is not finished.
    pub is_hidden: bool,
    /// Whether its owner has protected it.
    pub is_protected: bool,
    /// Bytes of data, when it has any.
    pub size_bytes: Option<u64>,
    /// When it was made, by Glance's clock.
    pub made_at: Timestamp,
}

/// What a search came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrphansFound {
    /// The orphans.
    pub orphans: Vec<Orphan>,
    /// There are more than one search tells of.
    pub is_cut_off: bool,
    /// Projects whose images the service user cannot list, so that nobody looked at them.
    pub tenants_unseen: u32,
}

/// An orphan that is to be removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrphanRemoval {
    /// Where it is.
    pub region: RegionId,
    /// The image.
    pub image: ImageId,
    /// Its owner, when it was found.
    pub tenant: TenantId,
    /// The job that it named.
    pub job: JobId,
    /// As in the search that found it.
    pub made_before: Timestamp,
    /// Also if it is whole and shown, as a replica is that its owner may use.
    pub even_if_whole: bool,
    /// Also if it is protected.
    pub even_if_protected: bool,
}

// === impl Orphan ===

impl Orphan {
    /// Whether it looks like a finished copy: its owner may use it.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.status == "active" && !self.is_hidden
    }
}
