//! Where an image stands, in the compute API's words, and how far Glance says it is.
//!
//! The table is Nova's (`nova/api/openstack/compute/views/images.py`).

use openstack::ImageStatus;
use serde::Serialize;
use utoipa::ToSchema;

/// The compute API's status of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum ComputeStatus {
    /// Ready.
    Active,
    /// Its data is still to come, or coming.
    Saving,
    /// Deleted.
    Deleted,
    /// Its upload failed for good.
    Error,
    /// Anything else that Glance says, for example `deactivated` or `importing`.
    Unknown,
}

impl ComputeStatus {
    /// What the compute API calls Glance's status.
    pub(super) const fn of(status: &ImageStatus) -> Self {
        match status {
            ImageStatus::Active => Self::Active,
            ImageStatus::Queued | ImageStatus::Saving => Self::Saving,
            ImageStatus::Deleted | ImageStatus::PendingDelete => Self::Deleted,
            ImageStatus::Killed => Self::Error,
            ImageStatus::Uploading
            | ImageStatus::Importing
            | ImageStatus::Deactivated
            | ImageStatus::Other(_) => Self::Unknown,
        }
    }
}

/// Percent, as far as Glance's status tells it: a guess, but the one that clients know.
pub(super) const fn progress_of(status: &ImageStatus) -> u8 {
    match status {
        ImageStatus::Queued => 25,
        ImageStatus::Saving => 50,
        ImageStatus::Active => 100,
        ImageStatus::Uploading
        | ImageStatus::Importing
        | ImageStatus::Deactivated
        | ImageStatus::Killed
        | ImageStatus::Deleted
        | ImageStatus::PendingDelete
        | ImageStatus::Other(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_documented_one() {
        let other = ImageStatus::Other("frozen".to_owned());
        for (status, shown, progress) in [
            (ImageStatus::Active, "ACTIVE", 100),
            (ImageStatus::Queued, "SAVING", 25),
            (ImageStatus::Saving, "SAVING", 50),
            (ImageStatus::Deleted, "DELETED", 0),
            (ImageStatus::PendingDelete, "DELETED", 0),
            (ImageStatus::Killed, "ERROR", 0),
            (ImageStatus::Deactivated, "UNKNOWN", 0),
            (ImageStatus::Importing, "UNKNOWN", 0),
            (other, "UNKNOWN", 0),
        ] {
            let json = serde_json::to_value(ComputeStatus::of(&status)).expect("JSON");
            assert_eq!((json, progress_of(&status)), (shown.into(), progress));
        }
    }
}
