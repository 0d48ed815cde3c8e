//! A Glance that is none: a stub, and it says so here, because a real Glance answers some dozens of questions a second on a
//! processor, and would be all that is measured of a gateway that asks it several times for each POST.
//!
//! It knows one image in every region and tells of it what a Glance would: its document, its first byte, and the
//! schema of images. It asks nobody whether a token is good.

use std::net::SocketAddr;

use axum::http::StatusCode;
use axum::http::header::{CONTENT_RANGE, CONTENT_TYPE};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

/// The image.
pub(super) const IMAGE: &str = "b0b0b0b0-0000-4000-8000-000000000001";
/// Its size: a job of it is never done, so that any will do.
const SIZE: u64 = 4096;

/// A stub that ends with this value.
pub(super) struct GlanceStub {
    address: SocketAddr,
    _serving: AbortOnDropHandle<()>,
}

impl GlanceStub {
    /// One on a free port.
    ///
    /// # Errors
    /// When there is none.
    pub(super) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(async move {
            // Does not end by itself; whoever finds nobody listening says so.
            let _ = axum::serve(listener, routes()).await;
        });
        Ok(Self {
            address,
            _serving: AbortOnDropHandle::new(serving),
        })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn routes() -> Router {
    Router::new()
        .route("/v2/schemas/image", get(async || Json(schema())))
        .route("/v2/images/{id}", get(async || Json(image())))
        .route("/v2/images/{id}/file", get(first_byte))
}

/// Everybody may see and read it, whatever project asks.
fn image() -> Value {
    json!({
        "id": IMAGE, "name": "stub", "status": "active", "visibility": "public",
        "owner": "22222222222222222222222222222222", "os_hidden": false, "protected": false, "tags": [],
        "disk_format": "qcow2", "container_format": "bare", "min_disk": 0, "min_ram": 0,
        "size": SIZE, "checksum": "d41d8cd98f00b204e9800998ecf8427e",
        "os_hash_algo": "sha512", "os_hash_value": "ab".repeat(64),
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    })
}

fn schema() -> Value {
    json!({"name": "image", "properties": {
        "disk_format": {"enum": [null, "qcow2", "raw"]},
        "container_format": {"enum": [null, "bare"]},
    }})
}

async fn first_byte() -> impl axum::response::IntoResponse {
    let head = [
        (CONTENT_RANGE, format!("bytes 0-0/{SIZE}")),
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
    ];
    (StatusCode::PARTIAL_CONTENT, head, "x")
}
