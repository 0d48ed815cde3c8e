//! The query of an image list: filters and paging, parsed key by key so that a refusal names the key.
//!
//! As in Nova, keys that it does not know are ignored, and of a key that is given several times the
//! last value counts. `limit=0` means no limit of the caller's own.

use std::collections::BTreeMap;

use domain::ImageId;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use url::form_urlencoded;

use super::filters::{ImageFilters, StatusFilter};
use crate::whole_number;
use domain::quoted;

/// Images on a page, at most and unless asked otherwise. Nova's `max_limit`.
const LARGEST_PAGE: usize = 1000;

/// The largest number that Glance's database takes for disk and memory.
const LARGEST_NUMBER: u64 = i32::MAX as u64;

/// Which images to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageQuery {
    /// Which.
    pub(super) filters: ImageFilters,
    /// 1 to [`LARGEST_PAGE`].
    pub limit: usize,
    /// The last image of the page before.
    pub marker: Option<ImageId>,
    /// All that was given, for the link to the next page.
    given: BTreeMap<String, String>,
}

/// A value that does not fit; the text is for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid value for query parameter {key}: it must be {expected}, not {given}.")]
pub(crate) struct InvalidQuery {
    key: String,
    expected: &'static str,
    given: String,
}

impl ImageQuery {
    /// Parses the query string of a URL, without `?`.
    ///
    /// # Errors
    /// [`InvalidQuery`] with the first key, in alphabetical order, whose value does not fit.
    pub(crate) fn parse(query: &str) -> Result<Self, InvalidQuery> {
        let given: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let mut filters = ImageFilters::default();
        let (mut limit, mut marker) = (LARGEST_PAGE, None);
        for (key, value) in &given {
            let wrong = |expected| InvalidQuery {
                key: key.clone(),
                expected,
                given: quoted(value),
            };
            match key.as_str() {
                "limit" => {
                    limit = match whole_number::saturating(value)
                        .ok_or_else(|| wrong("a whole number"))?
                    {
                        0 => LARGEST_PAGE,
                        asked => asked.min(LARGEST_PAGE),
                    };
                }
                "marker" => {
                    let id = value.parse().map_err(|_| wrong("the id of an image"))?;
                    marker = Some(id);
                }
                "name" => filters.name = Some(value.clone()),
                "status" => {
                    let status = StatusFilter::named(value);
                    filters.status = Some(status.ok_or_else(|| wrong("the status of an image"))?);
                }
                "minDisk" => filters.min_disk = Some(number(value).ok_or_else(|| wrong(A_NUMBER))?),
                "minRam" => filters.min_ram = Some(number(value).ok_or_else(|| wrong(A_NUMBER))?),
                "changes-since" => {
                    let time = time(value).ok_or_else(|| wrong("a time as in ISO 8601"))?;
                    filters.changes_since = Some(time);
                }
                "type" => filters.require("image_type", value),
                // A server may be named by its address.
                "server" => {
                    let id = value.rsplit('/').next().unwrap_or(value);
                    filters.require("instance_uuid", id);
                }
                other => {
                    if let Some(property) = other.strip_prefix("property-") {
                        filters.require(property, value);
                    }
                }
            }
        }
        Ok(Self {
            filters,
            limit,
            marker,
            given,
        })
    }

    /// The query of the page behind the image `last`.
    pub(super) fn after(&self, last: ImageId) -> String {
        let mut next = form_urlencoded::Serializer::new(String::new());
        next.extend_pairs(self.given.iter().filter(|(key, _)| *key != "marker"));
        next.append_pair("marker", &last.to_string());
        next.finish()
    }
}

const A_NUMBER: &str = "a whole number up to 2147483647";

fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number| *number <= LARGEST_NUMBER)
}

/// A time with an offset, or without one in UTC; a date is its first moment.
fn time(text: &str) -> Option<Timestamp> {
    let without_offset = || {
        let time: DateTime = text.parse().ok()?;
        time.to_zoned(TimeZone::UTC).ok()
    };
    let parsed = text.parse().ok();
    parsed.or_else(|| without_offset().map(|zoned| zoned.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> ImageQuery {
        ImageQuery::parse(query).expect(query)
    }

    #[test]
    fn no_query_asks_for_everything_page_by_page() {
        for query in [
            "",
            "limit=0",
            "limit=1000",
            "limit=1001",
            "limit=99999999999999999999",
        ] {
            let query = parse(query);
            assert_eq!((query.limit, query.marker), (LARGEST_PAGE, None));
            assert_eq!(query.filters, ImageFilters::default());
        }
        assert_eq!(parse("limit=7").limit, 7);
    }

    #[test]
    fn every_filter_is_understood() {
        let query = parse(
            "name=a%20b&minDisk=3&minRam=512&changes-since=2026-01-02T03:04:05%2B09:00\
             &type=snapshot&server=http://n/v2/p/servers/s1&property-os_distro=debian&status=active",
        );
        let mut expected = ImageFilters {
            name: Some("a b".to_owned()),
            status: StatusFilter::named("ACTIVE"),
            min_disk: Some(3),
            min_ram: Some(512),
            changes_since: Some("2026-01-01T18:04:05Z".parse().expect("a time")),
            ..ImageFilters::default()
        };
        expected.require("image_type", "snapshot");
        expected.require("instance_uuid", "s1");
        expected.require("os_distro", "debian");
        assert_eq!(query.filters, expected);
    }

    #[test]
    fn times_may_lack_their_offset_or_their_hours() {
        let expected = time("2026-01-02T00:00:00Z");
        assert!(expected.is_some());
        for text in ["2026-01-02", "2026-01-02T00:00:00", "2026-01-02 00:00"] {
            assert_eq!(time(text), expected, "{text}");
        }
        assert_eq!(time("yesterday"), None);
    }

    #[test]
    fn the_last_value_counts_and_strange_keys_do_not() {
        let query = parse("limit=1&limit=2&colour=red&offset=x&page_size=-1");
        assert_eq!(query.limit, 2);
        assert_eq!(query.filters, ImageFilters::default());
    }

    #[test]
    fn a_refusal_names_the_parameter() {
        for (query, key) in [
            ("limit=-1", "limit"),
            ("limit=", "limit"),
            ("limit=%2B1", "limit"),
            ("limit=x", "limit"),
            ("marker=7", "marker"),
            ("status=fine", "status"),
            ("minDisk=-1", "minDisk"),
            ("minDisk=2147483648", "minDisk"),
            ("minRam=1.5", "minRam"),
            ("changes-since=soon", "changes-since"),
        ] {
            let refusal = ImageQuery::parse(query).expect_err(query).to_string();
            assert!(refusal.contains(&format!("parameter {key}:")), "{refusal}");
        }
    }

    #[test]
    fn the_next_page_asks_the_same_question_further_down() {
        let id: ImageId = "70a599e0-31e7-49b7-b260-868f441e862b"
            .parse()
            .expect("an id");
        let first = parse("name=a%26b&limit=2&marker=33911588-c299-4369-a240-7e5b741cdb6a");
        let next = parse(&first.after(id));
        assert_eq!(next.marker, Some(id));
        assert_eq!((next.limit, next.filters), (first.limit, first.filters));
    }
}
