//! The gateway's public API, called with the user's token: requests, answers, and what a refusal means.

mod events;
mod jobs;
mod plans;
mod refusal;

pub(crate) use events::Events;
pub(crate) use jobs::{JOB_COLUMNS, JobState};
pub(crate) use plans::PLAN_COLUMNS;

use std::sync::Arc;
use std::time::Duration;

use domain::RegionId;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Method, Response, StatusCode};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use crate::failure::{Exit, Failure};
use crate::host_names::HostNames;
use crate::session::Session;

/// How long an answer may take. The gateway itself answers within this time.
const PATIENCE: Duration = Duration::from_secs(60);
/// A request whose answer was lost is repeated so often.
const REPEATS: u32 = 3;
/// After such a pause.
const REPEAT_PAUSE: Duration = Duration::from_secs(1);

/// One region's gateway.
pub(crate) struct Gateway {
    session: Arc<Session>,
    region: RegionId,
    /// In place of the catalog's addresses.
    endpoint: Option<Url>,
    http: Client,
}

/// A request to be made.
struct Request<'a> {
    method: Method,
    url: Url,
    body: Option<&'a Value>,
    headers: Vec<(&'static str, String)>,
    /// How often it may be repeated when no answer came.
    repeats: u32,
}

impl Gateway {
    /// The gateway of a region.
    pub(crate) fn of(
        session: Arc<Session>,
        region: RegionId,
        endpoint: Option<Url>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            http: client(&session)?,
            region,
            session,
            endpoint,
        })
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    pub(crate) fn region(&self) -> &RegionId {
        &self.region
    }

    /// The address of one of the services that the gateway answers for, without a version.
    fn base(&self, service: &'static str) -> Result<Url, Failure> {
        match &self.endpoint {
            Some(endpoint) => Ok(endpoint.clone()),
            None => self.session.endpoint(service, &self.region),
        }
    }

    /// Makes a request; once more with a new token after a 401, and again when no answer came, if it may be.
    async fn call(&self, request: Request<'_>) -> Result<Response, Failure> {
        let mut lost = 0;
        let mut renewed = false;
        loop {
            match self.send(&request, Some(PATIENCE)).await {
                Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED && !renewed => {
                    renewed = true;
                    if self.session.renew().await.is_err() {
                        return Err(refusal::of(answer).await);
                    }
                }
                Ok(answer) if answer.status().is_success() => return Ok(answer),
                Ok(answer) => return Err(refusal::of(answer).await),
                Err(failure) if lost == request.repeats => return Err(failure),
                Err(_) => {
                    lost += 1;
                    tokio::time::sleep(REPEAT_PAUSE).await;
                }
            }
        }
    }

    async fn call_json(&self, request: Request<'_>) -> Result<Value, Failure> {
        let url = request.url.clone();
        let answer = self.call(request).await?;
        let text = answer
            .text()
            .await
            .map_err(|error| unreachable(&url, &error))?;
        serde_json::from_str(&text).map_err(|_| {
            Failure::new(
                Exit::Failed,
                format!("{url} answers with something that is no JSON"),
            )
            .remedy("Check --endpoint.")
        })
    }

    async fn send(
        &self,
        request: &Request<'_>,
        patience: Option<Duration>,
    ) -> Result<Response, Failure> {
        let token = self.session.token();
        let mut builder = self
            .http
            .request(request.method.clone(), request.url.clone())
            .header("x-auth-token", token.secret().expose_secret());
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        if let Some(body) = request.body {
            builder = builder.json(body);
        }
        if let Some(patience) = patience {
            builder = builder.timeout(patience);
        }
        let began = Instant::now();
        let answer = builder.send().await;
        let outcome = match &answer {
            Ok(answer) => answer.status().to_string(),
            Err(_) => "no answer".to_owned(),
        };
        tracing::debug!(method = %request.method, url = %request.url, outcome,
            milliseconds = began.elapsed().as_millis(), "a request to the gateway");
        answer.map_err(|error| unreachable(&request.url, &error))
    }
}

impl<'a> Request<'a> {
    fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            body: None,
            headers: Vec::new(),
            repeats: REPEATS,
        }
    }

    fn body(mut self, body: &'a Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Not to be repeated: twice would be something else.
    fn once(mut self) -> Self {
        self.repeats = 0;
        self
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// It follows no redirect: the token would go where nobody sent it.
fn client(session: &Session) -> Result<Client, Failure> {
    let mut builder = Client::builder()
        .redirect(Policy::none())
        .dns_resolver(HostNames);
    if let Some(path) = &session.settings.ca_file {
        let unusable = |error: &dyn std::fmt::Display| {
            Failure::usage(format!("cacert: {}: {error}", path.display()))
        };
        let pem = std::fs::read(path).map_err(|error| unusable(&error))?;
        let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| unusable(&error))?;
        builder = builder.tls_certs_merge(certificates);
    }
    builder
        .build()
        .map_err(|error| Failure::new(Exit::Failed, format!("no HTTP client: {error}")))
}

fn unreachable(url: &Url, error: &reqwest::Error) -> Failure {
    let mut why = error as &dyn std::error::Error;
    while let Some(cause) = why.source() {
        why = cause;
    }
    let host = url.host_str().unwrap_or_default();
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    Failure::new(
        Exit::Unreachable,
        format!("no answer from {host}{port}: {why}"),
    )
    .remedy("Check the network, and the address in the catalog or --endpoint.")
}

/// An address below a base, whose parts are quoted.
fn below(base: &Url, segments: &[&str]) -> Result<Url, Failure> {
    let mut url = base.clone();
    url.path_segments_mut()
        .map_err(|()| Failure::usage(format!("{base} is no address of a service")))?
        .pop_if_empty()
        .extend(segments);
    Ok(url)
}
