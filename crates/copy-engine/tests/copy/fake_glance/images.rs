//! The fake's images and the rules for changing them.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ImageDigest, ImageId};
use md5::Md5;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256, Sha512};

use super::{LateRequest, Operation};

/// One image: its attributes as Glance shows them, and its bytes.
#[derive(Debug, Clone)]
pub(crate) struct FakeImage {
    pub(crate) attributes: Map<String, Value>,
    pub(crate) data: Vec<u8>,
    /// What the attributes were when its upload began.
    as_uploaded: Option<Map<String, Value>>,
}

#[derive(Debug, Default)]
pub(crate) struct Images {
    images: BTreeMap<String, FakeImage>,
    /// Ids that were deleted: never to be used again.
    pub(crate) deleted: BTreeSet<String>,
    /// Those of them that were active and not hidden.
    pub(crate) deleted_revealed: BTreeSet<String>,
    /// The algorithm of `os_hash_value`; none: sha512.
    pub(crate) hash_algorithm: Option<&'static str>,
}

/// A status and the words that go with it.
pub(crate) type Refusal = (u16, &'static str);

// === impl FakeImage ===

impl FakeImage {
    /// A queued image.
    pub(crate) fn queued(id: ImageId, owner: &str) -> Self {
        let attributes = json!({
            "id": id.to_string(), "status": "queued", "owner": owner, "visibility": "private",
            "os_hidden": false, "protected": false, "min_disk": 0, "min_ram": 0, "tags": [],
            "disk_format": "raw", "container_format": "bare", "size": null, "name": null,
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
        });
        let Value::Object(attributes) = attributes else {
            unreachable!("it is written as an object above")
        };
        Self {
            attributes,
            data: Vec::new(),
            as_uploaded: None,
        }
    }

    /// An active image with these bytes.
    pub(crate) fn active(id: ImageId, owner: &str, data: &[u8]) -> Self {
        let mut image = Self::queued(id, owner);
        image.fill(data.to_vec(), "sha512");
        image
    }

    pub(crate) fn with(mut self, attribute: &str, value: impl Into<Value>) -> Self {
        self.attributes.insert(attribute.to_owned(), value.into());
        self
    }

    pub(crate) fn text(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute)?.as_str()
    }

    pub(crate) fn status(&self) -> &str {
        self.text("status").expect("every image has a status")
    }

    pub(crate) fn is(&self, attribute: &str) -> bool {
        self.attributes.get(attribute) == Some(&Value::Bool(true))
    }

    pub(crate) fn digest(&self) -> ImageDigest {
        let owned = |attribute| self.text(attribute).map(str::to_owned);
        ImageDigest {
            size_bytes: self.attributes["size"].as_u64().expect("it has data"),
            checksum: owned("checksum"),
            os_hash_algo: owned("os_hash_algo"),
            os_hash_value: owned("os_hash_value"),
        }
    }

    pub(crate) fn set_status(&mut self, status: &str) {
        self.attributes
            .insert("status".to_owned(), Value::from(status));
    }

    fn fill(&mut self, data: Vec<u8>, algorithm: &str) {
        let hash = match algorithm {
            "sha256" => hex(&Sha256::digest(&data)),
            _ => hex(&Sha512::digest(&data)),
        };
        for (attribute, value) in [
            ("size", Value::from(data.len())),
            ("checksum", Value::from(hex(&Md5::digest(&data)))),
            ("os_hash_algo", Value::from(algorithm)),
            ("os_hash_value", Value::from(hash)),
        ] {
            self.attributes.insert(attribute.to_owned(), value);
        }
        self.data = data;
        self.set_status("active");
    }
}

// === impl Images ===

impl Images {
    pub(crate) fn put(&mut self, image: FakeImage) {
        let id = image.text("id").expect("every image has an id").to_owned();
        self.images.insert(id, image);
    }

    pub(crate) fn get(&self, id: ImageId) -> Option<&FakeImage> {
        self.images.get(&id.to_string())
    }

    /// Loses the end of an image's bytes, as a broken store does, or gives it more; the attributes stay.
    pub(crate) fn resize(&mut self, id: ImageId, length: usize) {
        if let Some(image) = self.images.get_mut(&id.to_string()) {
            image.data.resize(length, 7);
        }
    }

    pub(crate) fn all(&self) -> Vec<&FakeImage> {
        self.images.values().collect()
    }

    pub(super) fn find(&self, id: &str) -> Result<&FakeImage, Refusal> {
        self.images.get(id).ok_or((404, "no such image"))
    }

    pub(super) fn find_mut(&mut self, id: &str) -> Result<&mut FakeImage, Refusal> {
        self.images.get_mut(id).ok_or((404, "no such image"))
    }

    /// Does what a request asks for; the document to answer with, if there is one.
    pub(super) fn perform(
        &mut self,
        operation: Operation,
        id: &str,
        body: &[u8],
    ) -> Result<Option<Value>, Refusal> {
        let json = || serde_json::from_slice::<Value>(body).unwrap_or_default();
        match operation {
            Operation::Create => {
                let document = json().as_object().cloned().unwrap_or_default();
                self.create(document).map(Some)
            }
            Operation::Patch => {
                let changes = json().as_array().cloned().unwrap_or_default();
                self.patch(id, &changes).map(Some)
            }
            Operation::Delete => self.delete(id).map(|()| None),
            Operation::Upload => {
                self.begin_upload(id)?;
                self.end_upload(id, body.to_vec()).map(|()| None)
            }
            Operation::Show | Operation::Download => {
                let image = self.find(id)?;
                Ok(Some(Value::Object(image.attributes.clone())))
            }
        }
    }

    /// Does what a late request asks for. Nobody waits for its answer.
    pub(super) fn come(&mut self, late: &LateRequest) {
        let _unheard = self.perform(late.operation, &late.id, &late.body);
    }

    pub(crate) fn create(&mut self, request: Map<String, Value>) -> Result<Value, Refusal> {
        let id: ImageId = request["id"]
            .as_str()
            .and_then(|id| id.parse().ok())
            .ok_or((400, "not a UUID"))?;
        let text = id.to_string();
        if self.images.contains_key(&text) || self.deleted.contains(&text) {
            return Err((409, "the id is or was in use"));
        }
        let mut image = FakeImage::queued(id, "");
        image.attributes.remove("disk_format");
        image.attributes.remove("container_format");
        image.attributes.extend(request);
        let shown = Value::Object(image.attributes.clone());
        self.images.insert(text, image);
        Ok(shown)
    }

    pub(crate) fn patch(&mut self, id: &str, changes: &[Value]) -> Result<Value, Refusal> {
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

    pub(crate) fn delete(&mut self, id: &str) -> Result<(), Refusal> {
        let image = self.find(id)?;
        if image.is("protected") {
            return Err((403, "the image is protected"));
        }
        if image.status() == "deleted" {
            return Err((400, "no transition from deleted to deleted"));
        }
        if image.status() == "active" && !image.is("os_hidden") {
            self.deleted_revealed.insert(id.to_owned());
        }
        self.images.remove(id);
        self.deleted.insert(id.to_owned());
        Ok(())
    }

    pub(super) fn begin_upload(&mut self, id: &str) -> Result<(), Refusal> {
        let image = self.find_mut(id)?;
        if image.status() != "queued" {
            return Err((409, "the image is not queued"));
        }
        if image.text("disk_format").is_none() || image.text("container_format").is_none() {
            return Err((400, "the formats must be set before data is saved"));
        }
        image.set_status("saving");
        image.as_uploaded = Some(image.attributes.clone());
        Ok(())
    }

    pub(super) fn end_upload(&mut self, id: &str, data: Vec<u8>) -> Result<(), Refusal> {
        let algorithm = self.hash_algorithm.unwrap_or("sha512");
        let image = self
            .find_mut(id)
            .map_err(|_| (410, "the image was deleted"))?;
        // Glance saves the whole image, as it was when the upload began.
        if let Some(attributes) = image.as_uploaded.take() {
            image.attributes = attributes;
        }
        image.fill(data, algorithm);
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
