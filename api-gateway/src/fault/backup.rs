//! The backup API's failures: a title and a description. The titles are Freezer's where it has one
//! (`freezer_api/common/exceptions.py`), else the code's reason. Its clients show the description.

use http::StatusCode;
use serde_json::Value;

use super::Fault;

/// The body in this style.
pub(super) fn body(fault: &Fault) -> String {
    let title = Value::from(title(fault.status()));
    let description = Value::from(fault.message());
    format!("{{\"title\": {title}, \"description\": {description}}}")
}

fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "Bad request format",
        StatusCode::FORBIDDEN => "Access Forbidden",
        StatusCode::METHOD_NOT_ALLOWED => "Bad Method",
        other => other.canonical_reason().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_freezers_or_the_codes_reason() {
        for (fault, expected) in [
            (
                Fault::BadRequest("schedule_hour: \"25\" is no hour".to_owned()),
                r#"{"title": "Bad request format", "description": "schedule_hour: \"25\" is no hour"}"#,
            ),
            (
                Fault::Forbidden("Not yours.".to_owned()),
                r#"{"title": "Access Forbidden", "description": "Not yours."}"#,
            ),
            (
                Fault::NotFound("No such plan.".to_owned()),
                r#"{"title": "Not Found", "description": "No such plan."}"#,
            ),
            (
                Fault::NotAuthenticated,
                r#"{"title": "Unauthorized", "description": "Authentication required."}"#,
            ),
        ] {
            assert_eq!(body(&fault), expected);
        }
    }
}
