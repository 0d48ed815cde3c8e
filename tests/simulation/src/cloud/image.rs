//! The images of one Glance, and the rules for changing them.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use md5::Md5;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256, Sha512};

/// An image's attributes as Glance shows them, and its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) attributes: Map<String, Value>,
    pub(crate) data: Bytes,
    /// Of the upload that has made it `saving`.
    upload: u64,
    /// What the attributes were when that began: Glance saves the whole image when it ends.
    as_uploaded: Map<String, Value>,
}

/// The statuses that come about here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Queued,
    Saving,
    Active,
}

/// A status code and the words that go with it.
pub(super) type Refusal = (u16, &'static str);

/// The hash that a Glance shows besides the md5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Multihash {
    /// As one of before Rocky.
    None,
    Sha256,
    Sha512,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Images {
    multihash: Multihash,
    images: BTreeMap<String, Image>,
    /// Ids that were deleted: never to be used again.
    deleted: BTreeSet<String>,
    uploads: u64,
}

// === impl Status ===

impl Status {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Saving => "saving",
            Self::Active => "active",
        }
    }
}

// === impl Image ===

impl Image {
    fn queued(id: &str) -> Self {
        let attributes = json!({
            "id": id, "status": "queued", "owner": null, "visibility": "private",
            "os_hidden": false, "protected": false, "min_disk": 0, "min_ram": 0, "tags": [],
            "size": null, "name": null,
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
        });
        let Value::Object(attributes) = attributes else {
            unreachable!("it is written as an object above")
        };
        Self {
            attributes,
            data: Bytes::new(),
            upload: 0,
            as_uploaded: Map::new(),
        }
    }

    pub(crate) fn text(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute)?.as_str()
    }

    pub(crate) fn is(&self, attribute: &str) -> bool {
        self.attributes.get(attribute) == Some(&Value::Bool(true))
    }

    pub(crate) fn has_status(&self, status: Status) -> bool {
        self.text("status") == Some(status.as_str())
    }

    fn set(&mut self, attribute: &str, value: impl Into<Value>) {
        self.attributes.insert(attribute.to_owned(), value.into());
    }

    /// It has these bytes, and shows the hashes of `hashed`.
    fn fill(&mut self, data: Bytes, hashed: &[u8], multihash: Multihash) {
        self.set("size", data.len());
        self.set("checksum", hex(&Md5::digest(hashed)));
        let multihash = match multihash {
            Multihash::None => None,
            Multihash::Sha256 => Some(("sha256", hex(&Sha256::digest(hashed)))),
            Multihash::Sha512 => Some(("sha512", hex(&Sha512::digest(hashed)))),
        };
        if let Some((algorithm, value)) = multihash {
            self.set("os_hash_algo", algorithm);
            self.set("os_hash_value", value);
        }
        self.set("status", Status::Active.as_str());
        self.data = data;
    }
}

// === impl Images ===

impl Images {
    pub(super) fn new(multihash: Multihash) -> Self {
        Self {
            multihash,
            images: BTreeMap::new(),
            deleted: BTreeSet::new(),
            uploads: 0,
        }
    }

    /// An active image.
    pub(super) fn put(&mut self, id: &str, owner: &str, data: Bytes) {
        let mut image = Image::queued(id);
        for (attribute, value) in [
            ("owner", owner),
            ("disk_format", "raw"),
            ("container_format", "bare"),
        ] {
            image.set(attribute, value);
        }
        image.fill(data.clone(), &data, self.multihash);
        self.images.insert(id.to_owned(), image);
    }

    pub(super) fn all(&self) -> BTreeMap<String, Image> {
        self.images.clone()
    }

    pub(super) fn find(&self, id: &str) -> Result<&Image, Refusal> {
        self.images.get(id).ok_or((404, "no such image"))
    }

    fn find_mut(&mut self, id: &str) -> Result<&mut Image, Refusal> {
        self.images.get_mut(id).ok_or((404, "no such image"))
    }

    pub(super) fn create(&mut self, wanted: &Map<String, Value>) -> Result<Value, Refusal> {
        let id = wanted.get("id").and_then(Value::as_str);
        let id = id.ok_or((400, "an image without an id"))?;
        if self.images.contains_key(id) || self.deleted.contains(id) {
            return Err((409, "the id is or was in use"));
        }
        let mut image = Image::queued(id);
        image.attributes.extend(wanted.clone());
        let shown = Value::Object(image.attributes.clone());
        self.images.insert(id.to_owned(), image);
        Ok(shown)
    }

    pub(super) fn patch(&mut self, id: &str, changes: &[Value]) -> Result<Value, Refusal> {
        let image = self.find_mut(id)?;
        let mut attributes = image.attributes.clone();
        for change in changes {
            let path = change["path"].as_str().ok_or((400, "no path"))?;
            let attribute = path.trim_start_matches('/');
            let known = attributes.get_mut(attribute);
            let known = known.ok_or((409, "the property does not exist"))?;
            match change["op"].as_str() {
                Some("replace") => *known = change["value"].clone(),
                Some("remove") => drop(attributes.remove(attribute)),
                _ => return Err((400, "no such change")),
            }
        }
        image.attributes = attributes;
        Ok(Value::Object(image.attributes.clone()))
    }

    pub(super) fn delete(&mut self, id: &str) -> Result<(), Refusal> {
        if self.find(id)?.is("protected") {
            return Err((403, "the image is protected"));
        }
        self.images.remove(id);
        self.deleted.insert(id.to_owned());
        Ok(())
    }

    /// It was never there.
    pub(super) fn forget(&mut self, id: &str) {
        self.images.remove(id);
    }

    /// An upload begins; its number.
    pub(super) fn begin_upload(&mut self, id: &str) -> Result<u64, Refusal> {
        self.uploads += 1;
        let upload = self.uploads;
        let image = self.find_mut(id)?;
        if !image.has_status(Status::Queued) {
            return Err((409, "the image is not queued"));
        }
        if image.text("disk_format").is_none() || image.text("container_format").is_none() {
            return Err((400, "the formats must be set before data is saved"));
        }
        image.set("status", Status::Saving.as_str());
        image.upload = upload;
        image.as_uploaded = image.attributes.clone();
        Ok(upload)
    }

    fn saving(&mut self, id: &str, upload: u64) -> Option<&mut Image> {
        let image = self.images.get_mut(id)?;
        (image.has_status(Status::Saving) && image.upload == upload).then_some(image)
    }

    pub(super) fn end_upload(
        &mut self,
        id: &str,
        upload: u64,
        data: Bytes,
        hashed: &[u8],
    ) -> Result<(), Refusal> {
        let multihash = self.multihash;
        let image = self.saving(id, upload);
        let image = image.ok_or((410, "the image was deleted"))?;
        image.attributes = std::mem::take(&mut image.as_uploaded);
        image.fill(data, hashed, multihash);
        Ok(())
    }

    pub(super) fn break_upload(&mut self, id: &str, upload: u64) {
        if let Some(image) = self.saving(id, upload) {
            image.set("status", Status::Queued.as_str());
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
