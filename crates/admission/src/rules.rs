//! What the destination takes: properties, size and formats. Pure.

use domain::{PropertyPattern, RegionId};
use openstack::{Formats, Image};

use crate::{Policy, Refusal, RegionRules};

/// The rules of one destination.
pub(crate) struct Rules<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) of_region: &'a RegionRules,
    /// What its Glance takes, when it could be asked.
    pub(crate) formats: Option<&'a Formats>,
}

impl Rules<'_> {
    /// Refused properties first, then formats, size, and what the image cannot work without.
    pub(crate) fn check(
        &self,
        image: &Image,
        source: &RegionId,
        destination: &RegionId,
    ) -> Result<(), Refusal> {
        let region = || destination.clone();
        if let Some(property) = first_property(image, &self.of_region.refused_properties) {
            return Err(Refusal::RefusedProperty {
                property: property.to_owned(),
                region: region(),
            });
        }
        let disk = image.disk_format.as_deref().unwrap_or(NO_FORMAT);
        if !self.takes_disk(disk) {
            return Err(Refusal::UnsupportedDiskFormat {
                format: disk.to_owned(),
                region: region(),
            });
        }
        let container = image.container_format.as_deref().unwrap_or(NO_FORMAT);
        if !self.takes_container(container) {
            return Err(Refusal::UnsupportedContainerFormat {
                format: container.to_owned(),
                region: region(),
            });
        }
        let size = image.size.unwrap_or(0);
        if let Some(limit) = self.of_region.max_image_bytes.filter(|limit| size > *limit) {
            return Err(Refusal::TooLarge {
                size,
                limit,
                region: region(),
            });
        }
        match first_property(image, &self.policy.required_properties) {
            Some(property) => Err(Refusal::NotPortable {
                property: property.to_owned(),
                region: source.clone(),
            }),
            None => Ok(()),
        }
    }

    fn takes_disk(&self, format: &str) -> bool {
        !is_listed(format, &self.of_region.unsupported_disk_formats)
            && self
                .formats
                .is_none_or(|formats| formats.disk.contains(format))
    }

    fn takes_container(&self, format: &str) -> bool {
        !is_listed(format, &self.of_region.unsupported_container_formats)
            && self
                .formats
                .is_none_or(|formats| formats.container.contains(format))
    }
}

/// Stands for an unset format, which no Glance lists.
const NO_FORMAT: &str = "(none)";

fn is_listed(format: &str, listed: &[String]) -> bool {
    listed
        .iter()
        .any(|other| other.eq_ignore_ascii_case(format))
}

/// The first property, by name, that one of the patterns names and that is not empty.
fn first_property<'a>(image: &'a Image, patterns: &[String]) -> Option<&'a str> {
    let patterns: Vec<PropertyPattern> = patterns
        .iter()
        .map(|text| PropertyPattern::new(text))
        .collect();
    image
        .properties
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, _)| name.as_str())
        .find(|name| patterns.iter().any(|pattern| pattern.matches(name)))
}

#[cfg(test)]
mod tests;
