//! The query of a list of plans: a page of it, and whose.
//!
//! Keys that are not known are passed over, as the backup API does.

use url::form_urlencoded;

use crate::whole_number;
use domain::quoted;

/// Plans on a page unless asked otherwise; the backup API's own.
const PAGE: usize = 10;
/// Plans on a page, at most.
const LARGEST_PAGE: usize = 1000;

/// Which part of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlanListQuery {
    /// Plans on the page, 1 to [`LARGEST_PAGE`].
    pub limit: usize,
    /// Plans before it.
    pub offset: usize,
    /// Those of every project.
    pub all_projects: bool,
}

/// A value that does not fit; the text is for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("The query key {key} must be {expected}, not {given}.")]
pub(crate) struct InvalidPlanQuery {
    key: &'static str,
    expected: &'static str,
    given: String,
}

impl PlanListQuery {
    /// Parses the query string of a URL (without `?`).
    ///
    /// # Errors
    /// [`InvalidPlanQuery`] with the first value that is wrong.
    pub(crate) fn parse(query: &str) -> Result<Self, InvalidPlanQuery> {
        let mut parsed = Self {
            limit: PAGE,
            offset: 0,
            all_projects: false,
        };
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match key.as_ref() {
                "limit" => {
                    parsed.limit = match number("limit", &value)? {
                        0 => PAGE,
                        limit => limit.min(LARGEST_PAGE),
                    }
                }
                "offset" => parsed.offset = number("offset", &value)?,
                "all_projects" => parsed.all_projects = flag("all_projects", &value)?,
                _ => {}
            }
        }
        Ok(parsed)
    }
}

fn number(key: &'static str, value: &str) -> Result<usize, InvalidPlanQuery> {
    whole_number::saturating(value).ok_or_else(|| wrong(key, "a whole number, 0 or more", value))
}

/// The spellings that clients send.
fn flag(key: &'static str, value: &str) -> Result<bool, InvalidPlanQuery> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" | "yes" | "y" | "on" => Ok(true),
        "false" | "f" | "0" | "no" | "n" | "off" | "" => Ok(false),
        _ => Err(wrong(key, r#""true" or "false""#, value)),
    }
}

fn wrong(key: &'static str, expected: &'static str, given: &str) -> InvalidPlanQuery {
    InvalidPlanQuery {
        key,
        expected,
        given: quoted(given),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_existing_clients_send() {
        let expected = PlanListQuery {
            limit: 100,
            offset: 20,
            all_projects: false,
        };
        let query = "limit=100&offset=20&all_projects=False&sort=name";
        assert_eq!(PlanListQuery::parse(query), Ok(expected));
    }

    #[test]
    fn a_flag_is_spelt_as_the_backup_api_takes_it() {
        for (spelling, expected) in [("t", true), ("True", true), ("y", true), ("n", false)] {
            let query = format!("all_projects={spelling}");
            let parsed = PlanListQuery::parse(&query).expect(spelling);
            assert_eq!(parsed.all_projects, expected, "{spelling}");
        }
    }

    #[test]
    fn a_page_is_never_empty_nor_endless() {
        for (query, limit) in [
            ("", 10),
            ("limit=0", 10),
            ("limit=1", 1),
            ("limit=99999", 1000),
            ("limit=99999999999999999999", 1000),
        ] {
            let parsed = PlanListQuery::parse(query).expect(query);
            assert_eq!((parsed.limit, parsed.offset), (limit, 0), "{query}");
        }
    }

    #[test]
    fn a_refusal_names_the_key() {
        for (query, key) in [
            ("limit=-1", "limit"),
            ("limit=ten", "limit"),
            ("offset=-1", "offset"),
            ("all_projects=maybe", "all_projects"),
        ] {
            let refusal = PlanListQuery::parse(query).expect_err(query).to_string();
            assert!(refusal.contains(key), "{query}: {refusal}");
        }
    }
}
