//! The filter in the body of a list: `{"match": [{k: v}], "match_not": [{k: v}]}`.
//!
//! As in the backup API, a field is found wherever it stands in the document, `status` in `job_schedule` too; a name
//! with dots says where. `_all` is any field: it finds whole words, in any case. Its value may also be a list of
//! fields as JSON text, which is how the command line client says what it searches for.

use serde_json::Value;

use super::draft::json;
use super::invalid_plan::InvalidPlan;
use super::members::Members;

/// Any field.
const ALL: &str = "_all";

/// Conditions of a filter, at most. Each is held against every value of every plan: without a bound, one
/// request could keep a processor busy for minutes. Clients send one or two.
const MOST: usize = 20;

/// Which plans are listed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Search {
    wanted: Vec<Condition>,
    unwanted: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    /// A field with a value.
    Field(Vec<String>, Value),
    /// Words in any field.
    Words(String),
}

impl Search {
    /// Parses a body; an empty one, or null, wants everything. What is neither `match` nor `match_not` is not looked at.
    ///
    /// # Errors
    /// [`InvalidPlan`] with the field that is wrong.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, InvalidPlan> {
        if body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let body = json(body)?;
        if body.is_null() {
            return Ok(Self::default());
        }
        let mut body = Members::of("", body)?;
        let search = Self {
            wanted: conditions(&mut body, "match")?,
            unwanted: conditions(&mut body, "match_not")?,
        };
        if search.wanted.len() + search.unwanted.len() > MOST {
            const EXPECTED: &str = "20 conditions together, at most";
            return Err(InvalidPlan::wrong("match and match_not", EXPECTED));
        }
        Ok(search)
    }

    /// Whether it wants everything.
    pub(super) fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.unwanted.is_empty()
    }

    /// Whether a document is wanted.
    pub(super) fn wants(&self, document: &Value) -> bool {
        self.wanted
            .iter()
            .all(|condition| condition.holds(document))
            && !self
                .unwanted
                .iter()
                .any(|condition| condition.holds(document))
    }
}

impl Condition {
    fn holds(&self, document: &Value) -> bool {
        match self {
            Self::Field(path, value) => {
                let mut found = false;
                visit(document, &mut |within| {
                    found = found || at(within, path).is_some_and(|there| is_same(there, value));
                });
                found
            }
            Self::Words(words) => {
                let mut found = false;
                visit(document, &mut |there| {
                    found = found || scalar(there).is_some_and(|text| has_words(&text, words));
                });
                found
            }
        }
    }
}

fn conditions(body: &mut Members, key: &'static str) -> Result<Vec<Condition>, InvalidPlan> {
    const EXPECTED: &str = r#"a list of objects, for example [{"client_id": "nightly"}]"#;
    let list = body.optional(key, EXPECTED, |list| list.as_array().cloned())?;
    list.unwrap_or_default()
        .iter()
        .try_fold(Vec::new(), |mut all, object| {
            let Value::Object(fields) = object else {
                return Err(InvalidPlan::wrong(key, EXPECTED));
            };
            for (name, value) in fields {
                all.extend(condition(name, value));
            }
            Ok(all)
        })
}

fn condition(name: &str, value: &Value) -> Vec<Condition> {
    if name != ALL {
        let path = name.split('.').map(ToOwned::to_owned).collect();
        return vec![Condition::Field(path, value.clone())];
    }
    let text = scalar(value).unwrap_or_default();
    match serde_json::from_str(&text) {
        Ok(Value::Array(objects)) => objects
            .iter()
            .filter_map(Value::as_object)
            .flatten()
            .flat_map(|(name, value)| condition(name, value))
            .collect(),
        Ok(_) | Err(_) => vec![Condition::Words(text)],
    }
}

/// Every value of a document, itself first.
fn visit<'a>(value: &'a Value, visitor: &mut impl FnMut(&'a Value)) {
    visitor(value);
    match value {
        Value::Object(members) => members.values().for_each(|member| visit(member, visitor)),
        Value::Array(items) => items.iter().for_each(|item| visit(item, visitor)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn at<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(value, |within, key| within.get(key))
}

/// Clients write numbers as texts too.
fn is_same(a: &Value, b: &Value) -> bool {
    a == b || matches!((scalar(a), scalar(b)), (Some(a), Some(b)) if a == b)
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether `words` stand in `text`, neither a part of longer words.
fn has_words(text: &str, words: &str) -> bool {
    let (text, words) = (text.to_lowercase(), words.trim().to_lowercase());
    let is_edge = |next: Option<char>| !next.is_some_and(char::is_alphanumeric);
    text.match_indices(&words).any(|(start, found)| {
        let end = start + found.len();
        is_edge(text[..start].chars().next_back()) && is_edge(text[end..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Value {
        json!({
            "job_id": "e632eb1884e0468c8a41e656942df500", "name": "Nightly copy 10",
            "client_id": "p_host", "session_tag": 7, "disabled": false, "status": "scheduled",
            "job_schedule": {"schedule_hour": "13", "event": "stop"},
            "job_actions": [{"freezer_action": {"mode": "glance-image", "image_name": "golden"}}],
        })
    }

    fn wants(search: Value) -> bool {
        let search = Search::parse(search.to_string().as_bytes()).expect("valid");
        search.wants(&document())
    }

    #[test]
    fn no_filter_wants_everything() {
        for body in [
            "",
            "  ",
            "null",
            "{}",
            r#"{"match": []}"#,
            r#"{"match_not": null}"#,
        ] {
            let search = Search::parse(body.as_bytes()).expect(body);
            assert!(search.is_empty() && search.wants(&document()), "{body}");
        }
    }

    #[test]
    fn a_field_is_found_wherever_it_stands() {
        for (field, value, expected) in [
            ("client_id", json!("p_host"), true),
            ("client_id", json!("p_hos"), false),
            ("event", json!("stop"), true),
            ("job_schedule.event", json!("stop"), true),
            ("job_schedule.status", json!("scheduled"), false),
            ("image_name", json!("golden"), true),
            ("session_tag", json!("7"), true),
            ("disabled", json!(false), true),
            ("colour", json!("red"), false),
            ("colour", Value::Null, false),
        ] {
            let search = json!({"match": [{field: value}]});
            assert_eq!(wants(search.clone()), expected, "{search}");
            let search = json!({"match_not": [{field: value}]});
            assert_eq!(wants(search.clone()), !expected, "{search}");
        }
    }

    #[test]
    fn all_wanted_and_none_unwanted() {
        let (stopped, nobodys) = (json!({"event": "stop"}), json!({"client_id": "nobody"}));
        assert!(wants(json!({"match": [stopped], "match_not": [nobodys]})));
        assert!(!wants(json!({"match": [stopped, nobodys]})));
        assert!(!wants(json!({"match_not": [nobodys, stopped]})));
    }

    #[test]
    fn all_fields_are_searched_for_whole_words() {
        for (words, expected) in [
            ("nightly", true),
            ("COPY 10", true),
            ("copy 1", false),
            ("night", false),
            ("p_host", true),
            ("7", true),
            ("glance", true),
            ("schedule_hour", false),
            (
                r#"[{"client_id": "p_host"}, {"status": "scheduled"}]"#,
                true,
            ),
            (
                r#"[{"client_id": "p_host"}, {"status": "completed"}]"#,
                false,
            ),
        ] {
            assert_eq!(
                wants(json!({"match": [{"_all": words}]})),
                expected,
                "{words}"
            );
        }
    }

    #[test]
    fn a_filter_of_thousands_of_conditions_is_refused() {
        let search = |wanted: usize, unwanted: usize| {
            let conditions = |count| vec![json!({"colour": "red"}); count];
            let body = json!({"match": conditions(wanted), "match_not": conditions(unwanted)});
            Search::parse(body.to_string().as_bytes())
        };
        assert!(search(12, 8).is_ok());
        let listed =
            json!({"match_not": [{"_all": json!(vec![json!({"colour": "red"}); 21]).to_string()}]});
        let listed = Search::parse(listed.to_string().as_bytes());
        for refused in [search(21, 0), search(0, 3000), listed] {
            let refusal = refused.expect_err("too many").to_string();
            assert!(refusal.contains("20 conditions"), "{refusal}");
        }
    }

    #[test]
    fn a_refusal_names_the_field() {
        for wrong in [json!({"match": {"a": 1}}), json!({"match": ["a"]})] {
            let refusal = Search::parse(wrong.to_string().as_bytes()).expect_err("no list");
            assert!(
                refusal.to_string().contains("match must be a list"),
                "{refusal}"
            );
        }
        assert_eq!(Search::parse(b"[]"), Err(InvalidPlan::NotAnObject));
    }
}
