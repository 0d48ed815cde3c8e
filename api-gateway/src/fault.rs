//! What a caller is told when something is refused or fails. This is the only file that knows HTTP
//! status codes of failures.
//!
//! Every other file speaks of a [`Fault`] and leaves the rest to this one: `fault/causes.rs` turns the
//! refusals and failures of the parts behind the gateway into faults, `fault/style.rs` chooses by the
//! request's path how the body of one reads, and each of the three styles has its renderer beside it.

mod backup;
mod causes;
mod compute;
mod plan_causes;
mod style;
mod text;

use std::borrow::Cow;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{RETRY_AFTER, VARY, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

pub(crate) use style::in_style;

/// A shared cache must not give one caller's answer to another.
const VARY_BY_TOKEN: HeaderValue = HeaderValue::from_static("X-Auth-Token");

/// How long a caller is asked to wait when a part behind the gateway is out of reach.
const RETRY_WHEN_BACK: Duration = Duration::from_secs(5);

/// A request that is not carried out, with the text that the caller reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 400: the request is not what it must be; the message names the part and the remedy.
    BadRequest(String),
    /// 401: no token, or one that Keystone does not know (any more).
    NotAuthenticated,
    /// 401, as documented for `tenant_id_dst`: a valid token without rights at the destination.
    NoRightsAtDestination(String),
    /// 401: what somebody signs in with is not accepted.
    SignInRefused(String),
    /// 403: a valid token whose roles do not allow the operation.
    Forbidden(String),
    /// 404: it does not exist, or not for this caller.
    NotFound(String),
    /// 405: the path exists, the method does not.
    MethodNotAllowed,
    /// 408: the caller did not send the body in time.
    TooSlow,
    /// 409: what is asked for contradicts the state of things.
    Conflict(String),
    /// 413: the body is larger than allowed, in bytes.
    BodyTooLarge {
        /// The largest body that is taken.
        limit: usize,
    },
    /// 429: a limit of the tenant; it passes.
    TooMany {
        /// Which limit.
        message: String,
        /// When trying again makes sense.
        retry_after: Duration,
    },
    /// 500: a defect of this service; the log has the details under the request id.
    Internal,
    /// 503: a part that this service needs is out of reach.
    Unavailable {
        /// Which part, and what may have happened.
        message: String,
        /// When trying again makes sense.
        retry_after: Duration,
    },
}

impl Fault {
    /// A part is out of reach; the caller is asked to come back in a few seconds.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::Unavailable {
            message: message.into(),
            retry_after: RETRY_WHEN_BACK,
        }
    }

    /// Reports a defect to the log and tells the caller no more than that there is one.
    pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %Chain(error), "a request failed for a reason inside the service");
        Self::Internal
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::NotAuthenticated | Self::NoRightsAtDestination(_) | Self::SignInRefused(_) => {
                StatusCode::UNAUTHORIZED
            }
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn message(&self) -> Cow<'_, str> {
        match self {
            Self::BadRequest(message)
            | Self::NoRightsAtDestination(message)
            | Self::SignInRefused(message)
            | Self::Forbidden(message)
            | Self::NotFound(message)
            | Self::Conflict(message)
            | Self::TooMany { message, .. }
            | Self::Unavailable { message, .. } => message.into(),
            Self::NotAuthenticated => "Authentication required.".into(),
            Self::MethodNotAllowed => {
                "The method is not allowed here; the Allow header lists those that are.".into()
            }
            Self::TooSlow => "The request body did not arrive in time.".into(),
            Self::BodyTooLarge { limit } => {
                format!("The request body is larger than {limit} bytes.").into()
            }
            Self::Internal => "The service failed to answer. The log has the details under the \
                               request id of this answer."
                .into(),
        }
    }

    /// `Retry-After` counts whole seconds (RFC 9110, 10.2.3); never less than asked for, never 0.
    fn retry_after_seconds(&self) -> Option<u64> {
        let wait = self.retry_after()?;
        let rounded_up = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Some(rounded_up.max(1))
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany { retry_after, .. } | Self::Unavailable { retry_after, .. } => {
                Some(*retry_after)
            }
            Self::BadRequest(_)
            | Self::NotAuthenticated
            | Self::NoRightsAtDestination(_)
            | Self::SignInRefused(_)
            | Self::Forbidden(_)
            | Self::NotFound(_)
            | Self::MethodNotAllowed
            | Self::TooSlow
            | Self::Conflict(_)
            | Self::BodyTooLarge { .. }
            | Self::Internal => None,
        }
    }
}

impl IntoResponse for Fault {
    /// Everything but the body: how that reads depends on the request, which a fault does not know.
    /// [`in_style`] writes it.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        let headers = response.headers_mut();
        headers.insert(VARY, VARY_BY_TOKEN);
        if let Some(seconds) = self.retry_after_seconds() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Adds to a 401 the challenge that names the Keystone to get a token from; leaves every other
/// answer as it is.
pub(crate) fn add_challenge(mut response: Response, challenge: &HeaderValue) -> Response {
    if response.status() == StatusCode::UNAUTHORIZED {
        let headers = response.headers_mut();
        headers.insert(WWW_AUTHENTICATE, challenge.clone());
    }
    response
}

/// The challenge of a region whose Keystone is at `uri`; none when the URL cannot stand in a header.
pub(crate) fn challenge(uri: &str) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("Keystone uri=\"{uri}\"")).ok()
}

/// An error with all its causes on one line.
struct Chain<'a>(&'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds() {
        for (wait, expected) in [
            (0, "1"),
            (1, "1"),
            (1_000, "1"),
            (1_001, "2"),
            (30_000, "30"),
        ] {
            let response = Fault::TooMany {
                message: "slow down".to_owned(),
                retry_after: Duration::from_millis(wait),
            }
            .into_response();
            assert_eq!(response.headers()[RETRY_AFTER], expected);
        }
    }

    #[test]
    fn only_a_401_carries_the_challenge() {
        let keystone = challenge("http://127.0.0.1:5000/v3").expect("a header value");
        let unauthorized = add_challenge(Fault::NotAuthenticated.into_response(), &keystone);
        assert_eq!(
            unauthorized.headers()[WWW_AUTHENTICATE],
            "Keystone uri=\"http://127.0.0.1:5000/v3\""
        );
        let internal = add_challenge(Fault::Internal.into_response(), &keystone);
        assert!(!internal.headers().contains_key(WWW_AUTHENTICATE));
    }
}
