//! The admin port: `/healthz` (alive), `/readyz` (may get traffic), `/metrics` (Prometheus).

mod process;
mod readiness;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::get};
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use readiness::{Condition, Note, Readiness};

/// The media type that `prometheus-client` encodes.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The admin port of one service, bound but not yet serving.
#[derive(Debug)]
pub struct AdminServer {
    listener: TcpListener,
    readiness: Readiness,
    registry: Arc<Registry>,
}

impl AdminServer {
    /// Binds `address`. What is known of every process is shown besides `registry`.
    ///
    /// # Errors
    /// When the address can't be bound; the error names it.
    pub async fn bind(
        address: SocketAddr,
        readiness: Readiness,
        registry: Arc<Registry>,
    ) -> anyhow::Result<Self> {
        use anyhow::Context as _;
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("admin_listen: can't bind {address}"))?;
        Ok(Self {
            listener,
            readiness,
            registry,
        })
    }

    /// Serves until `stop` is cancelled. Stop it last: probes and scrapes go on during a drain.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let app = router(self.readiness, self.registry);
        axum::serve(self.listener, app)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await?;
        Ok(())
    }
}

fn router(readiness: Readiness, registry: Arc<Registry>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready).with_state(readiness))
        .route("/metrics", get(metrics).with_state(registry))
}

async fn ready(State(readiness): State<Readiness>) -> Response {
    let report = readiness.report();
    let code = if readiness.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, Json(report)).into_response()
}

/// Reads what was counted; nothing is counted for it, so its cost does not depend on how much there is to count.
async fn metrics(State(registry): State<Arc<Registry>>) -> Response {
    let mut text = String::new();
    let encoded = encode_registry(&mut text, &registry)
        .and_then(|()| encode_registry(&mut text, &process::build()))
        .and_then(|()| encode_registry(&mut text, &process::registry()))
        .and_then(|()| encode_eof(&mut text));
    match encoded {
        Ok(()) => ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn status_of(app: &Router, path: &str) -> StatusCode {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        app.clone()
            .oneshot(request)
            .await
            .expect("infallible")
            .status()
    }

    #[tokio::test]
    async fn a_note_is_read_and_makes_nobody_unready() {
        let readiness = Readiness::default();
        readiness.condition("redis").met();
        readiness.note("durability").say("appendonly is no");
        let app = router(readiness, Arc::new(Registry::default()));
        let request = Request::get("/readyz")
            .body(Body::empty())
            .expect("a request");
        let answer = app.oneshot(request).await.expect("infallible");
        assert_eq!(answer.status(), StatusCode::OK);
        let body = axum::body::to_bytes(answer.into_body(), 1024).await;
        let body = String::from_utf8(body.expect("short").to_vec());
        assert_eq!(
            body.as_deref(),
            Ok(r#"{"durability":"appendonly is no","redis":"ok"}"#)
        );
    }

    #[tokio::test]
    async fn readiness_follows_its_conditions_and_liveness_does_not() {
        let readiness = Readiness::default();
        let scheduler = readiness.condition("scheduler");
        let app = router(readiness.clone(), Arc::new(Registry::default()));
        assert_eq!(
            status_of(&app, "/readyz").await,
            StatusCode::SERVICE_UNAVAILABLE
        );
        scheduler.met();
        assert_eq!(status_of(&app, "/readyz").await, StatusCode::OK);
        readiness.drain();
        assert_eq!(
            status_of(&app, "/readyz").await,
            StatusCode::SERVICE_UNAVAILABLE
        );
        assert_eq!(status_of(&app, "/healthz").await, StatusCode::OK);
        assert_eq!(status_of(&app, "/metrics").await, StatusCode::OK);
    }
}
