//! What Glance and Keystone answer.

use std::fmt::Debug;

use domain::RegionId;
use http::StatusCode;
use openstack::{Catalog, Error, Formats, Image, ImagePage, Project, TokenInfo, User};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A token that stands in a body.
const TOKEN: &str = "gAAAAABm1xTZq3v0Zk8Yq0h5rCkq3mQ8l8QnV9S2bJp0o4oV1u6cX2r7w-9tGhIjKlMnOpQrStUv";

/// What is told of a refusal: at most a few hundred letters of the body, and a few words around them.
const LONGEST: usize = 600;

/// Images and lists of them.
pub(crate) fn glance(bytes: &[u8]) {
    means_the_same::<Image>(bytes);
    means_the_same::<ImagePage>(bytes);
    means_the_same::<Formats>(bytes);
    if let Ok(image) = serde_json::from_slice::<Image>(bytes) {
        assert!(
            !image.status.as_str().is_empty(),
            "an image without a status"
        );
        assert_eq!(image.digest().is_some(), image.size.is_some());
        for address in ["self", "file", "schema", "direct_url", "locations"] {
            assert!(!image.properties.contains_key(address), "{address}");
        }
    }
}

/// Tokens, catalogs, projects and users.
pub(crate) fn keystone(bytes: &[u8]) {
    means_the_same::<TokenInfo>(bytes);
    means_the_same::<Project>(bytes);
    means_the_same::<User>(bytes);
    means_the_same::<Catalog>(bytes);
    let catalog = serde_json::from_slice::<TokenInfo>(bytes).map(|info| info.catalog);
    if let Ok(catalog) = catalog.or_else(|_| serde_json::from_slice(bytes)) {
        for kind in ["image", "identity", ""] {
            // An address, or a refusal that says which one is missing or malformed.
            if let Err(error) = catalog.endpoint(kind, "public", &RegionId::new("ot1")) {
                crate::is_readable(&error.to_string());
            }
        }
    }
}

/// The body of a refusal reaches logs and callers: on one line, bounded, and without a token that stands in it.
pub(crate) fn refusal(bytes: &[u8]) {
    let quoted =
        serde_json::json!({"error": {"message": String::from_utf8_lossy(bytes) + " " + TOKEN}});
    let with_token = [bytes, b" ", TOKEN.as_bytes(), b" ", bytes].concat();
    for body in [bytes, &with_token, quoted.to_string().as_bytes()] {
        for status in [302, 400, 401, 403, 404, 409, 413, 429, 500, 503] {
            let status = StatusCode::from_u16(status).expect("a status");
            let error = Error::of_answer(status, body);
            for told in [error.to_string(), format!("{error:?}")] {
                assert!(!told.contains(TOKEN), "a token is told: {told}");
                assert!(told.len() <= 4 * LONGEST, "a flood: {} bytes", told.len());
                assert!(
                    !told.contains(['\n', '\r', '\0']),
                    "more than a line: {told:?}"
                );
            }
        }
    }
}

/// JSON that is understood is understood in the same way when it is written anew, with its keys in another order.
fn means_the_same<T: DeserializeOwned + Debug>(bytes: &[u8]) {
    let understood = serde_json::from_slice::<T>(bytes);
    // A text that nobody wants may be no Unicode: it is passed over, and can't be written anew.
    let (Ok(understood), Ok(value)) = (understood, serde_json::from_slice::<Value>(bytes)) else {
        return;
    };
    let again: T = serde_json::from_value(value).expect("the same JSON");
    assert_eq!(format!("{understood:?}"), format!("{again:?}"));
}
