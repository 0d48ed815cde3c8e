//! The calling end: a span for each call, whose context goes with it.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower::Service;
use tracing::field::Empty;
use tracing::{Instrument, Span, info_span};

use super::{code_name, code_of, method_of};
use crate::telemetry::trace_context;

/// Whatever carries gRPC calls, with a span for each: from its sending to its answer's head.
#[derive(Debug, Clone)]
pub struct TracedClient<S> {
    transport: S,
}

impl<S> TracedClient<S> {
    /// Calls through `transport`.
    pub const fn new(transport: S) -> Self {
        Self { transport }
    }
}

impl<S, Q, A> Service<Request<Q>> for TracedClient<S>
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
        self.transport.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Q>) -> Self::Future {
        let span = span(request.uri().path());
        trace_context::inject(&span, request.headers_mut());
        let answering = span.in_scope(|| self.transport.call(request));
        let recording = span.clone();
        let traced = async move {
            let answer = answering.await;
            match &answer {
                Ok(answer) => record(&recording, answer),
                Err(_) => {
                    recording.record("otel.status_code", "ERROR");
                    recording.record("error.type", "UNAVAILABLE");
                }
            }
            answer
        };
        Box::pin(traced.instrument(span))
    }
}

fn span(path: &str) -> Span {
    let (service, method) = method_of(path);
    info_span!(
        "grpc call",
        otel.name = format!("{service}/{method}"),
        otel.kind = "client",
        otel.status_code = Empty,
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        rpc.grpc.status_code = Empty,
        error.r#type = Empty,
    )
}

fn record<A>(span: &Span, answer: &Response<A>) {
    let code = code_of(answer.headers());
    span.record("rpc.grpc.status_code", i64::from(i32::from(code)));
    if code != tonic::Code::Ok {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", code_name(code));
    }
}
