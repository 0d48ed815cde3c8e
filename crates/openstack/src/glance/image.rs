//! An image's metadata, as Glance tells it and as it is told to Glance.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use domain::{ImageDigest, ImageId, TenantId};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

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
    /// Labels.
    pub tags: BTreeSet<String>,
    /// Custom properties.
    pub properties: BTreeMap<String, String>,
}

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

/// Who may see an image.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// Its owner.
    Private,
    /// Its owner and invited projects; Glance's default.
    Shared,
    /// Everybody, but it is in nobody's list.
    Community,
    /// Everybody.
    Public,
    /// A visibility that this client does not know.
    Other(String),
}

/// An image to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewImage {
    /// Chosen by the caller, so that a repeated create is recognised.
    pub id: ImageId,
    /// Its name, if it shall have one.
    pub name: Option<String>,
    /// The project that it shall belong to.
    pub owner: TenantId,
    /// Who may see it.
    pub visibility: Visibility,
    /// Whether default lists leave it out.
    pub os_hidden: bool,
    /// Whether it cannot be deleted.
    pub protected: bool,
    /// Disk format; needed before data can come.
    pub disk_format: Option<String>,
    /// Container format; needed before data can come.
    pub container_format: Option<String>,
    /// Smallest disk, in GiB, that it boots from.
    pub min_disk: u64,
    /// Smallest memory, in MiB, that it boots with.
    pub min_ram: u64,
    /// Labels.
    pub tags: BTreeSet<String>,
    /// Custom properties.
    pub properties: BTreeMap<String, String>,
}

/// Attributes of Glance's own that are neither typed here nor custom.
const NOT_CUSTOM: [&str; 12] = [
    "self",
    "file",
    "schema",
    "direct_url",
    "locations",
    "stores",
    "created_at",
    "updated_at",
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
            tags: wire.tags,
            properties,
        })
    }
}

// === impl ImageStatus ===

impl ImageStatus {
    fn parse(name: String) -> Self {
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

// === impl Visibility ===

impl Visibility {
    /// The visibility of that name.
    #[must_use]
    pub fn parse(name: String) -> Self {
        match name.as_str() {
            "private" => Self::Private,
            "shared" => Self::Shared,
            "community" => Self::Community,
            "public" => Self::Public,
            _ => Self::Other(name),
        }
    }

    /// Glance's name of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Private => "private",
            Self::Shared => "shared",
            Self::Community => "community",
            Self::Public => "public",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Visibility {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

// === impl NewImage ===

impl NewImage {
    /// The body of the create call: custom properties stand beside Glance's own attributes, which
    /// they never replace.
    pub(crate) fn document(&self) -> Value {
        let mut document: Map<String, Value> = self
            .properties
            .iter()
            .map(|(key, value)| (key.clone(), Value::String(value.clone())))
            .collect();
        let own = json!({
            "id": self.id,
            "owner": self.owner,
            "visibility": self.visibility,
            "os_hidden": self.os_hidden,
            "protected": self.protected,
            "min_disk": self.min_disk,
            "min_ram": self.min_ram,
            "tags": self.tags,
        });
        if let Value::Object(own) = own {
            document.extend(own);
        }
        let optional = [
            ("name", &self.name),
            ("disk_format", &self.disk_format),
            ("container_format", &self.container_format),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                document.insert(key.to_owned(), Value::String(value.clone()));
            }
        }
        Value::Object(document)
    }
}
