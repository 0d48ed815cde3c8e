//! Everything that can go wrong with Keystone and Glance, as one enum of plain facts.
//!
//! Which of them are worth another try is for callers to decide (the copy engine owns that table).
//! Every text is bounded, free of markup and free of tokens.

use http::StatusCode;

use crate::Withheld;
use crate::connector::timed_out;

/// An answer that was not the one hoped for, or no answer.
///
/// Messages are the service's own words where it gave any.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// 401: the token (or the password) is not accepted. Keystone middleware also answers so when it
    /// could not validate a good token, which is why a lone one deserves a second try.
    #[error("not authorized: {0}")]
    Unauthorized(String),
    /// 403: the token is good, its roles are not enough (or the image is deactivated, or protected).
    #[error("forbidden: {0}")]
    Forbidden(String),
    /// 404: it does not exist for this token.
    #[error("not found: {0}")]
    NotFound(String),
    /// 409: the state does not allow it (a second upload, an id that was used before).
    #[error("conflict: {0}")]
    Conflict(String),
    /// 410: the image was deleted while it was written.
    #[error("gone: {0}")]
    Gone(String),
    /// 413: Glance answers so when a quota is exceeded; a front, when its own body limit is.
    #[error("too large: {0}")]
    TooLarge(String),
    /// 416: the range lies outside of the image.
    #[error("range not satisfiable: {0}")]
    RangeNotSatisfiable(String),
    /// 429: asked too often.
    #[error("too many requests: {0}")]
    TooManyRequests(String),
    /// Any other 4xx.
    #[error("refused with status {status}: {message}")]
    BadRequest {
        /// The status.
        status: u16,
        /// The service's words.
        message: String,
    },
    /// 3xx. Not followed: the token would go to a host that nobody configured.
    #[error("redirected with status {status}, which is not followed")]
    Redirected {
        /// The status.
        status: u16,
    },
    /// 5xx, from the service or from a front before it.
    #[error("server error {status}: {message}")]
    ServerError {
        /// The status.
        status: u16,
        /// The service's words.
        message: String,
    },
    /// No connection: refused, no route, unknown host, TLS handshake failed.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// The connection broke before the answer (or its body) was complete.
    #[error("connection broken: {0}")]
    Interrupted(String),
    /// Nothing came within the configured time.
    #[error("no answer in time while {0}")]
    Timeout(&'static str),
    /// An answer that does not make sense.
    #[error("unexpected answer: {0}")]
    Malformed(String),
    /// A range was asked for and the whole image (or another range) came.
    #[error("the range was not honoured: {0}")]
    RangeIgnored(String),
    /// The body of an upload failed, or was not as long as announced. The image is not active.
    #[error("the upload's body failed: {0}")]
    UploadBody(String),
    /// The service user got no token for the request; the request was not made.
    #[error("no service token for {scope}: {cause}")]
    NoToken {
        /// What the token was to be scoped to.
        scope: String,
        /// Keystone's answer.
        cause: Box<Error>,
    },
    /// The write was not sent, because its gate does not permit it any more.
    #[error(transparent)]
    Withheld(#[from] Withheld),
    /// The catalog lists no such endpoint for the region.
    #[error("the catalog has no {interface} endpoint of service `{service}` in region `{region}`")]
    NoEndpoint {
        /// Service type.
        service: &'static str,
        /// Interface, for example `public`.
        interface: String,
        /// Region id.
        region: String,
    },
    /// The client cannot be built from its settings.
    #[error("{0}")]
    Settings(String),
}

impl Error {
    /// The error that an answer with this status and body is, as its readers are told.
    #[doc(hidden)]
    #[must_use]
    pub fn of_answer(status: StatusCode, body: &[u8]) -> Self {
        Self::from_status(status, crate::body_text::human_text(body))
    }

    /// The error that a status other than 2xx stands for.
    pub(crate) fn from_status(status: StatusCode, message: String) -> Self {
        match status.as_u16() {
            300..=399 => Self::Redirected {
                status: status.as_u16(),
            },
            401 => Self::Unauthorized(message),
            403 => Self::Forbidden(message),
            404 => Self::NotFound(message),
            409 => Self::Conflict(message),
            410 => Self::Gone(message),
            413 => Self::TooLarge(message),
            416 => Self::RangeNotSatisfiable(message),
            429 => Self::TooManyRequests(message),
            400..=499 => Self::BadRequest {
                status: status.as_u16(),
                message,
            },
            500..=599 => Self::ServerError {
                status: status.as_u16(),
                message,
            },
            other => Self::Malformed(format!("status {other}")),
        }
    }

    /// Whether it is certain that the request changed nothing and never will: it was not sent, or the
    /// service refused it. Any other failure may have come after the deed, an answer that cannot be
    /// read included.
    #[must_use]
    pub const fn changed_nothing(&self) -> bool {
        match self {
            Self::Unauthorized(_)
            | Self::Forbidden(_)
            | Self::NotFound(_)
            | Self::Conflict(_)
            | Self::Gone(_)
            | Self::TooLarge(_)
            | Self::RangeNotSatisfiable(_)
            | Self::TooManyRequests(_)
            | Self::BadRequest { .. }
            | Self::NoToken { .. }
            | Self::Withheld(_)
            | Self::NoEndpoint { .. }
            | Self::Settings(_) => true,
            Self::Redirected { .. }
            | Self::ServerError { .. }
            | Self::Unreachable(_)
            | Self::Interrupted(_)
            | Self::Timeout(_)
            | Self::Malformed(_)
            | Self::RangeIgnored(_)
            | Self::UploadBody(_) => false,
        }
    }

    /// Whether the service (or the way to it) is down: no connection, no answer in time, or 5xx.
    ///
    /// A fact, not advice: whether waiting helps is the caller's to say. A missing service token
    /// counts as what Keystone's own failure was.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::ServerError { .. }
            | Self::Unreachable(_)
            | Self::Interrupted(_)
            | Self::Timeout(_) => true,
            Self::NoToken { cause, .. } => cause.is_outage(),
            Self::Unauthorized(_)
            | Self::Forbidden(_)
            | Self::NotFound(_)
            | Self::Conflict(_)
            | Self::Gone(_)
            | Self::TooLarge(_)
            | Self::RangeNotSatisfiable(_)
            | Self::TooManyRequests(_)
            | Self::BadRequest { .. }
            | Self::Redirected { .. }
            | Self::Malformed(_)
            | Self::RangeIgnored(_)
            | Self::UploadBody(_)
            | Self::Withheld(_)
            | Self::NoEndpoint { .. }
            | Self::Settings(_) => false,
        }
    }

    pub(crate) fn settings(what: &str, error: impl std::fmt::Display) -> Self {
        Self::Settings(format!("{what}: {error}"))
    }

    /// An error of the pooled client, which never names the address: it may tell callers what they must
    /// not see.
    pub(crate) fn from_client(
        error: &hyper_util::client::legacy::Error,
        doing: &'static str,
    ) -> Self {
        if timed_out(error) {
            Self::Timeout(doing)
        } else if error.is_connect() {
            Self::Unreachable(chain(error))
        } else {
            Self::Interrupted(chain(error))
        }
    }
}

/// An error with its causes, the innermost last: transport errors say nothing useful on top.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_become_facts() {
        let of = |status| {
            Error::from_status(
                StatusCode::from_u16(status).expect("a status"),
                "why".to_owned(),
            )
        };
        assert_eq!(of(413), Error::TooLarge("why".to_owned()));
        assert_eq!(of(302), Error::Redirected { status: 302 });
        assert_eq!(
            of(415),
            Error::BadRequest {
                status: 415,
                message: "why".to_owned()
            }
        );
        assert!(of(503).is_outage() && !of(404).is_outage());
        assert!(of(403).changed_nothing() && !of(502).changed_nothing());
        assert!(!Error::Malformed("half a document".to_owned()).changed_nothing());
        let no_token = |cause| Error::NoToken {
            scope: "the system".to_owned(),
            cause: Box::new(cause),
        };
        assert!(no_token(of(500)).is_outage() && !no_token(of(401)).is_outage());
    }
}
