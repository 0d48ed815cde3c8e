//! What an operator may choose about copies. Plain values: who calls the engine reads them from
//! wherever it keeps its configuration.

use std::time::Duration;

use domain::PropertyPattern;
use openstack::Visibility;

use crate::{Bandwidth, MinimumRate, ReadAheadMemory, StreamBounds};

/// How copies are made. Clones share their memory and their bandwidth.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// The visibility of a finished copy. `public` needs a role that most clouds keep to
    /// administrators.
    pub visibility: Visibility,
    /// Properties that refer into the source region and stay there.
    pub dropped_properties: Vec<PropertyPattern>,
    /// Properties without which an image cannot work: one that has such a property (not empty) is
    /// not copied.
    pub required_properties: Vec<PropertyPattern>,
    /// How far a download may run ahead of its upload, in bytes, when the memory is not shared with others.
    pub read_ahead_bytes: usize,
    /// What all copies together read ahead in.
    pub memory: ReadAheadMemory,
    /// How many ranges of an image are read at once.
    pub streams: StreamBounds,
    /// How fast sources may be read.
    pub bandwidth: Bandwidth,
    /// A transfer in which no byte moves for so long has failed.
    pub idle_timeout: Duration,
    /// The slowest transfer that may go on, unless a cap holds it back.
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
            read_ahead_bytes: 32 * 1024 * 1024,
            memory: ReadAheadMemory::new(32 * 1024 * 1024),
            streams: StreamBounds::default(),
            bandwidth: Bandwidth::unlimited(),
            idle_timeout: Duration::from_secs(60),
            minimum_rate: MinimumRate {
                bytes_per_second: 64 * 1024,
                window: Duration::from_secs(600),
            },
        }
    }
}
