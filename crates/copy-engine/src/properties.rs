//! What of an image is carried over to its copy. Pure.
//!
//! Everything that describes the image to its users and to Nova travels: name, formats, minimums,
//! tags and custom properties. What Glance computes or reserves, and what names things of the
//! source region, does not; provenance is this copy's own, whatever the source inherited.

use std::collections::BTreeMap;

use domain::{ErrorCode, PropertyPattern};
use openstack::{Image, NewImage, Visibility};

use crate::provenance::{is_provenance, provenance_of};
use crate::{EngineSettings, Failure, Order};

/// Attributes that Glance computes, or treats as its own: as custom properties they are refused
/// with 403 (Image API v2, "read-only" and "reserved") or would collide with typed attributes.
const READ_ONLY: [&str; 29] = [
    "checksum",
    "container_format",
    "created_at",
    "deleted",
    "deleted_at",
    "direct_url",
    "disk_format",
    "file",
    "id",
    "locations",
    "members",
    "min_disk",
    "min_ram",
    "name",
    "os_hash_algo",
    "os_hash_value",
    "os_hidden",
    "owner",
    "protected",
    "schema",
    "self",
    "size",
    "status",
    "stores",
    "tags",
    "updated_at",
    "validation_data",
    "virtual_size",
    "visibility",
];

/// Glance keeps properties with this prefix to itself (403 for everybody else).
const RESERVED_PREFIX: &str = "os_glance_";

/// The image to create for this attempt: as its source, but private, hidden and unprotected until it
/// is verified.
pub(crate) fn image_to_create(
    source: &Image,
    order: &Order,
    settings: &EngineSettings,
) -> Result<NewImage, Failure> {
    check_portable(source, order, &settings.required_properties)?;
    Ok(NewImage {
        id: order.image(),
        name: source.name.clone(),
        owner: order.spec.destination.tenant.clone(),
        visibility: Visibility::Private,
        os_hidden: true,
        protected: false,
        disk_format: source.disk_format.clone(),
        container_format: source.container_format.clone(),
        min_disk: source.min_disk,
        min_ram: source.min_ram,
        tags: source.tags.clone(),
        properties: carried_properties(source, order, &settings.dropped_properties),
    })
}

/// The source may have changed its properties since the job was accepted.
fn check_portable(
    source: &Image,
    order: &Order,
    required: &[PropertyPattern],
) -> Result<(), Failure> {
    let hindrance = source.properties.iter().find(|(name, value)| {
        !value.is_empty() && required.iter().any(|pattern| pattern.matches(name))
    });
    match hindrance {
        None => Ok(()),
        Some((name, _)) => Err(Failure::fatal(
            ErrorCode::NotPortable,
            format!(
                "the image cannot work without its property `{name}`, which refers into region {}",
                order.spec.source.region
            ),
        )),
    }
}

fn carried_properties(
    source: &Image,
    order: &Order,
    dropped: &[PropertyPattern],
) -> BTreeMap<String, String> {
    let own = provenance_of(order.job_id, &order.spec)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    carried(&source.properties, dropped)
        .map(|(name, value)| (name.clone(), value.clone()))
        .chain(own)
        .collect()
}

/// The properties that are the image's own: neither Glance's, nor its provenance, nor of a pattern in `dropped`.
pub(crate) fn carried<'a>(
    properties: &'a BTreeMap<String, String>,
    dropped: &'a [PropertyPattern],
) -> impl Iterator<Item = (&'a String, &'a String)> {
    properties
        .iter()
        .filter(|(name, _)| is_carried(name, dropped))
}

fn is_carried(name: &str, dropped: &[PropertyPattern]) -> bool {
    !READ_ONLY.contains(&name)
        && !name.starts_with(RESERVED_PREFIX)
        && !is_provenance(name)
        && !dropped.iter().any(|pattern| pattern.matches(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{order, source_image};

    fn created(properties: &[(&str, &str)]) -> NewImage {
        let mut source = source_image();
        source.properties = properties
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        image_to_create(&source, &order(), &EngineSettings::default()).expect("portable")
    }

    #[test]
    fn properties_travel_unless_they_belong_to_glance_or_to_the_source_region() {
        for (name, travels) in [
            ("os_distro", true),
            ("hw_disk_bus", true),
            ("owner_specified.openstack.md5", true),
            ("image_location", true),
            ("user_id", true),
            ("ünïcode", true),
            ("os_hash_value", false),
            ("direct_url", false),
            ("locations", false),
            ("stores", false),
            ("os_glance_importing_to_stores", false),
            ("instance_uuid", false),
            ("base_image_ref", false),
            ("img_signature_hash_method", false),
        ] {
            let properties = created(&[(name, "value")]).properties;
            assert_eq!(properties.contains_key(name), travels, "{name}");
        }
    }

    #[test]
    fn references_that_an_image_needs_are_refused_when_they_are_set() {
        for (name, value, portable) in [
            ("kernel_id", "", true),
            ("kernel_id", "a0a0a0a0-0000-4000-8000-000000000009", false),
            ("cinder_encryption_key_id", "a key", false),
            ("cinder_encryption_key_deletion_policy", "", true),
        ] {
            let mut source = source_image();
            source.properties = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            let new = image_to_create(&source, &order(), &EngineSettings::default());
            match new {
                Ok(new) => assert!(portable && !new.properties.contains_key(name), "{name}"),
                Err(failure) => {
                    assert!(!portable && !failure.transient, "{name}");
                    assert_eq!(failure.error.code, ErrorCode::NotPortable);
                    assert!(
                        failure.error.message.contains(name)
                            && failure.error.message.contains("ot1")
                    );
                }
            }
        }
    }

    #[test]
    fn inherited_provenance_is_replaced() {
        let properties = created(&[
            ("replicated_by_job", "an older job"),
            ("replicated_from_region", "ot9"),
            ("replicated_from_image", "an older image"),
        ])
        .properties;
        let order = order();
        assert_eq!(properties["replicated_by_job"], order.job_id.to_string());
        assert_eq!(properties["replicated_from_region"], "ot1");
        assert_eq!(
            properties["replicated_from_image"],
            order.spec.source.image.to_string()
        );
    }

    #[test]
    fn an_image_with_120_properties_stays_within_glances_default_limit_of_128() {
        let names: Vec<String> = (0..120).map(|number| format!("key_{number}")).collect();
        let properties: Vec<_> = names.iter().map(|name| (name.as_str(), "value")).collect();
        let copied = created(&properties).properties.len();
        assert!((120..=128).contains(&copied), "{copied}");
    }

    #[test]
    fn the_image_is_as_its_source_but_hidden_private_and_unprotected_at_first() {
        let mut source = source_image();
        source.protected = true;
        source.visibility = Visibility::Public;
        source.name = Some("ü".repeat(255));
        let new = image_to_create(&source, &order(), &EngineSettings::default()).expect("portable");
        assert_eq!(new.id, order().job_id.image_of_attempt(1));
        assert_eq!(new.owner, order().spec.destination.tenant);
        assert!(new.os_hidden && !new.protected);
        assert_eq!(new.visibility, Visibility::Private);
        assert_eq!(
            (&new.name, &new.disk_format, &new.container_format),
            (&source.name, &source.disk_format, &source.container_format)
        );
        assert_eq!(
            (new.min_disk, new.min_ram, &new.tags),
            (source.min_disk, source.min_ram, &source.tags)
        );

        source.name = None;
        let nameless = image_to_create(&source, &order(), &EngineSettings::default());
        assert_eq!(nameless.expect("portable").name, None);
    }
}
