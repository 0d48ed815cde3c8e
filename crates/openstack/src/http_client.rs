//! One client a region: its timeouts, its TLS trust and the context that each request carries on.
//!
//! JSON calls to Keystone and Glance pass here; image bytes go through `connection.rs`, with the
//! same settings. A redirect is answered as an error: a token is never sent where it points.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use tracing::{Instrument, Span};
use url::Url;

use crate::body_text::human_text;
use crate::connection::Dialer;
use crate::connector::{Connector, Dial, Parting};
use crate::error::chain;
use crate::request_span::{answered, failed, request_span};
use crate::tls::Trust;
use crate::{Error, RequestContext, Resolver};

/// A JSON answer longer than this is not one of Keystone's or Glance's.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;
/// A connection that nothing used for so long is closed.
const LONGEST_IDLE: Duration = Duration::from_secs(90);
/// An error's text is a few lines.
const LONGEST_REFUSAL: usize = 64 * 1024;
/// `X-Auth-Token`.
pub(crate) const AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");

/// How long to wait, and whom to trust.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// For TCP and TLS together.
    pub connect_timeout: Duration,
    /// For a JSON call as a whole; for a download, until its headers are here.
    pub response_timeout: Duration,
    /// From the last byte of an upload until Glance's answer: it hashes and may move the data.
    pub commit_timeout: Duration,
    /// Certificate authorities (PEM) besides the machine's own; a file that is replaced counts for the next connection.
    pub ca_file: Option<PathBuf>,
    /// Who looks up the names of hosts.
    pub resolver: Resolver,
}

/// A handle to the connections of one region; cheap to clone.
#[derive(Debug, Clone)]
pub struct HttpClient {
    json: Client<Dial, Full<Bytes>>,
    dialer: Arc<Dialer>,
    settings: Arc<HttpSettings>,
    context: RequestContext,
}

/// A JSON call to be made.
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) token: Option<&'a SecretString>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    /// What it does, for the text of a timeout.
    pub(crate) doing: &'static str,
}

/// The answer to a call, read whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: BytesMut,
}

// === impl HttpSettings ===

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(30),
            commit_timeout: Duration::from_secs(600),
            ca_file: None,
            resolver: Resolver::default(),
        }
    }
}

// === impl HttpClient ===

impl HttpClient {
    /// A client with these settings.
    ///
    /// # Errors
    /// [`Error::Settings`] when the certificate file cannot be used.
    pub fn new(settings: HttpSettings) -> Result<Self, Error> {
        let trust = Trust::new(settings.ca_file.as_deref())?;
        let sockets = |parting| {
            let (resolver, patience) = (settings.resolver.clone(), settings.connect_timeout);
            Connector::sockets(resolver, trust.clone(), patience, parting)
        };
        let (calls, transfers) = (sockets(Parting::Close), sockets(Parting::Reset));
        Ok(Self::of(&calls, transfers, settings))
    }

    /// A client that connects in a way of its own: of these settings, those about connecting and trust
    /// are the connector's to keep.
    #[must_use]
    pub fn over(connector: Connector, settings: HttpSettings) -> Self {
        Self::of(&connector.clone(), connector, settings)
    }

    fn of(calls: &Connector, transfers: Connector, settings: HttpSettings) -> Self {
        let json = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(LONGEST_IDLE)
            .build(calls.dial());
        Self {
            json,
            dialer: Arc::new(Dialer::new(transfers)),
            settings: Arc::new(settings),
            context: RequestContext::default(),
        }
    }

    /// The same connections, with requests that carry this context.
    #[must_use]
    pub fn with_context(&self, context: &RequestContext) -> Self {
        Self {
            context: context.clone(),
            ..self.clone()
        }
    }

    pub(crate) fn settings(&self) -> &HttpSettings {
        &self.settings
    }

    pub(crate) fn context(&self) -> &RequestContext {
        &self.context
    }

    /// The error in an answer to a transfer.
    pub(crate) async fn refusal(&self, response: Response<Incoming>) -> Error {
        refusal(response, self.settings.response_timeout).await
    }

    pub(crate) fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    /// Makes the call and reads the answer whole, whatever its status.
    pub(crate) async fn send(&self, call: Call<'_>) -> Result<Answer, Error> {
        let doing = call.doing;
        let span = request_span(&call.method, &call.url);
        let exchange = self.exchange(call, &span).instrument(span.clone());
        let answer = timeout(self.settings.response_timeout, exchange)
            .await
            .unwrap_or(Err(Error::Timeout(doing)));
        answer.inspect_err(|error| failed(&span, error))
    }

    async fn exchange(&self, call: Call<'_>, span: &Span) -> Result<Answer, Error> {
        let doing = call.doing;
        let target: Uri = call
            .url
            .as_str()
            .parse()
            .map_err(|_| Error::Malformed("an address that is no URI".to_owned()))?;
        let mut request = Request::new(Full::new(call.body.unwrap_or_default()));
        *request.method_mut() = call.method;
        *request.uri_mut() = target;
        *request.headers_mut() = call.headers;
        self.context.add_to(request.headers_mut(), span);
        if let Some(token) = call.token {
            let headers = request.headers_mut();
            headers.insert(AUTH_TOKEN, secret_header(token)?);
        }
        let response = self.json.request(request).await;
        let (head, mut incoming) = response
            .map_err(|error| Error::from_client(&error, doing))?
            .into_parts();
        answered(span, head.status);
        let mut body = BytesMut::new();
        while let Some(frame) = incoming.frame().await {
            let frame = frame.map_err(|error| Error::Interrupted(chain(&error)))?;
            let Ok(chunk) = frame.into_data() else {
                continue;
            };
            if body.len() + chunk.len() > LONGEST_ANSWER {
                return Err(Error::Malformed(format!(
                    "more than {LONGEST_ANSWER} bytes while {doing}"
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
        })
    }
}

/// The error in an answer to a transfer, with as much of its text as comes soon.
///
/// A server that answers early may close before its text is complete: the status alone counts.
async fn refusal(response: Response<Incoming>, patience: Duration) -> Error {
    let status = response.status();
    let body = Limited::new(response.into_body(), LONGEST_REFUSAL).collect();
    let text = match timeout(patience, body).await {
        Ok(Ok(collected)) => human_text(&collected.to_bytes()),
        Ok(Err(_)) | Err(_) => String::new(),
    };
    Error::from_status(status, text)
}

/// A token as a header that is never shown.
///
/// A text that cannot be a header is answered as the service would answer it: not authorized.
pub(crate) fn secret_header(token: &SecretString) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(token.expose_secret())
        .map_err(|_| Error::Unauthorized("this is no token".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

// === impl Call ===

impl<'a> Call<'a> {
    pub(crate) fn new(method: Method, url: Url, doing: &'static str) -> Self {
        Self {
            method,
            url,
            token: None,
            headers: HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]),
            body: None,
            doing,
        }
    }

    pub(crate) fn token(mut self, token: &'a SecretString) -> Self {
        self.token = Some(token);
        self
    }

    /// A JSON body; `content_type` is `application/json` or a patch format.
    pub(crate) fn json(
        mut self,
        body: &impl Serialize,
        content_type: &'static str,
    ) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(body)
            .map_err(|error| Error::Malformed(format!("request of {}: {error}", self.doing)))?;
        self.body = Some(bytes.into());
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Ok(self)
    }
}

// === impl Answer ===

impl Answer {
    /// The answer, when its status is 2xx; else the error that the status stands for.
    pub(crate) fn success(self) -> Result<Self, Error> {
        if self.status.is_success() {
            Ok(self)
        } else {
            Err(Error::from_status(self.status, human_text(&self.body)))
        }
    }

    /// The body of a successful answer.
    pub(crate) fn json<T: DeserializeOwned>(self, what: &str) -> Result<T, Error> {
        let answer = self.success()?;
        serde_json::from_slice(&answer.body)
            // Only the position is told: serde quotes values, and one of them may be a secret.
            .map_err(|error| {
                Error::Malformed(format!(
                    "{what} is not as expected (line {}, column {})",
                    error.line(),
                    error.column()
                ))
            })
    }
}
