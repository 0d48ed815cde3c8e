//! Which images a list holds. Glance is asked to leave out what it can; every image that it lists is
//! then looked at once more, for what it cannot tell apart: its database may compare without case,
//! and some properties have names that its query has a use of its own for.

use std::collections::BTreeMap;

use jiff::Timestamp;
use openstack::{Image, ImageFilter, ImageStatus};

use super::status::ComputeStatus;

/// What every image of a list has in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ImageFilters {
    /// Exactly this name.
    pub name: Option<String>,
    /// This status.
    pub status: Option<StatusFilter>,
    /// Exactly this smallest disk in GiB. Equal, not at least: that is what Nova's filter does.
    pub min_disk: Option<u64>,
    /// Exactly this smallest memory in MiB.
    pub min_ram: Option<u64>,
    /// Made or changed at this time or later.
    pub changes_since: Option<Timestamp>,
    /// Custom properties with exactly these values.
    pub properties: BTreeMap<String, String>,
}

/// A status by the compute API's name for it, or by Glance's where that has one of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StatusFilter {
    /// The one that is shown.
    Shown(ComputeStatus),
    /// Glance's.
    OfGlance(ImageStatus),
}

/// How the names of properties begin that are told apart by Glance: none of them is, or might become,
/// a word of its query or a column of its table of images.
const LEFT_TO_GLANCE: [&str; 13] = [
    "architecture",
    "base_image_ref",
    "hw_",
    "hypervisor_type",
    "image_type",
    "img_",
    "instance_uuid",
    "kernel_id",
    "os_distro",
    "os_type",
    "os_version",
    "ramdisk_id",
    "replicated_",
];

// === impl ImageFilters ===

impl ImageFilters {
    /// Requires a custom property to have this value.
    pub(super) fn require(&mut self, property: &str, value: &str) {
        self.properties
            .insert(property.to_owned(), value.to_owned());
    }

    /// Whether the image is one of the list.
    pub(super) fn admit(&self, image: &Image) -> bool {
        let is = |wanted: Option<u64>, value| wanted.is_none_or(|wanted| wanted == value);
        let named = |name: &String| image.name.as_ref() == Some(name);
        let has = |(key, value): (&String, &String)| image.properties.get(key) == Some(value);
        self.name.as_ref().is_none_or(named)
            && self
                .status
                .as_ref()
                .is_none_or(|status| status.admits(&image.status))
            && is(self.min_disk, image.min_disk)
            && is(self.min_ram, image.min_ram)
            && self
                .changes_since
                .is_none_or(|since| image.updated_at >= since)
            && self.properties.iter().all(has)
    }

    /// What Glance can leave out by itself.
    pub(super) fn for_glance(&self) -> ImageFilter {
        let mut filter = ImageFilter::default();
        if let Some(name) = &self.name {
            filter = filter.name(name);
        }
        if let Some(status) = self.status.as_ref().and_then(StatusFilter::for_glance) {
            filter = filter.status(&status);
        }
        if let Some(min_disk) = self.min_disk {
            filter = filter.min_disk(min_disk);
        }
        if let Some(min_ram) = self.min_ram {
            filter = filter.min_ram(min_ram);
        }
        if let Some(since) = self.changes_since {
            filter = filter.updated_since(since);
        }
        for (key, value) in &self.properties {
            if is_left_to_glance(key) {
                filter = filter.property(key, value);
            }
        }
        filter
    }

    /// Whether Glance leaves out all that is to be left out, but for oddities of its database.
    pub(super) fn are_glances(&self) -> bool {
        let by_status = |status: &StatusFilter| status.for_glance().is_some();
        self.status.as_ref().is_none_or(by_status)
            && self.properties.keys().all(|key| is_left_to_glance(key))
    }
}

/// A name that ends like a range is taken for one by Glance, whatever it begins with.
fn is_left_to_glance(property: &str) -> bool {
    LEFT_TO_GLANCE
        .iter()
        .any(|prefix| property.starts_with(prefix))
        && !property.ends_with("_min")
        && !property.ends_with("_max")
}

// === impl StatusFilter ===

impl StatusFilter {
    /// The status of that name, in any case.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "active" => Self::Shown(ComputeStatus::Active),
            "saving" => Self::Shown(ComputeStatus::Saving),
            "deleted" => Self::Shown(ComputeStatus::Deleted),
            "error" => Self::Shown(ComputeStatus::Error),
            "unknown" => Self::Shown(ComputeStatus::Unknown),
            "queued" => Self::OfGlance(ImageStatus::Queued),
            "uploading" => Self::OfGlance(ImageStatus::Uploading),
            "importing" => Self::OfGlance(ImageStatus::Importing),
            "deactivated" => Self::OfGlance(ImageStatus::Deactivated),
            "killed" => Self::OfGlance(ImageStatus::Killed),
            "pending_delete" => Self::OfGlance(ImageStatus::PendingDelete),
            _ => return None,
        })
    }

    fn admits(&self, status: &ImageStatus) -> bool {
        match self {
            Self::Shown(shown) => ComputeStatus::of(status) == *shown,
            Self::OfGlance(wanted) => status == wanted,
        }
    }

    /// The one status of Glance's that stands for it, if it is one.
    fn for_glance(&self) -> Option<ImageStatus> {
        match self {
            Self::Shown(ComputeStatus::Active) => Some(ImageStatus::Active),
            Self::Shown(ComputeStatus::Error) => Some(ImageStatus::Killed),
            // Glance lists no deleted images at all, under either of its names for them.
            Self::Shown(ComputeStatus::Deleted) => Some(ImageStatus::Deleted),
            Self::Shown(ComputeStatus::Saving | ComputeStatus::Unknown) => None,
            Self::OfGlance(status) => Some(status.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::sample::image;

    fn admits(change: impl FnOnce(&mut ImageFilters)) -> bool {
        let mut filters = ImageFilters::default();
        change(&mut filters);
        filters.admit(&image())
    }

    #[test]
    fn each_filter_tells_the_image_from_others() {
        assert!(admits(|_| ()));
        for (name, expected) in [("jammy", true), ("Jammy", false), ("", false)] {
            assert_eq!(
                admits(|filters| filters.name = Some(name.to_owned())),
                expected
            );
        }
        for (number, expected) in [(3, true), (2, false), (4, false)] {
            assert_eq!(admits(|filters| filters.min_disk = Some(number)), expected);
            assert_eq!(
                admits(|filters| filters.min_ram = Some(number + 509)),
                expected
            );
        }
        for (time, expected) in [("06:33:27", true), ("06:33:26", true), ("06:33:28", false)] {
            let since = format!("2015-10-06T{time}Z").parse().ok();
            assert_eq!(admits(|filters| filters.changes_since = since), expected);
        }
        for (value, expected) in [("x86_64", true), ("X86_64", false)] {
            assert_eq!(
                admits(|filters| filters.require("architecture", value)),
                expected
            );
        }
        assert!(!admits(|filters| filters.require("os_distro", "")));
    }

    #[test]
    fn a_status_goes_by_both_names() {
        let mut queued = image();
        queued.status = ImageStatus::Queued;
        for (name, active_too, queued_too) in [
            ("ACTIVE", true, false),
            ("active", true, false),
            ("Saving", false, true),
            ("queued", false, true),
            ("killed", false, false),
            ("deleted", false, false),
            ("unknown", false, false),
        ] {
            let filters = ImageFilters {
                status: StatusFilter::named(name),
                ..ImageFilters::default()
            };
            assert_eq!(filters.admit(&image()), active_too, "{name}");
            assert_eq!(filters.admit(&queued), queued_too, "{name}");
        }
        assert_eq!(StatusFilter::named("fine"), None);
    }

    #[test]
    fn glance_is_asked_for_what_it_cannot_misunderstand() {
        for (property, left) in [
            ("image_type", true),
            ("hw_disk_bus", true),
            ("hw_vcpu_max", false),
            ("limit", false),
            ("metadata", false),
            ("os_hidden", false),
        ] {
            let mut filters = ImageFilters::default();
            filters.require(property, "x");
            assert_eq!(filters.are_glances(), left, "{property}");
            let asked = ImageFilter::default().property(property, "x");
            assert_eq!(filters.for_glance() == asked, left, "{property}");
        }
        let saving = ImageFilters {
            status: StatusFilter::named("SAVING"),
            ..ImageFilters::default()
        };
        assert!(!saving.are_glances());
    }
}
