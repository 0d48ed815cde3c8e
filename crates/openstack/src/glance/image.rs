//! An image's metadata, as Glance tells it.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ImageDigest, ImageId, TenantId};
use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{ImageStatus, Visibility};

/// What Glance says of an image.
///
/// `properties` holds the custom (text) properties only, including `os_glance_*`; addresses and
/// store names (`self`, `file`, `schema`, `direct_url`, `locations`, `stores`) are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The image.
    pub id: ImageId,
    /// Its name; images need none.
    pub name: Option<String>,
    /// Where it stands.
    pub status: ImageStatus,
    /// Who may see it.
    pub visibility: Visibility,
    /// The project that it belongs to, as Glance spells it.
    pub owner: Option<TenantId>,
    /// Whether default lists leave it out.
    pub os_hidden: bool,
    /// Whether it cannot be deleted.
    pub protected: bool,
    /// Disk format; unset images take no data.
    pub disk_format: Option<String>,
    /// Container format; unset images take no data.
    pub container_format: Option<String>,
    /// Smallest disk, in GiB, that it boots from.
    pub min_disk: u64,
    /// Smallest memory, in MiB, that it boots with.
    pub min_ram: u64,
    /// Bytes of data; none until it is active.
    pub size: Option<u64>,
    /// md5 of the data, in hex.
    pub checksum: Option<String>,
    /// The algorithm of `os_hash_value`, for example `sha512`.
    pub os_hash_algo: Option<String>,
    /// Hash of the data, in hex.
    pub os_hash_value: Option<String>,
    /// When it was made; Glance counts whole seconds.
    pub created_at: Timestamp,
    /// When it was last changed; Glance counts whole seconds.
    pub updated_at: Timestamp,
    /// Labels.
    pub tags: BTreeSet<String>,
    /// Custom properties.
    pub properties: BTreeMap<String, String>,
}

/// Attributes of Glance's own that are neither typed here nor custom.
const NOT_CUSTOM: [&str; 10] = [
    "self",
    "file",
    "schema",
    "direct_url",
    "locations",
    "stores",
    "deleted_at",
    "deleted",
    "virtual_size",
    "validation_data",
];

// === impl Image ===

impl Image {
    /// What tells two images' data apart; none without a known size.
    #[must_use]
    pub fn digest(&self) -> Option<ImageDigest> {
        Some(ImageDigest {
            size_bytes: self.size?,
            checksum: self.checksum.clone(),
            os_hash_algo: self.os_hash_algo.clone(),
            os_hash_value: self.os_hash_value.clone(),
        })
    }
}

#[derive(Deserialize)]
struct Wire {
    id: ImageId,
    name: Option<String>,
    status: String,
    visibility: String,
    owner: Option<TenantId>,
    #[serde(default)]
    os_hidden: bool,
    #[serde(default)]
    protected: bool,
    disk_format: Option<String>,
    container_format: Option<String>,
    min_disk: Option<u64>,
    min_ram: Option<u64>,
    size: Option<u64>,
    checksum: Option<String>,
    os_hash_algo: Option<String>,
    os_hash_value: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(default)]
    tags: BTreeSet<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl<'de> Deserialize<'de> for Image {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        if wire.status.is_empty() {
            return Err(D::Error::custom("an image without a status"));
        }
        let properties = wire
            .rest
            .into_iter()
            .filter(|(key, _)| !NOT_CUSTOM.contains(&key.as_str()))
            .filter_map(|(key, value)| match value {
                Value::String(text) => Some((key, text)),
                _ => None,
            })
            .collect();
        Ok(Self {
            id: wire.id,
            name: wire.name,
            status: ImageStatus::parse(wire.status),
            visibility: Visibility::parse(wire.visibility),
            owner: wire.owner,
            os_hidden: wire.os_hidden,
            protected: wire.protected,
            disk_format: wire.disk_format,
            container_format: wire.container_format,
            min_disk: wire.min_disk.unwrap_or(0),
            min_ram: wire.min_ram.unwrap_or(0),
            size: wire.size,
            checksum: wire.checksum,
            os_hash_algo: wire.os_hash_algo,
            os_hash_value: wire.os_hash_value,
            created_at: wire.created_at,
            updated_at: wire.updated_at,
            tags: wire.tags,
            properties,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_custom_texts_are_properties() {
        let image: Image = serde_json::from_str(
            r#"{"id": "335eef3f-551d-46e1-8781-173f43209d48", "name": null, "status": "active",
                "visibility": "shared", "owner": "p", "size": 5, "virtual_size": null, "min_disk": 0,
                "min_ram": 512, "checksum": "c", "os_hash_algo": "sha512", "os_hash_value": "h",
                "os_hidden": false, "protected": true, "disk_format": "raw",
                "container_format": "bare", "tags": ["b", "a"], "self": "/v2/images/x",
                "file": "/v2/images/x/file", "schema": "/v2/schemas/image", "stores": "store1",
                "locations": [{"url": "file:///x"}], "created_at": "2026-01-01T00:00:00Z",
                "updated_at": "2026-01-01T00:00:00Z", "os_distro": "debian", "empty": "",
                "os_glance_failed_import": "", "odd": 7, "unset": null}"#,
        )
        .expect("an image");
        assert_eq!(image.status, ImageStatus::Active);
        assert_eq!(image.digest().map(|digest| digest.size_bytes), Some(5));
        let names: Vec<&str> = image.properties.keys().map(String::as_str).collect();
        assert_eq!(names, ["empty", "os_distro", "os_glance_failed_import"]);
    }
}
