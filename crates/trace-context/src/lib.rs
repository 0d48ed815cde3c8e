//! W3C trace context (`traceparent`, <https://www.w3.org/TR/trace-context/>) between processes: HTTP
//! headers, gRPC metadata (which is HTTP headers), AMQP headers and job records all carry the same text.
//!
//! What comes from outside is forged at will: a malformed text is no context and changes nothing. Services and the
//! OpenStack client call this crate.

use std::collections::HashMap;

use http::{HeaderMap, HeaderValue};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The header's name everywhere.
pub const TRACEPARENT: &str = "traceparent";

/// The trace context of the current span; none outside of any trace.
#[must_use]
pub fn current_traceparent() -> Option<String> {
    traceparent_of(&Span::current())
}

/// The trace context of a span, for whatever it causes elsewhere; none when it is no part of a trace.
#[must_use]
pub fn traceparent_of(span: &Span) -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&span.context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Makes `span` a child of the span that `traceparent` names. A malformed text changes nothing.
pub fn set_parent(span: &Span, traceparent: &str) {
    let parent = TraceContextPropagator::new().extract(&carrier(traceparent));
    if parent.span().span_context().is_valid() {
        // Fails only when no trace pipeline is installed: then there is no trace to join.
        let _ = span.set_parent(parent);
    }
}

/// Keeps `span`, a child of `cause`, in the trace that `traceparent` names. When `cause` is of that trace, it stays the
/// parent; else the span that is named becomes the parent, and `cause` is linked.
pub fn stay_in_trace(span: &Span, cause: &Span, traceparent: &str) {
    let causing = span_context(cause);
    let named = TraceContextPropagator::new().extract(&carrier(traceparent));
    let trace_id = named.span().span_context().trace_id();
    if causing.is_valid() && causing.trace_id() == trace_id {
        return;
    }
    set_parent(span, traceparent);
    if causing.is_valid() {
        span.add_link(causing);
    }
}

/// The trace context of an HTTP or gRPC request, as text.
#[must_use]
pub fn from_headers(headers: &HeaderMap) -> Option<&str> {
    headers.get(TRACEPARENT)?.to_str().ok()
}

/// Puts the trace context of `span` into an HTTP or gRPC request, if it has one.
pub fn inject(span: &Span, headers: &mut HeaderMap) {
    if let Some(text) = traceparent_of(span)
        && let Ok(value) = HeaderValue::try_from(text)
    {
        headers.insert(TRACEPARENT, value);
    }
}

fn carrier(traceparent: &str) -> HashMap<String, String> {
    HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())])
}

fn span_context(span: &Span) -> SpanContext {
    span.context().span().span_context().clone()
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing::info_span;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn traced(test: impl FnOnce()) {
        let provider = SdkTracerProvider::builder().build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), test);
    }

    fn trace_id(traceparent: &str) -> Option<&str> {
        traceparent.split('-').nth(1)
    }

    #[test]
    fn a_trace_survives_the_way_through_headers() {
        traced(|| {
            let client = info_span!("client");
            let mut headers = HeaderMap::new();
            inject(&client, &mut headers);
            let sent = from_headers(&headers).expect("a trace context").to_owned();

            let server = info_span!("server");
            set_parent(&server, &sent);
            let seen = server
                .in_scope(current_traceparent)
                .expect("a trace context");
            assert_eq!(trace_id(&seen), trace_id(&sent));
            assert_ne!(seen, sent, "the server's span has an id of its own");
        });
    }

    #[test]
    fn what_another_trace_has_caused_stays_in_its_own() {
        traced(|| {
            let (job, other) = (info_span!("job"), info_span!("other"));
            let of_job = traceparent_of(&job).expect("a trace context");
            for cause in [&other, &job, &Span::none()] {
                let attempt = info_span!(parent: cause, "attempt");
                stay_in_trace(&attempt, cause, &of_job);
                let of_attempt = traceparent_of(&attempt).expect("a trace context");
                assert_eq!(trace_id(&of_attempt), trace_id(&of_job));
            }
        });
    }

    #[test]
    fn a_malformed_text_is_no_context() {
        traced(|| {
            let parent = info_span!("parent");
            let child = info_span!(parent: &parent, "child");
            set_parent(&child, "00-nothing");
            let of_child = traceparent_of(&child).expect("a trace context");
            let of_parent = traceparent_of(&parent).expect("a trace context");
            assert_eq!(trace_id(&of_child), trace_id(&of_parent));
        });
    }

    #[test]
    fn there_is_no_context_outside_of_a_trace() {
        assert_eq!(current_traceparent(), None);
    }
}
