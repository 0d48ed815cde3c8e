//! Where an image stands, in Glance's words.

use std::fmt;

/// Where an image stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ImageStatus {
    /// Created, without data.
    Queued,
    /// Data is being uploaded.
    Saving,
    /// Data is being staged for an import.
    Uploading,
    /// Staged data is being imported.
    Importing,
    /// Ready.
    Active,
    /// Data may not be downloaded for now.
    Deactivated,
    /// The upload failed for good.
    Killed,
    /// Deleted.
    Deleted,
    /// Deleted, with data still to be removed.
    PendingDelete,
    /// A status that this client does not know.
    Other(String),
}

// === impl ImageStatus ===

impl ImageStatus {
    pub(crate) fn parse(name: String) -> Self {
        match name.as_str() {
            "queued" => Self::Queued,
            "saving" => Self::Saving,
            "uploading" => Self::Uploading,
            "importing" => Self::Importing,
            "active" => Self::Active,
            "deactivated" => Self::Deactivated,
            "killed" => Self::Killed,
            "deleted" => Self::Deleted,
            "pending_delete" => Self::PendingDelete,
            _ => Self::Other(name),
        }
    }

    /// Glance's name of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Queued => "queued",
            Self::Saving => "saving",
            Self::Uploading => "uploading",
            Self::Importing => "importing",
            Self::Active => "active",
            Self::Deactivated => "deactivated",
            Self::Killed => "killed",
            Self::Deleted => "deleted",
            Self::PendingDelete => "pending_delete",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for ImageStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
