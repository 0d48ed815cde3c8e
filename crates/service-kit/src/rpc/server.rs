//! The serving end: a span for each call, joined to the caller's trace, and the counts.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use tokio::time::Instant;
use tonic::Code;
use tower::{Layer, Service};
use tracing::field::Empty;
use tracing::{Instrument, Span, info_span};

use super::{RpcMetrics, code_name, code_of, method_of};
use crate::telemetry::trace_context;

/// Has every call to a server seen.
#[derive(Debug, Clone)]
pub struct ObserveCalls {
    metrics: RpcMetrics,
}

/// A server whose calls are seen.
#[derive(Debug, Clone)]
pub struct ObservedServer<S> {
    server: S,
    metrics: RpcMetrics,
}

/// Written when dropped: also when the caller goes away and the call with it.
struct Record {
    metrics: RpcMetrics,
    path: String,
    begun: Instant,
    code: Code,
    span: Span,
}

// === impl ObserveCalls ===

impl ObserveCalls {
    /// Counts in `metrics`.
    #[must_use]
    pub const fn new(metrics: RpcMetrics) -> Self {
        Self { metrics }
    }
}

impl<S> Layer<S> for ObserveCalls {
    type Service = ObservedServer<S>;

    fn layer(&self, server: S) -> ObservedServer<S> {
        ObservedServer {
            server,
            metrics: self.metrics.clone(),
        }
    }
}

// === impl ObservedServer ===

impl<S, Q, A> Service<Request<Q>> for ObservedServer<S>
where
    S: Service<Request<Q>, Response = Response<A>>,
    S::Future: Send + 'static,
    S::Error: 'static,
    A: 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.server.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let path = request.uri().path();
        let span = span(path);
        if let Some(traceparent) = trace_context::from_headers(request.headers()) {
            trace_context::set_parent(&span, traceparent);
        }
        let record = Record {
            metrics: self.metrics.clone(),
            path: path.to_owned(),
            begun: Instant::now(),
            code: Code::Cancelled,
            span: span.clone(),
        };
        let answering = span.in_scope(|| self.server.call(request));
        let observed = async move {
            let answer = answering.await;
            record.answered(match &answer {
                Ok(answer) => code_of(answer.headers()),
                Err(_) => Code::Unknown,
            });
            answer
        };
        Box::pin(observed.instrument(span))
    }
}

fn span(path: &str) -> Span {
    let (service, method) = method_of(path);
    info_span!(
        parent: None,
        "grpc",
        otel.name = format!("{service}/{method}"),
        otel.kind = "server",
        otel.status_code = Empty,
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        rpc.grpc.status_code = Empty,
        error.r#type = Empty,
    )
}

// === impl Record ===

impl Record {
    fn answered(mut self, code: Code) {
        self.code = code;
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.metrics
            .answered(&self.path, self.code, self.begun.elapsed());
        let (span, code) = (&self.span, self.code);
        span.record("rpc.grpc.status_code", i64::from(i32::from(code)));
        if is_the_servers_fault(code) {
            span.record("otel.status_code", "ERROR");
            span.record("error.type", code_name(code));
        }
    }
}

/// The codes that the conventions count as errors of a serving span; the others are answers.
const fn is_the_servers_fault(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}
