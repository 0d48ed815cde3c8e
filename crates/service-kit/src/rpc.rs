//! gRPC between the services: its connections, with mutual TLS where there are certificates, and its calls.
//!
//! Calls as traces and metrics see them: a span at each end, one trace through both, and counts at the serving end.
//! Names are those of OpenTelemetry's conventions for RPC (<https://opentelemetry.io/docs/specs/semconv/rpc/grpc/>).
//!
//! A call's status is what its answer's head says: of a stream, whether it was opened.

mod channel;
mod client;
mod incoming;
mod metrics;
mod server;

use http::HeaderMap;
use tonic::Code;

pub use channel::channel;
pub use client::TracedClient;
pub use incoming::{Incoming, incoming};
pub use metrics::RpcMetrics;
pub use server::{ObserveCalls, ObservedServer};

/// Service and method of a path, `/package.Service/Method`.
fn method_of(path: &str) -> (&str, &str) {
    let path = path.trim_start_matches('/');
    path.split_once('/').unwrap_or((path, ""))
}

/// tonic says a failure in the head (a "trailers-only" answer), and anything else is good so far.
fn code_of(head: &HeaderMap) -> Code {
    head.get("grpc-status")
        .map_or(Code::Ok, |status| Code::from_bytes(status.as_bytes()))
}

/// The name of a code as gRPC writes it.
const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::{Request, Response};
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use prometheus_client::registry::Registry;
    use tower::{Layer, ServiceExt, service_fn};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::telemetry::trace_context::{current_traceparent, from_headers};

    #[test]
    fn a_path_names_service_and_method() {
        assert_eq!(method_of("/a.b.Service/Do"), ("a.b.Service", "Do"));
        assert_eq!(method_of("/nonsense"), ("nonsense", ""));
    }

    #[tokio::test]
    async fn a_call_is_one_trace_through_both_ends_and_is_counted_by_its_code() {
        let provider = SdkTracerProvider::builder().build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let subscriber = tracing_subscriber::registry().with(layer);
        let _traced = tracing::subscriber::set_default(subscriber);

        let mut registry = Registry::default();
        let calls = ObserveCalls::new(RpcMetrics::register(&mut registry));
        let server = calls.layer(service_fn(async |request: Request<()>| {
            let sent = from_headers(request.headers()).map(ToOwned::to_owned);
            let mut answer = Response::new((sent, current_traceparent()));
            if request.uri().path().ends_with("Fail") {
                answer.headers_mut().insert("grpc-status", 14.into());
            }
            if request.uri().path().ends_with("Guess") {
                answer.headers_mut().insert("grpc-status", 12.into());
            }
            Ok::<_, Infallible>(answer)
        }));
        let client = TracedClient::new(server);
        for method in ["Do", "Fail", "Guess"] {
            let request = Request::get(format!("/a.Service/{method}")).body(());
            let answer = client.clone().oneshot(request.expect("a request"));
            let (sent, served) = answer.await.expect("infallible").into_body();
            let (sent, served) = (sent.expect("sent"), served.expect("served"));
            let trace_id = |text: &str| text.split('-').nth(1).map(str::to_owned);
            assert_eq!(trace_id(&sent), trace_id(&served));
            assert_ne!(sent, served);
        }

        let mut page = String::new();
        prometheus_client::encoding::text::encode(&mut page, &registry).expect("text");
        for series in [
            r#"rpcs_total{service="a.Service",method="Do",code="OK"} 1"#,
            r#"rpcs_total{service="a.Service",method="Fail",code="UNAVAILABLE"} 1"#,
            r#"rpcs_total{service="unknown",method="unknown",code="UNIMPLEMENTED"} 1"#,
        ] {
            assert!(page.contains(series), "{page}");
        }
    }
}
