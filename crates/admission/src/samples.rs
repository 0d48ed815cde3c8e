//! What the tests share.

use std::collections::{BTreeMap, BTreeSet};

use domain::ImageId;
use jiff::Timestamp;
use openstack::{Image, ImageStatus, Visibility};

/// A private image that nobody owns.
pub(crate) fn image(properties: &[(&str, &str)]) -> Image {
    Image {
        id: "335eef3f-551d-46e1-8781-173f43209d48"
            .parse::<ImageId>()
            .expect("a UUID"),
        name: None,
        status: ImageStatus::Active,
        visibility: Visibility::Private,
        owner: None,
        os_hidden: false,
        protected: false,
        disk_format: Some("qcow2".to_owned()),
        container_format: Some("bare".to_owned()),
        min_disk: 0,
        min_ram: 0,
        size: Some(1000),
        checksum: None,
        os_hash_algo: None,
        os_hash_value: None,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        tags: BTreeSet::new(),
        properties: properties
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>(),
    }
}
