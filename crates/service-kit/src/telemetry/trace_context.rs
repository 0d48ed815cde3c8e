//! W3C trace context (`traceparent`, <https://www.w3.org/TR/trace-context/>) between processes: HTTP
//! headers, gRPC metadata, AMQP headers and job records all carry the same text.

use std::collections::HashMap;

use http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::metadata::{MetadataMap, MetadataValue};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The header's name everywhere.
pub const TRACEPARENT: &str = "traceparent";

/// The trace context of the current span; none outside of any trace.
#[must_use]
pub fn current_traceparent() -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Makes `span` a child of the span that `traceparent` names. A malformed text changes nothing.
pub fn set_parent(span: &Span, traceparent: &str) {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let parent = TraceContextPropagator::new().extract(&carrier);
    // Fails only when no trace pipeline is installed: then there is no trace to join.
    let _ = span.set_parent(parent);
}

/// The trace context of an HTTP request, as text.
#[must_use]
pub fn from_headers(headers: &HeaderMap) -> Option<&str> {
    headers.get(TRACEPARENT)?.to_str().ok()
}

/// The trace context of a gRPC request, as text.
#[must_use]
pub fn from_metadata(metadata: &MetadataMap) -> Option<&str> {
    metadata.get(TRACEPARENT)?.to_str().ok()
}

/// Puts the trace context of the current span into a gRPC request.
pub fn inject(metadata: &mut MetadataMap) {
    if let Some(text) = current_traceparent()
        && let Ok(value) = MetadataValue::try_from(text)
    {
        metadata.insert(TRACEPARENT, value);
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn a_trace_survives_the_way_through_metadata() {
        let provider = SdkTracerProvider::builder().build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let client = tracing::info_span!("client");
            let mut metadata = MetadataMap::new();
            client.in_scope(|| inject(&mut metadata));
            let sent = from_metadata(&metadata)
                .expect("a trace context")
                .to_owned();

            let server = tracing::info_span!("server");
            set_parent(&server, &sent);
            let seen = server
                .in_scope(current_traceparent)
                .expect("a trace context");
            let trace_id = |text: &str| text.split('-').nth(1).map(str::to_owned);
            assert_eq!(trace_id(&seen), trace_id(&sent));
            assert_ne!(seen, sent, "the server's span has an id of its own");
        });
    }

    #[test]
    fn there_is_no_context_outside_of_a_trace() {
        assert_eq!(current_traceparent(), None);
    }
}
