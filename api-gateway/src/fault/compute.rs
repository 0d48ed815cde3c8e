//! The compute API's failures: one key that names the kind, and in it the message and the code. The
//! names are those of Nova's `Fault` (`nova/api/openstack/wsgi.py`).

use http::StatusCode;
use serde_json::Value;

use super::Fault;

/// The body in this style, with Nova's order of keys and its spaces: the documented failures are
/// reproduced to the byte.
pub(super) fn body(fault: &Fault) -> String {
    let status = fault.status();
    let (kind, code) = (kind(status), status.as_u16());
    let message = Value::from(fault.message());
    let retry = match fault.retry_after_seconds() {
        // Nova repeats the header here, as a string, and only with this kind.
        Some(seconds) if kind == OVER_LIMIT => format!(", \"retryAfter\": \"{seconds}\""),
        Some(_) | None => String::new(),
    };
    format!("{{\"{kind}\": {{\"message\": {message}, \"code\": {code}{retry}}}}}")
}

const OVER_LIMIT: &str = "overLimit";

const fn kind(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "badRequest",
        StatusCode::UNAUTHORIZED => "unauthorized",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::NOT_FOUND => "itemNotFound",
        StatusCode::METHOD_NOT_ALLOWED => "badMethod",
        StatusCode::CONFLICT => "conflictingRequest",
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::TOO_MANY_REQUESTS => OVER_LIMIT,
        StatusCode::SERVICE_UNAVAILABLE => "serviceUnavailable",
        _ => "computeFault",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_tenant_that_is_not_the_tokens_reads_the_documented_bytes() {
        // From the reference of the documented service.
        let documented = concat!(
            r#"{"badRequest": {"message": "Malformed request URL: URL's project_id "#,
            r#"'b17a6492bfa54441910e15f0c983384' doesn't match Context's project_id "#,
            r#"'b17a6492bfa54441910e15f07c983384'", "code": 400}}"#
        );
        let message = "Malformed request URL: URL's project_id 'b17a6492bfa54441910e15f0c983384' \
                       doesn't match Context's project_id 'b17a6492bfa54441910e15f07c983384'";
        assert_eq!(body(&Fault::BadRequest(message.to_owned())), documented);
    }

    #[test]
    fn kinds_are_novas() {
        for (fault, expected) in [
            (
                Fault::NotFound("Image not found.".to_owned()),
                r#"{"itemNotFound": {"message": "Image not found.", "code": 404}}"#,
            ),
            (
                Fault::NotAuthenticated,
                r#"{"unauthorized": {"message": "Authentication required.", "code": 401}}"#,
            ),
            (
                Fault::Forbidden("\"no\"".to_owned()),
                r#"{"forbidden": {"message": "\"no\"", "code": 403}}"#,
            ),
            (
                Fault::unavailable("Glance is down."),
                r#"{"serviceUnavailable": {"message": "Glance is down.", "code": 503}}"#,
            ),
            (
                Fault::TooMany {
                    message: "Slow down.".to_owned(),
                    retry_after: Duration::from_secs(3),
                },
                r#"{"overLimit": {"message": "Slow down.", "code": 429, "retryAfter": "3"}}"#,
            ),
            (
                Fault::BodyTooLarge { limit: 8 },
                r#"{"overLimit": {"message": "The request body is larger than 8 bytes.", "code": 413}}"#,
            ),
        ] {
            assert_eq!(body(&fault), expected);
        }
        let begins =
            |fault: &Fault, kind: &str| body(fault).starts_with(&format!("{{\"{kind}\": "));
        assert!(begins(&Fault::MethodNotAllowed, "badMethod"));
        assert!(begins(
            &Fault::Conflict(String::new()),
            "conflictingRequest"
        ));
        assert!(begins(&Fault::Internal, "computeFault"));
        assert!(begins(&Fault::TooSlow, "computeFault"));
    }
}
