//! With TLS set, a service answers nothing in plain text.

use anyhow::ensure;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::ground::{GATEWAY, Ground, KNOCK, SCHEDULER};

pub(crate) async fn nothing_is_answered_without_tls(ground: &Ground) -> anyhow::Result<()> {
    for (part, section, request) in [
        (
            GATEWAY,
            "gateway.tls",
            "GET / HTTP/1.1\r\nHost: gateway\r\n\r\n",
        ),
        // How every client of gRPC begins (RFC 9113, 3.4).
        (SCHEDULER, "grpc.tls", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ] {
        let mut connection = TcpStream::connect(ground.address(part)?).await?;
        connection.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        // Reset, or closed behind an alert of a few bytes.
        let _ = timeout(KNOCK, connection.read_to_end(&mut answer)).await?;
        let text = String::from_utf8_lossy(&answer);
        ensure!(
            answer.len() < 16 && !text.contains("HTTP"),
            "{part}: {text}"
        );
        let series = format!(
            "image_replicator_tls_handshakes_failed_total{{section=\"{section}\",reason=\"no_tls\"}}"
        );
        ground
            .until_metric(part, &series, |count| count > 0.0)
            .await?;
    }
    // The gateway knows how it was spoken to where no front says it, and callers have to trust its certificate.
    let versions = format!("{}/v2.1", ground.alice.gateway_url);
    let answer = ground
        .alice
        .gateway(reqwest::Method::GET, "/v2.1")
        .send()
        .await?;
    let text = answer.text().await?;
    ensure!(text.contains(&versions), "no link to {versions}: {text}");
    let trusting_nobody = testbed::http_client()?.get(&versions).send().await;
    ensure!(trusting_nobody.is_err(), "{trusting_nobody:?}");
    Ok(())
}
