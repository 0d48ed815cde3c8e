//! Changes of an image's metadata (`application/openstack-images-v2.1-json-patch`).

use serde::Serialize;
use serde_json::Value;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum PatchOp {
    /// Sets an attribute that is there.
    Replace {
        /// JSON pointer.
        path: String,
        /// The value.
        value: Value,
    },
    /// Takes a custom property away.
    Remove {
        /// JSON pointer.
        path: String,
    },
}

impl PatchOp {
    /// Sets an attribute that is there: all of Glance's own are. A custom property that is not is a conflict, and
    /// nothing of the request is done.
    #[must_use]
    pub fn replace(attribute: &str, value: impl Into<Value>) -> Self {
        Self::Replace {
            path: pointer(attribute),
            value: value.into(),
        }
    }

    /// Takes a custom property away. When it is not there, that is a conflict, as for [`PatchOp::replace`].
    #[must_use]
    pub fn remove(property: &str) -> Self {
        Self::Remove {
            path: pointer(property),
        }
    }
}

/// RFC 6901: `~` and `/` in a name are escaped.
fn pointer(attribute: &str) -> String {
    format!("/{}", attribute.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_written_as_glance_wants_them() {
        let changes = [
            PatchOp::replace("protected", false),
            PatchOp::replace("a/b~c", "text"),
            PatchOp::remove("a property"),
        ];
        let json = serde_json::to_string(&changes).expect("JSON");
        assert_eq!(
            json,
            r#"[{"op":"replace","path":"/protected","value":false},{"op":"replace","path":"/a~1b~0c","value":"text"},{"op":"remove","path":"/a property"}]"#
        );
    }
}
