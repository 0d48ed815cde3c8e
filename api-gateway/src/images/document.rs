//! An image as the compute API shows it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use openstack::Image;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::links::Links;
use super::metadata::metadata_of;
use super::status::{ComputeStatus, progress_of};
use crate::links::Link;

/// An image.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageDocument {
    /// The image.
    id: Uuid,
    /// Its name; images need none.
    #[schema(required = true)]
    name: Option<String>,
    /// Smallest memory, in MiB, that it boots with.
    min_ram: u64,
    /// Smallest disk, in GiB, that it boots from.
    min_disk: u64,
    /// Its custom properties.
    #[schema(value_type = Object)]
    metadata: BTreeMap<String, Value>,
    /// When it was made.
    #[schema(format = DateTime)]
    created: String,
    /// When it was last changed.
    #[schema(format = DateTime)]
    updated: String,
    /// Where it stands.
    status: ComputeStatus,
    /// Percent. Of an image that a copy job is filling: that job's progress.
    #[schema(minimum = 0, maximum = 100)]
    progress: u8,
    /// Bytes; 0 until it is active.
    #[serde(rename = "OS-EXT-IMG-SIZE:size")]
    size: u64,
    /// `self`, `bookmark` and `alternate`, in this order.
    links: Vec<Link>,
    /// The server that it is a snapshot of.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<Server>,
    /// `AUTO` or `MANUAL`, where the image says how disks are set up.
    #[serde(rename = "OS-DCF:diskConfig", skip_serializing_if = "Option::is_none")]
    disk_config: Option<&'static str>,
}

/// An image in a brief list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct BriefImage {
    /// The image.
    id: Uuid,
    /// Its name; images need none.
    #[schema(required = true)]
    name: Option<String>,
    /// `self`, `bookmark` and `alternate`, in this order.
    links: Vec<Link>,
}

/// A server.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
struct Server {
    /// The server.
    id: String,
    /// `self` and `bookmark`.
    links: Vec<Link>,
}

/// The answer to a show.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct OneImage {
    /// The image.
    pub image: ImageDocument,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct ImageList<T: ToSchema> {
    /// Newest first.
    pub images: Vec<T>,
    /// The next page, when there may be one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images_links: Vec<Link>,
}

/// The spellings of yes (`oslo_utils.strutils.bool_from_string`).
const YES: [&str; 6] = ["1", "t", "true", "on", "y", "yes"];

impl ImageDocument {
    /// The document of an image; `copied` is the progress of the copy job that is filling it, if any is.
    pub(super) fn new(image: &Image, copied: Option<u8>, links: &Links) -> Self {
        let server = |id: &String| Server {
            id: id.clone(),
            links: links.of_server(id),
        };
        Self {
            id: *image.id.as_uuid(),
            name: image.name.clone(),
            min_ram: image.min_ram,
            min_disk: image.min_disk,
            metadata: metadata_of(image),
            created: whole_seconds(image.created_at),
            updated: whole_seconds(image.updated_at),
            status: ComputeStatus::of(&image.status),
            progress: copied.unwrap_or_else(|| progress_of(&image.status)),
            size: image.size.unwrap_or(0),
            links: links.of_image(image.id),
            server: image.properties.get("instance_uuid").map(server),
            disk_config: image
                .properties
                .get("auto_disk_config")
                .map(|text| disk_config(text)),
        }
    }
}

impl BriefImage {
    /// The image in brief.
    pub(super) fn new(image: &Image, links: &Links) -> Self {
        Self {
            id: *image.id.as_uuid(),
            name: image.name.clone(),
            links: links.of_image(image.id),
        }
    }
}

fn whole_seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn disk_config(text: &str) -> &'static str {
    let is_auto = YES.contains(&text.trim().to_ascii_lowercase().as_str());
    if is_auto { "AUTO" } else { "MANUAL" }
}

#[cfg(test)]
mod tests {
    use http::request::Parts;
    use openstack::ImageStatus;
    use serde_json::json;

    use super::*;
    use crate::images::sample;
    use crate::links::BaseUrl;

    fn links() -> Links {
        let request = http::Request::get("/").header("host", "192.168.56.250:8774");
        let (parts, ()): (Parts, ()) = request.body(()).expect("a request").into_parts();
        Links {
            base: BaseUrl::of(&parts).expect("a base"),
            version: "v2",
            tenant: domain::TenantId::new("b17a6492bfa54441910e15f07c983384"),
            glance: "http://192.168.56.250:9292".to_owned(),
        }
    }

    fn document(image: &Image) -> Value {
        serde_json::to_value(ImageDocument::new(image, None, &links())).expect("JSON")
    }

    #[test]
    fn the_documented_answer_is_reproduced_key_by_key() {
        // From the reference of the documented service.
        let documented: Value = serde_json::from_str(concat!(
            r#"{"image": {"status": "ACTIVE", "updated": "2015-10-06T06:33:27Z", "links": [{"href": "#,
            r#""http://192.168.56.250:8774/v2/b17a6492bfa54441910e15f07c983384/images/"#,
            r#"7ba75599-e03e-4eed-8d04-eb302e0a71cf", "rel": "self"}, {"href": "#,
            r#""http://192.168.56.250:8774/b17a6492bfa54441910e15f07c983384/images/"#,
            r#"7ba75599-e03e-4eed-8d04-eb302e0a71cf", "rel": "bookmark"}, {"href": "#,
            r#""http://192.168.56.250:9292/images/7ba75599-e03e-4eed-8d04-eb302e0a71cf", "type": "#,
            r#""application/vnd.openstack.image", "rel": "alternate"}], "id": "#,
            r#""7ba75599-e03e-4eed-8d04-eb302e0a71cf", "OS-EXT-IMG-SIZE:size": 258080768, "name": "#,
            r#""ubuntu_server_14_04-cloudimg-amd64.img", "created": "2015-10-06T06:33:11Z", "#,
            r#""minDisk": 0, "progress": 100, "minRam": 0, "metadata": {}}}"#,
        ))
        .expect("JSON");
        let mut image = sample::image();
        image.name = Some("ubuntu_server_14_04-cloudimg-amd64.img".to_owned());
        (image.min_disk, image.min_ram) = (0, 0);
        image.properties.clear();
        let answer = OneImage {
            image: ImageDocument::new(&image, None, &links()),
        };
        assert_eq!(serde_json::to_value(answer).expect("JSON"), documented);
    }

    #[test]
    fn what_a_snapshot_carries_is_shown_besides_its_metadata() {
        let mut image = sample::image();
        let mut set = |key: &str, value: &str| {
            image.properties.insert(key.to_owned(), value.to_owned());
        };
        set("instance_uuid", "s1");
        set("auto_disk_config", "True");
        let document = document(&image);
        let tenant = "b17a6492bfa54441910e15f07c983384";
        let expected = json!({"id": "s1", "links": [
            {"rel": "self", "href": format!("http://192.168.56.250:8774/v2/{tenant}/servers/s1")},
            {"rel": "bookmark", "href": format!("http://192.168.56.250:8774/{tenant}/servers/s1")},
        ]});
        assert_eq!(document["server"], expected);
        assert_eq!(document["OS-DCF:diskConfig"], "AUTO");
        assert_eq!(document["metadata"]["auto_disk_config"], "True");
        assert_eq!(document["metadata"]["kernel_id"], "nokernel");
        assert_eq!(disk_config("no"), "MANUAL");
    }

    #[test]
    fn an_image_without_data_has_no_size_and_a_copy_its_own_progress() {
        let mut image = sample::image();
        image.status = ImageStatus::Saving;
        (image.size, image.name) = (None, None);
        let document = document(&image);
        assert_eq!(document["OS-EXT-IMG-SIZE:size"], 0);
        assert_eq!(
            (&document["name"], &document["progress"]),
            (&Value::Null, &json!(50))
        );
        assert_eq!(ImageDocument::new(&image, Some(73), &links()).progress, 73);
    }
}
