//! TLS before source and sink: an nginx with a certificate of its own.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::nginx;

/// Two fronts that end with this, as do their files.
pub(crate) struct Fronts {
    directory: PathBuf,
    /// To be trusted.
    pub(crate) certificate: PathBuf,
    /// The ports where they listen.
    pub(crate) source: u16,
    pub(crate) sink: u16,
    _nginx: Child,
}

impl Fronts {
    /// Fronts before the servers at these ports.
    ///
    /// # Errors
    /// When openssl or nginx can't be run.
    pub(crate) async fn start(source: u16, sink: u16) -> anyhow::Result<Self> {
        let directory = format!("image-replicator-tls-{}", std::process::id());
        let directory = std::env::temp_dir().join(directory);
        tokio::fs::create_dir_all(&directory).await?;
        // Both are free now; nobody else asks the kernel for them in the moment until nginx has them.
        let listeners = [
            TcpListener::bind("127.0.0.1:0").await?,
            TcpListener::bind("127.0.0.1:0").await?,
        ];
        let [source_front, sink_front] = [
            listeners[0].local_addr()?.port(),
            listeners[1].local_addr()?.port(),
        ];
        drop(listeners);
        let request = "[req]\nprompt = no\ndistinguished_name = name\nx509_extensions = front\n\
                       [name]\nCN = 127.0.0.1\n\
                       [front]\nsubjectAltName = IP:127.0.0.1\nbasicConstraints = CA:FALSE\n";
        tokio::fs::write(directory.join("request"), request).await?;
        let made = Command::new("openssl")
            .current_dir(&directory)
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
            ])
            .args(["-nodes", "-days", "2", "-config", "request"])
            .args(["-keyout", "key", "-out", "certificate"])
            .output()
            .await
            .context("openssl can't be run")?;
        ensure!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let front = |port: u16, upstream: u16| {
            format!(
                "    server {{
        listen 127.0.0.1:{port} ssl;
        location / {{ proxy_pass http://127.0.0.1:{upstream}; }}
    }}
"
            )
        };
        let place = directory.display();
        let configuration = format!(
            "daemon off;
master_process off;
pid {place}/nginx.pid;
error_log stderr warn;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {place}/client_body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    client_max_body_size 0;
    proxy_request_buffering off;
    proxy_buffering off;
    proxy_http_version 1.1;
    proxy_set_header Connection \"\";
    ssl_certificate {place}/certificate;
    ssl_certificate_key {place}/key;
{}{}}}
",
            front(source_front, source),
            front(sink_front, sink)
        );
        let nginx = nginx::start(&directory, &configuration, sink_front).await?;
        Ok(Self {
            certificate: directory.join("certificate"),
            directory,
            source: source_front,
            sink: sink_front,
            _nginx: nginx,
        })
    }
}

impl Drop for Fronts {
    fn drop(&mut self) {
        // Only files of this run; there is nobody to tell.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
