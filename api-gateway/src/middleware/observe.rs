//! One span, one log line and one count a request. The line says who did what and how it ended; no
//! token, body or query is in it. The span has the names of OpenTelemetry's conventions for HTTP servers
//! (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/>).

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use service_kit::telemetry::trace_context;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::CLIENT_WENT_AWAY;
use crate::app::App;
use crate::metrics::Metrics;
use crate::scope::Scope;

/// The route of requests that match none.
const UNMATCHED: &str = "unmatched";

pub(super) async fn observe(
    State(app): State<Arc<App>>,
    scope: Scope,
    request: Request,
    next: Next,
) -> Response {
    let method = known_method(request.method());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or(UNMATCHED, MatchedPath::as_str)
        .to_owned();
    let is_known = route != UNMATCHED;
    let span = tracing::info_span!(
        parent: None,
        "http request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        // What matches no route may hold anything.
        url.path = is_known.then(|| request.uri().path()),
        url.scheme = "http",
        error.r#type = Empty,
        request.id = %scope.ids().own,
        request.global_id = scope.ids().global.as_ref().map(tracing::field::display),
    );
    if let Some(traceparent) = trace_context::from_headers(request.headers()) {
        trace_context::set_parent(&span, traceparent);
    }
    let record = Record {
        metrics: app.metrics.clone(),
        scope,
        method,
        route,
        begun: Instant::now(),
        status: CLIENT_WENT_AWAY,
        span: span.clone(),
    };
    let response = next.run(request).instrument(span).await;
    record.answered(response.status().as_u16());
    response
}

/// Method names become metric labels: a client must not be able to invent them.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Written when dropped: also when the client goes away and the request with it.
struct Record {
    metrics: Metrics,
    scope: Scope,
    method: &'static str,
    route: String,
    begun: Instant,
    status: u16,
    span: Span,
}

impl Record {
    fn answered(mut self, status: u16) {
        self.status = status;
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let took = self.begun.elapsed();
        self.metrics
            .answered(self.method, &self.route, self.status, took);
        self.span.record("http.response.status_code", self.status);
        if self.status >= 500 {
            self.span.record("otel.status_code", "ERROR");
            self.span.record("error.type", self.status.to_string());
        }
        let caller = self.scope.caller();
        tracing::info!(
            parent: &self.span,
            http.response.status_code = self.status,
            duration.seconds = took.as_secs_f64(),
            project.id = caller.map(|(project, _)| project.as_str()),
            user.id = caller.map(|(_, user)| user.as_str()),
            "request answered"
        );
    }
}
