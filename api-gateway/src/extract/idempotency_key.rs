//! `Idempotency-Key`: the caller's own name for a request, so that repeating it is harmless.

use http::{HeaderMap, HeaderName};

use crate::fault::Fault;

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const LONGEST: usize = 255;

/// A key of 1 to 255 printable ASCII characters; unique within the caller's project for a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key in these headers, if there is one.
    ///
    /// # Errors
    /// [`Fault::BadRequest`] when it is sent twice or is none: a caller that relies on it must not be
    /// left without it.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Option<Self>, Fault> {
        let mut values = headers.get_all(HEADER).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        let bytes = value.as_bytes();
        let printable = bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
        if values.next().is_some() || bytes.is_empty() || bytes.len() > LONGEST || !printable {
            return Err(Fault::BadRequest(format!(
                "The header Idempotency-Key must be given once, with 1 to {LONGEST} printable \
                 ASCII characters."
            )));
        }
        Ok(Some(Self(String::from_utf8_lossy(bytes).into_owned())))
    }

    /// The key's text.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn key(values: &[&[u8]]) -> Result<Option<IdempotencyKey>, Fault> {
        let headers = values
            .iter()
            .map(|value| {
                (
                    HEADER,
                    HeaderValue::from_bytes(value).expect("a header value"),
                )
            })
            .fold(HeaderMap::new(), |mut headers, (name, value)| {
                headers.append(name, value);
                headers
            });
        IdempotencyKey::of(&headers)
    }

    #[test]
    fn a_key_is_printable_and_not_too_long() {
        assert_eq!(key(&[]), Ok(None));
        let plain = key(&[b"nightly copy 7"]).expect("a key").expect("a key");
        assert_eq!(plain.as_str(), "nightly copy 7");
        assert!(key(&[&[b'k'; 255]]).is_ok());
        for refused in [
            &[&b""[..]][..],
            &[&[b'k'; 256]],
            &[b"caf\xc3\xa9"],
            &[b"a\tb"],
            &[b"a", b"a"],
        ] {
            assert!(
                matches!(key(refused), Err(Fault::BadRequest(_))),
                "{refused:?}"
            );
        }
    }
}
