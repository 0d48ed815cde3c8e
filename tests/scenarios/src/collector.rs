//! A collector of traces for tests: a real receiver of OTLP over gRPC that keeps the spans where a test can look.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

/// Takes exports until it is dropped; then its connections are gone, too.
pub struct Collector {
    url: String,
    exported: Exported,
    /// Of its own: what a server has spawned for its connections ends with nothing less.
    runtime: Option<Runtime>,
}

/// A span as it was exported.
#[derive(Debug, Clone)]
pub struct Span {
    /// `service.name` of who exported it.
    pub service: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: SpanKind,
    /// In hex.
    pub trace_id: String,
    /// In hex.
    pub id: String,
    /// In hex; empty at the root of a trace.
    pub parent_id: String,
    /// Attributes as text.
    pub attributes: BTreeMap<String, String>,
    /// Whether its status is that of an error.
    pub is_error: bool,
}

type Exported = Arc<Mutex<Vec<ResourceSpans>>>;

/// The service that exporters call.
struct Keeper(Exported);

// === impl Collector ===

impl Collector {
    /// A collector on a free port.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start() -> anyhow::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("collector")
            .enable_all()
            .build()?;
        let binding = runtime.spawn(TcpListener::bind("127.0.0.1:0"));
        let listener = binding.await??;
        let url = format!("http://{}", listener.local_addr()?);
        let exported = Exported::default();
        let keeper = TraceServiceServer::new(Keeper(exported.clone()));
        runtime.spawn(async move {
            let incoming = TcpListenerStream::new(listener);
            let served = Server::builder().add_service(keeper);
            // A connection that breaks is exported anew by its client.
            let _ = served.serve_with_incoming(incoming).await;
        });
        Ok(Self {
            url,
            exported,
            runtime: Some(runtime),
        })
    }

    /// Where services shall export to.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Everything that was exported, as text.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{:?}", self.exported())
    }

    /// Every span so far.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        for resource in self.exported() {
            let of_resource = resource.resource.unwrap_or_default();
            let service = attributes(&of_resource.attributes);
            let service = service.get("service.name").cloned().unwrap_or_default();
            let scopes = resource.scope_spans.into_iter();
            for span in scopes.flat_map(|scope| scope.spans) {
                spans.push(Span {
                    service: service.clone(),
                    kind: span.kind(),
                    is_error: span
                        .status
                        .as_ref()
                        .is_some_and(|status| status.code() == StatusCode::Error),
                    trace_id: hex(&span.trace_id),
                    id: hex(&span.span_id),
                    parent_id: hex(&span.parent_span_id),
                    attributes: attributes(&span.attributes),
                    name: span.name,
                });
            }
        }
        spans
    }

    fn exported(&self) -> Vec<ResourceSpans> {
        let exported = self.exported.lock();
        exported.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // To wait for its end is not allowed in a task.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

// === impl Keeper ===

#[tonic::async_trait]
impl TraceService for Keeper {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut exported = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        exported.extend(request.into_inner().resource_spans);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn attributes(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let attributes = attributes.iter();
    attributes
        .map(|it| {
            (
                it.key.clone(),
                it.value.as_ref().map_or_else(String::new, text),
            )
        })
        .collect()
}

fn text(value: &AnyValue) -> String {
    match &value.value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(flag)) => flag.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
