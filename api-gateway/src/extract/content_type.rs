//! The Content-Type of a body. Only POST has one that counts: existing clients send
//! `application/octet-stream` or none at all with GET and DELETE.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::fault::Fault;

/// The documented text for a POST without `Content-Type: application/json`.
const MISSING: &str = "There is no such action: Content-Type in header";

/// Requires JSON, in UTF-8 (the only encoding that RFC 8259 allows) if an encoding is named.
///
/// # Errors
/// [`Fault::BadRequest`] with the documented text.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), Fault> {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    match value {
        Some(value) if is_json(value) => Ok(()),
        Some(_) | None => Err(Fault::BadRequest(MISSING.to_owned())),
    }
}

fn is_json(value: &str) -> bool {
    let mut parts = value.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    media_type.eq_ignore_ascii_case("application/json")
        && parts.filter(|part| !part.is_empty()).all(is_utf8_charset)
}

fn is_utf8_charset(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        let value = value.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("charset")
            && (value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("utf8"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(value: Option<&'static str>) -> Result<(), Fault> {
        let value = value.map(|value| (CONTENT_TYPE, value.parse().expect("a header value")));
        require_json(&value.into_iter().collect())
    }

    #[test]
    fn json_is_json_however_it_is_written() {
        for value in [
            "application/json",
            "Application/JSON",
            "application/json; charset=UTF-8",
            "application/json;Charset=\"utf-8\";",
        ] {
            assert_eq!(verdict(Some(value)), Ok(()), "{value}");
        }
    }

    #[test]
    fn everything_else_gets_the_documented_text() {
        let refused = Err(Fault::BadRequest(
            "There is no such action: Content-Type in header".to_owned(),
        ));
        assert_eq!(verdict(None), refused);
        for value in [
            "",
            "text/plain",
            "application/octet-stream",
            "application/jsonp",
            "application/json; charset=latin-1",
            "application/json; boundary=x",
            "application/json, text/plain",
        ] {
            assert_eq!(verdict(Some(value)), refused, "{value}");
        }
    }
}
