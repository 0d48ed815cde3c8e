//! The source: nginx serving an image's metadata and bytes as Glance would, from two files in memory.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use testbed::RandomBytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::process::Child;

use crate::nginx;

/// An nginx that ends with this, as do its files.
pub(crate) struct Source {
    directory: PathBuf,
    port: u16,
    image: StaticImage,
    _nginx: Child,
}

/// An image of which only this much is known.
#[derive(Debug, Clone)]
pub(crate) struct StaticImage {
    pub(crate) id: String,
    pub(crate) size: u64,
}

impl StaticImage {
    /// As Glance would show it. The hash is any: both sides say the same.
    pub(crate) fn document(&self) -> Value {
        json!({
            "id": self.id, "name": "static", "status": "active", "visibility": "private",
            "owner": "11111111111111111111111111111111", "size": self.size,
            "disk_format": "raw", "container_format": "bare", "min_disk": 0, "min_ram": 0,
            "os_hash_algo": "sha512", "os_hash_value": "ab".repeat(64), "tags": [],
            "os_hidden": false, "protected": false,
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
        })
    }
}

impl Source {
    /// Writes `size` random bytes and serves them.
    ///
    /// # Errors
    /// When there is no room in memory or nginx can't be started.
    pub(crate) async fn start(size: u64) -> anyhow::Result<Self> {
        let directory = format!("/dev/shm/image-replicator-source-{}", std::process::id());
        let directory = PathBuf::from(directory);
        tokio::fs::create_dir_all(&directory).await?;
        // A port that is free now; nobody else asks the kernel for this one in the moment until nginx has it.
        let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        let image = StaticImage {
            id: "a0a0a0a0-0000-4000-8000-000000000001".to_owned(),
            size,
        };
        let mut file = tokio::fs::File::create(directory.join("bytes")).await?;
        for piece in RandomBytes::new(1, size) {
            file.write_all(&piece).await?;
        }
        file.flush().await?;
        tokio::fs::write(directory.join("document"), image.document().to_string()).await?;
        let configuration = configuration(&directory, port, &image.id);
        let nginx = nginx::start(&directory, &configuration, port).await?;
        Ok(Self {
            directory,
            port,
            image,
            _nginx: nginx,
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn image(&self) -> &StaticImage {
        &self.image
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // Else it stays in memory until somebody looks there; there is nobody to tell.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn configuration(place: &Path, port: u16, image: &str) -> String {
    let place = place.display();
    format!(
        "daemon off;
master_process off;
pid {place}/nginx.pid;
error_log stderr warn;
events {{ }}
http {{
    access_log off;
    sendfile on;
    client_body_temp_path {place}/client_body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location = /v2/images/{image} {{
            default_type application/json;
            alias {place}/document;
        }}
        location = /v2/images/{image}/file {{
            default_type application/octet-stream;
            alias {place}/bytes;
        }}
    }}
}}
"
    )
}
