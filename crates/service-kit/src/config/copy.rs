//! Section `[copy]`.

use std::num::NonZeroUsize;
use std::time::Duration;

use serde::Deserialize;

use super::duration;

/// What a copy carries over, and how its bytes move.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CopyConfig {
    /// Who sees the new image.
    pub visibility: Visibility,
    /// Properties that refer into the source region and stay there; `*` at the end is a wildcard.
    pub dropped_properties: Vec<String>,
    /// Of those, the ones without which the image can't work: such an image is refused.
    pub required_properties: Vec<String>,
    /// How much may be read ahead of the upload, in bytes a copy.
    pub read_ahead_bytes: usize,
    /// How many ranges of an image are read at once: what a copy begins with.
    pub streams_min: NonZeroUsize,
    /// And the most.
    pub streams_max: NonZeroUsize,
    /// How long neither side may move a byte.
    #[serde(deserialize_with = "duration::parse")]
    pub idle_timeout: Duration,
}

/// Image visibility, as Glance names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// The destination tenant only.
    Private,
    /// The destination tenant and those it shares with.
    Shared,
    /// Everybody who knows the id.
    Community,
}

impl Visibility {
    /// Glance's name of it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Shared => "shared",
            Self::Community => "community",
        }
    }
}

impl Default for CopyConfig {
    fn default() -> Self {
        let texts = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect();
        Self {
            visibility: Visibility::Private,
            dropped_properties: texts(&[
                "kernel_id",
                "ramdisk_id",
                "instance_uuid",
                "base_image_ref",
                "img_signature*",
                "cinder_encryption_key*",
            ]),
            required_properties: texts(&["kernel_id", "ramdisk_id", "cinder_encryption_key*"]),
            read_ahead_bytes: 32 * 1024 * 1024,
            streams_min: NonZeroUsize::MIN,
            streams_max: NonZeroUsize::new(8).expect("not zero"),
            idle_timeout: Duration::from_secs(60),
        }
    }
}
