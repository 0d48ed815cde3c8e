//! The formats that a Glance takes.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer};

/// The formats of Glance's image schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Formats {
    /// For example `qcow2`, `raw`.
    pub disk: BTreeSet<String>,
    /// For example `bare`, `ova`.
    pub container: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Schema {
    properties: Properties,
}

#[derive(Deserialize)]
struct Properties {
    disk_format: Choice,
    container_format: Choice,
}

/// The choices contain `null`, for images whose format is not set yet.
#[derive(Deserialize)]
struct Choice {
    #[serde(rename = "enum")]
    values: Vec<Option<String>>,
}

impl<'de> Deserialize<'de> for Formats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Properties {
            disk_format,
            container_format,
        } = Schema::deserialize(deserializer)?.properties;
        Ok(Self {
            disk: disk_format.values.into_iter().flatten().collect(),
            container: container_format.values.into_iter().flatten().collect(),
        })
    }
}
