//! From the configuration to the settings of the engine.

use copy_engine::{Bandwidth, EngineSettings, MinimumRate, ReadAheadMemory, StreamBounds};
use domain::PropertyPattern;
use openstack::Visibility;
use service_kit::config::{self, CopyConfig, WorkerConfig};

/// How this worker makes copies.
pub(crate) fn engine_settings(copy: &CopyConfig, worker: &WorkerConfig) -> EngineSettings {
    let patterns = |texts: &[String]| {
        texts
            .iter()
            .map(|text| PropertyPattern::new(text))
            .collect()
    };
    EngineSettings {
        visibility: match copy.visibility {
            config::Visibility::Private => Visibility::Private,
            config::Visibility::Shared => Visibility::Shared,
            config::Visibility::Community => Visibility::Community,
        },
        dropped_properties: patterns(&copy.dropped_properties),
        required_properties: patterns(&copy.required_properties),
        read_ahead_bytes: copy.read_ahead_bytes,
        memory: ReadAheadMemory::new(worker.read_ahead_bytes),
        streams: StreamBounds {
            min: copy.streams_min.get(),
            max: copy.streams_max.get(),
            ..StreamBounds::default()
        },
        bandwidth: Bandwidth::unlimited(),
        idle_timeout: copy.idle_timeout,
        minimum_rate: MinimumRate {
            bytes_per_second: worker.minimum_rate_bytes,
            window: worker.minimum_rate_window,
        },
    }
}
