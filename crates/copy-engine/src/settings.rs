//! What an operator may choose about copies. Plain values: who calls the engine reads them from
//! wherever it keeps its configuration.

use std::time::Duration;

use domain::PropertyPattern;
use openstack::Visibility;

use crate::MinimumRate;

/// How copies are made.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineSettings {
    /// The visibility of a finished copy. `public` needs a role that most clouds keep to
    /// administrators.
    pub visibility: Visibility,
    /// Properties that refer into the source region and stay there.
    pub dropped_properties: Vec<PropertyPattern>,
    /// Properties without which an image cannot work: one that has such a property (not empty) is
    /// not copied.
    pub required_properties: Vec<PropertyPattern>,
    /// How far the download may run ahead of the upload, in bytes.
    pub read_ahead_bytes: usize,
    /// A transfer in which no byte moves for so long has failed.
    pub idle_timeout: Duration,
    /// The slowest transfer that may go on.
    pub minimum_rate: MinimumRate,
}

impl Default for EngineSettings {
    fn default() -> Self {
        let patterns = |texts: &[&str]| texts.iter().copied().map(PropertyPattern::new).collect();
        Self {
            visibility: Visibility::Private,
            dropped_properties: patterns(&[
                "instance_uuid",
                "base_image_ref",
                "img_signature*",
                "cinder_encryption_key*",
                "kernel_id",
                "ramdisk_id",
            ]),
            required_properties: patterns(&["kernel_id", "ramdisk_id", "cinder_encryption_key*"]),
            read_ahead_bytes: 16 * 1024 * 1024,
            idle_timeout: Duration::from_secs(60),
            minimum_rate: MinimumRate {
                bytes_per_second: 64 * 1024,
                window: Duration::from_secs(600),
            },
        }
    }
}
