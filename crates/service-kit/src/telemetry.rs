//! Logs and traces of a process, and the trace context that travels between processes.

mod log_filter;

use std::time::Duration;

use anyhow::Context as _;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

pub use log_filter::LogFilter;
pub use trace_context;

use crate::config::{LogFormat, TelemetryConfig};

/// The crates of this workspace that open spans.
const OWN_CRATES: [&str; 8] = [
    "admission",
    "api_gateway",
    "copy_engine",
    "copy_worker",
    "job_scheduler",
    "openstack",
    "service_kit",
    "work_queue",
];

/// How long a process that ends waits for a collector: what is left of spans is not worth more.
const FLUSH_DEADLINE: Duration = Duration::from_secs(2);

/// The installed log and trace pipeline of this process.
#[derive(Debug)]
pub struct Telemetry {
    provider: SdkTracerProvider,
}

impl Telemetry {
    /// Installs logs (to standard error) and traces for the whole process. Spans get their ids even
    /// when nothing is exported, so that trace context always travels. They are exported by a thread of its own, which
    /// drops what a collector does not take: nobody waits for it.
    ///
    /// # Errors
    /// When the filter can't be parsed, the exporter can't be built or another subscriber is there.
    pub fn install(
        service: &'static str,
        version: &'static str,
        config: &TelemetryConfig,
    ) -> anyhow::Result<(Self, LogFilter)> {
        let (filter, log_filter) = LogFilter::of(config)?;
        let provider = tracer_provider(service, version, config)?;
        let traces = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(service))
            .with_filter(traced());
        let lines = tracing_subscriber::fmt::layer::<Registry>().with_writer(std::io::stderr);
        let lines = match config.log_format {
            LogFormat::Human => lines.with_ansi(false).boxed(),
            LogFormat::Json => lines.json().flatten_event(true).boxed(),
        };
        tracing_subscriber::registry()
            .with(lines.with_filter(filter))
            .with(traces)
            .try_init()?;
        Ok((Self { provider }, log_filter))
    }

    /// Exports what is left. Call it last.
    pub fn flush(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(FLUSH_DEADLINE) {
            tracing::warn!(%error, "spans may be lost");
        }
    }
}

/// What becomes spans and their events: our own, whatever the log filter says. Libraries trace each
/// frame that they move, which would cost more than the copy, and may show what is in them.
fn traced() -> Targets {
    OWN_CRATES
        .into_iter()
        .fold(Targets::new(), |targets, name| {
            targets.with_target(name, LevelFilter::INFO)
        })
}

fn tracer_provider(
    service: &'static str,
    version: &'static str,
    config: &TelemetryConfig,
) -> anyhow::Result<SdkTracerProvider> {
    let resource = Resource::builder()
        .with_service_name(service)
        .with_attribute(KeyValue::new("service.version", version))
        .build();
    let builder = SdkTracerProvider::builder().with_resource(resource);
    let Some(endpoint) = &config.otlp_endpoint else {
        return Ok(builder.build());
    };
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint.as_str())
        .build()
        .context("telemetry.otlp_endpoint")?;
    Ok(builder.with_batch_exporter(exporter).build())
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn libraries_are_not_traced() {
        let filter = traced();
        assert!(filter.would_enable("copy_worker::unit", &Level::INFO));
        assert!(!filter.would_enable("copy_worker::unit", &Level::DEBUG));
        for library in ["h2::codec", "hyper::proto", "lapin::channel", "redis"] {
            assert!(!filter.would_enable(library, &Level::ERROR), "{library}");
        }
    }
}
