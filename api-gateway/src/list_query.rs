//! The query of a list: filters and paging, parsed key by key so that a refusal names the key.

use domain::{JobId, JobStatus};
use url::form_urlencoded;

use domain::quoted;

/// Jobs on a page, at most and unless asked otherwise.
pub(crate) const LARGEST_PAGE: u16 = 1000;

/// Which jobs to list, and in which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListQuery {
    /// None: every status.
    pub statuses: Vec<JobStatus>,
    /// 1 to [`LARGEST_PAGE`].
    pub limit: u16,
    /// The last job of the page before.
    pub marker: Option<JobId>,
    /// By creation; newest first unless set.
    pub oldest_first: bool,
    /// Every tenant's jobs, for administrators.
    pub all_tenants: bool,
}

/// A query that is refused; the text is for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidQuery {
    /// A key that is not known.
    #[error(
        "Unknown query key {0}: the list takes status, limit, marker, sort_dir and all_tenants."
    )]
    Unknown(String),
    /// A key that may stand there once only.
    #[error("The query key {0} is given more than once: give it once.")]
    Repeated(&'static str),
    /// A value that does not fit.
    #[error("The query key {key} must be {expected}, not {given}.")]
    Wrong {
        /// The key.
        key: &'static str,
        /// What belongs there.
        expected: &'static str,
        /// What stands there.
        given: String,
    },
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            statuses: Vec::new(),
            limit: LARGEST_PAGE,
            marker: None,
            oldest_first: false,
            all_tenants: false,
        }
    }
}

impl ListQuery {
    /// Parses the query string of a URL (without `?`); an empty one asks for the newest jobs.
    ///
    /// # Errors
    /// [`InvalidQuery`] with the first thing that is wrong.
    pub(crate) fn parse(query: &str) -> Result<Self, InvalidQuery> {
        let (mut limit, mut marker, mut oldest_first, mut all_tenants) = (None, None, None, None);
        let mut statuses = Vec::new();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.as_ref();
            match key.as_ref() {
                "status" => {
                    for name in value.split(',') {
                        statuses.push(parse_status(name)?);
                    }
                }
                "limit" => once("limit", &mut limit, parse_limit(value)?)?,
                "marker" => once("marker", &mut marker, parse_marker(value)?)?,
                "sort_dir" => once("sort_dir", &mut oldest_first, parse_sort_dir(value)?)?,
                "all_tenants" => once("all_tenants", &mut all_tenants, parse_flag(value)?)?,
                unknown => return Err(InvalidQuery::Unknown(quoted(unknown))),
            }
        }
        statuses.sort_unstable();
        statuses.dedup();
        Ok(Self {
            statuses,
            limit: limit.unwrap_or(LARGEST_PAGE),
            marker,
            oldest_first: oldest_first.unwrap_or_default(),
            all_tenants: all_tenants.unwrap_or_default(),
        })
    }

    /// The query of the page that follows the one ending with `last`.
    #[must_use]
    pub(crate) fn after(&self, last: JobId) -> String {
        let mut next = form_urlencoded::Serializer::new(String::new());
        for status in &self.statuses {
            next.append_pair("status", status.as_str());
        }
        next.append_pair("limit", &self.limit.to_string());
        if self.oldest_first {
            next.append_pair("sort_dir", "asc");
        }
        if self.all_tenants {
            next.append_pair("all_tenants", "true");
        }
        next.append_pair("marker", &last.to_string());
        next.finish()
    }
}

fn once<T>(key: &'static str, slot: &mut Option<T>, value: T) -> Result<(), InvalidQuery> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(InvalidQuery::Repeated(key)),
    }
}

fn parse_status(name: &str) -> Result<JobStatus, InvalidQuery> {
    name.parse().map_err(|_| {
        wrong(
            "status",
            "a job's status (several are separated by commas)",
            name,
        )
    })
}

fn parse_limit(value: &str) -> Result<u16, InvalidQuery> {
    value
        .parse()
        .ok()
        .filter(|limit| (1..=LARGEST_PAGE).contains(limit))
        .ok_or_else(|| wrong("limit", "a number from 1 to 1000", value))
}

fn parse_marker(value: &str) -> Result<JobId, InvalidQuery> {
    value
        .parse()
        .map_err(|_| wrong("marker", "the job_id that ended the page before", value))
}

fn parse_sort_dir(value: &str) -> Result<bool, InvalidQuery> {
    match value {
        "asc" => Ok(true),
        "desc" => Ok(false),
        _ => Err(wrong("sort_dir", r#""asc" or "desc""#, value)),
    }
}

/// The spellings that OpenStack clients send.
fn parse_flag(value: &str) -> Result<bool, InvalidQuery> {
    match value {
        "true" | "True" | "1" => Ok(true),
        "false" | "False" | "0" => Ok(false),
        _ => Err(wrong("all_tenants", r#""true" or "false""#, value)),
    }
}

fn wrong(key: &'static str, expected: &'static str, given: &str) -> InvalidQuery {
    InvalidQuery::Wrong {
        key,
        expected,
        given: quoted(given),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_query_asks_for_the_newest_thousand() {
        assert_eq!(ListQuery::parse(""), Ok(ListQuery::default()));
        assert_eq!(ListQuery::default().limit, 1000);
    }

    #[test]
    fn statuses_come_separated_by_commas_or_repeated() {
        let expected = vec![JobStatus::Replicated, JobStatus::Error];
        for query in [
            "status=error,replicated",
            "status=replicated&status=error",
            "status=error%2Creplicated&status=error",
        ] {
            let parsed = ListQuery::parse(query).expect(query);
            assert_eq!(parsed.statuses, expected, "{query}");
        }
    }

    #[test]
    fn a_refusal_names_the_key() {
        for (query, key) in [
            ("status=cancelled", "status"),
            ("status=", "status"),
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=-1", "limit"),
            ("limit=99999999999", "limit"),
            ("limit=1&limit=2", "limit"),
            ("marker=7", "marker"),
            ("sort_dir=up", "sort_dir"),
            ("all_tenants=maybe", "all_tenants"),
            ("colour=red", "colour"),
        ] {
            let refusal = ListQuery::parse(query).expect_err(query).to_string();
            assert!(refusal.contains(key), "{query}: {refusal}");
        }
    }

    #[test]
    fn the_next_page_asks_the_same_question_further_down() {
        let marker: JobId = "33911588-c299-4369-a240-7e5b741cdb6a"
            .parse()
            .expect("an id");
        let query = "status=error&limit=7&sort_dir=asc&all_tenants=1";
        let query = ListQuery::parse(query).expect("valid");
        let next = ListQuery::parse(&query.after(marker)).expect("our own query");
        assert_eq!(
            next,
            ListQuery {
                marker: Some(marker),
                ..query
            }
        );
    }
}
