//! An image's metadata in the compute API: its custom properties.
//!
//! Custom is what Glance's image schema marks `is_base: false` or does not list. Which attributes that
//! leaves out is a constant of Glance's code and known to [`openstack::Image`], by which the copies
//! decide, too, what they carry over: the schema is not asked for at run time, where it would be one
//! more call that can fail and one more cache that can be stale. A scenario test holds that knowledge
//! equal to the schema of a real Glance.

use std::collections::BTreeMap;

use openstack::Image;
use serde_json::Value;

/// What Nova stores as JSON in a property and shows decoded (`nova/image/glance.py`).
const JSON_PROPERTIES: [&str; 2] = ["block_device_mapping", "mappings"];

/// An image's metadata by key.
pub(super) fn metadata_of(image: &Image) -> BTreeMap<String, Value> {
    let decoded = |(key, text): (&String, &String)| (key.clone(), value_of(key, text));
    image.properties.iter().map(decoded).collect()
}

/// What is not JSON after all stays the text that it is.
fn value_of(key: &str, text: &str) -> Value {
    let is_json = JSON_PROPERTIES.contains(&key);
    let decoded = is_json.then(|| serde_json::from_str(text).ok()).flatten();
    decoded.unwrap_or_else(|| Value::from(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn two_properties_are_decoded_and_all_others_are_texts() {
        for (key, text, expected) in [
            (
                "block_device_mapping",
                r#"[{"volume_size": 3}]"#,
                json!([{"volume_size": 3}]),
            ),
            ("mappings", "[]", json!([])),
            ("mappings", "[", json!("[")),
            ("kernel_id", "[]", json!("[]")),
            ("architecture", "x86_64", json!("x86_64")),
            ("size", "1", json!("1")),
        ] {
            assert_eq!(value_of(key, text), expected, "{key}");
        }
    }
}
