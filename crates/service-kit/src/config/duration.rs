//! Durations as people write them: `250ms`, `30s`, `10m`, `24h`, `7d`.

use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error};

/// The same for a key that may be left out.
pub(super) fn parse_optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    parse(deserializer).map(Some)
}

/// For `#[serde(deserialize_with = "duration::parse")]`.
pub(super) fn parse<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(|error| {
        D::Error::custom(format!("`{text}` is no duration such as \"30s\": {error}"))
    })
}
