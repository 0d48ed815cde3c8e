//! A token as a caller presents it.

use http::{HeaderMap, HeaderName};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

const X_AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");

/// Longer ones are no tokens; Keystone refuses them too (`max_token_size` is 255 by default, and
/// a front takes no header of this size).
const LONGEST: usize = 8192;

/// The SHA-256 of a token: tells tokens apart without keeping any.
pub(crate) type TokenDigest = [u8; 32];

/// The value of `X-Auth-Token`. Believed by nobody until Keystone has been asked.
#[derive(Debug, Clone)]
pub(crate) struct PresentedToken(SecretString);

impl PresentedToken {
    /// A token that came otherwise than in the header.
    #[must_use]
    pub(crate) fn new(token: SecretString) -> Self {
        Self(token)
    }

    /// The token in these headers, when there is one that can be one.
    #[must_use]
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(X_AUTH_TOKEN)?.to_str().ok()?.trim();
        (!text.is_empty() && text.len() <= LONGEST).then(|| Self(text.into()))
    }

    /// What it is known by in the cache.
    #[must_use]
    pub(crate) fn digest(&self) -> TokenDigest {
        Sha256::digest(self.0.expose_secret()).into()
    }

    /// The token itself.
    #[must_use]
    pub(crate) const fn secret(&self) -> &SecretString {
        &self.0
    }

    /// The token itself, to be kept with the caller.
    #[must_use]
    pub(crate) fn into_secret(self) -> SecretString {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn presented(value: &[u8]) -> Option<PresentedToken> {
        let value = HeaderValue::from_bytes(value).expect("a header value");
        PresentedToken::of(&HeaderMap::from_iter([(X_AUTH_TOKEN, value)]))
    }

    #[test]
    fn what_cannot_be_a_token_is_none() {
        assert!(PresentedToken::of(&HeaderMap::new()).is_none());
        for value in [&b""[..], b"  ", b"caf\xe9", &[b'a'; LONGEST + 1]] {
            assert!(presented(value).is_none());
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let token = presented(b"gAAAAAsecret").expect("a token");
        assert!(!format!("{token:?}").contains("gAAAAA"));
        assert_ne!(
            token.digest(),
            presented(b"gAAAAAother").expect("a token").digest()
        );
    }
}
