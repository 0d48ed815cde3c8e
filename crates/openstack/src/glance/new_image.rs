//! An image that is to be made, as Glance is told.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ImageId, TenantId};
use serde_json::{Map, Value, json};

use super::Visibility;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_properties_stand_beside_glances_own_and_never_replace_them() {
        let new = NewImage {
            id: "335eef3f-551d-46e1-8781-173f43209d48"
                .parse()
                .expect("a UUID"),
            name: None,
            owner: TenantId::new("p"),
            visibility: Visibility::Private,
            os_hidden: true,
            protected: false,
            disk_format: Some("raw".to_owned()),
            container_format: None,
            min_disk: 1,
            min_ram: 2,
            tags: BTreeSet::from(["t".to_owned()]),
            properties: BTreeMap::from([
                ("os_distro".to_owned(), "debian".to_owned()),
                ("owner".to_owned(), "somebody else".to_owned()),
            ]),
        };
        assert_eq!(
            new.document(),
            json!({
                "id": "335eef3f-551d-46e1-8781-173f43209d48", "owner": "p", "visibility": "private",
                "os_hidden": true, "protected": false, "disk_format": "raw", "min_disk": 1,
                "min_ram": 2, "tags": ["t"], "os_distro": "debian",
            })
        );
    }
}
