//! Which images a list holds: Glance's own query, built so that Glance takes every value literally.
//!
//! Glance reads `in:` and `eq:` at the start of some values as operators; an explicit `eq:` keeps a
//! name a name. It does not hold every key to be a custom property: some are its own columns, and one
//! that ends in `_min` or `_max` is a range. Whoever filters by properties must know the key.

use domain::TenantId;
use jiff::Timestamp;

use super::{ImageStatus, Visibility};

/// Which images; an empty filter lists all that the token's project sees by default: its own, the
/// public ones and those it was invited to and accepted, but no hidden ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct ImageFilter {
    query: Vec<(String, String)>,
}

// === impl ImageFilter ===

impl ImageFilter {
    /// Exactly this name.
    pub fn name(self, name: &str) -> Self {
        self.with("name", format!("eq:{name}"))
    }

    /// This status.
    pub fn status(self, status: &ImageStatus) -> Self {
        self.with("status", format!("eq:{status}"))
    }

    /// With this tag, besides those that were asked for already. Glance drops blanks around it.
    pub fn tag(self, tag: &str) -> Self {
        self.with("tag", tag)
    }

    /// Owned by this project, as Glance spells it.
    pub fn owner(self, owner: &TenantId) -> Self {
        self.with("owner", owner.as_str())
    }

    /// This visibility; by default all but other projects' `community` images.
    pub fn visibility(self, visibility: &Visibility) -> Self {
        self.with("visibility", visibility.as_str())
    }

    /// Only hidden ones, which all other lists leave out.
    pub fn hidden(self) -> Self {
        self.with("os_hidden", "true")
    }

    /// A smallest disk of exactly so many GiB.
    pub fn min_disk(self, gibibytes: u64) -> Self {
        // As a range: Glance compares what has no operator as text, which not every database takes.
        self.with("min_disk_min", gibibytes.to_string())
            .with("min_disk_max", gibibytes.to_string())
    }

    /// A smallest memory of exactly so many MiB.
    pub fn min_ram(self, mebibytes: u64) -> Self {
        self.with("min_ram_min", mebibytes.to_string())
            .with("min_ram_max", mebibytes.to_string())
    }

    /// Made or changed at this time or later.
    pub fn updated_since(self, time: Timestamp) -> Self {
        self.with("updated_at", format!("gte:{time}"))
    }

    /// With this multihash, in the words of the Glance that computed it.
    pub fn os_hash_value(self, hash: &str) -> Self {
        self.with("os_hash_value", hash)
    }

    /// With this md5 checksum.
    pub fn checksum(self, md5: &str) -> Self {
        self.with("checksum", md5)
    }

    /// A custom property with exactly this value; `key` must be none that Glance has a use of its own for.
    pub fn property(self, key: &str, value: &str) -> Self {
        self.with(key, value)
    }

    fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.query.push((key.to_owned(), value.into()));
        self
    }

    /// The query, in the order in which it was built.
    pub(super) fn query(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query.iter().map(|(key, value)| (&**key, &**value))
    }
}
