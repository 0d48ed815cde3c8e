//! The image that the tests speak about: that of the compute API's reference, with two properties.

use openstack::Image;
use serde_json::json;

pub(super) fn image() -> Image {
    let document = json!({
        "id": "7ba75599-e03e-4eed-8d04-eb302e0a71cf", "name": "jammy", "status": "active",
        "visibility": "private", "owner": "b17a6492bfa54441910e15f07c983384", "size": 258_080_768,
        "min_disk": 3, "min_ram": 512, "tags": ["lts"], "architecture": "x86_64",
        "kernel_id": "nokernel", "protected": false, "file": "/v2/images/x/file",
        "created_at": "2015-10-06T06:33:11Z", "updated_at": "2015-10-06T06:33:27Z",
    });
    serde_json::from_value(document).expect("an image")
}
