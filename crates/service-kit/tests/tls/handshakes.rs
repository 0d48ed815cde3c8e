//! Who is taken and who is refused, on both sides, and for which reason.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use service_kit::rpc::incoming;
use service_kit::tls::{Agreement, Handshakes, Outgoing};
use testbed::{Authority, ServerCertificate, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_stream::StreamExt;

use crate::ground::{Watch, place, section};

const PATIENCE: Duration = Duration::from_secs(60);

/// A service that says everybody's first byte back.
async fn echo(certificate: &ServerCertificate, watch: &Watch) -> SocketAddr {
    let config = section(certificate, &certificate.authority);
    let handshakes = Handshakes::with_services(&config, &watch.watch).expect("it makes sense");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let mut connections = incoming(listener, handshakes);
    tokio::spawn(async move {
        while let Some(Ok(mut connection)) = connections.next().await {
            let byte = connection.read_u8().await.expect("a byte");
            connection.write_u8(byte).await.expect("it is heard");
            connection.flush().await.expect("it is heard");
        }
    });
    address
}

/// A connection to the service of one who takes it for `name`.
async fn reach(address: SocketAddr, agreement: &Agreement, name: &str) -> io::Result<Outgoing> {
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let socket = TcpStream::connect(address).await?;
    agreement.reach(name, socket).await
}

/// They agree, and the service answers.
async fn expect_answer(address: SocketAddr, agreement: &Agreement, name: &str) {
    let mut connection = reach(address, agreement, name).await.expect("they agree");
    connection.write_u8(7).await.expect("sent");
    connection.flush().await.expect("sent");
    assert_eq!(connection.read_u8().await.expect("an answer"), 7);
}

/// The service refuses this caller, which hears of it when it reads.
async fn expect_refusal(address: SocketAddr, agreement: &Agreement) {
    let connection = reach(address, agreement, "localhost").await;
    let mut connection = connection.expect("the caller agrees");
    connection.read_u8().await.expect_err("refused");
}

/// Waits until handshakes have failed so often for this reason.
async fn until_failed(watch: &Watch, reason: &str, times: f64) {
    let look = async || {
        let failed = watch.failed(reason);
        ensure!(failed == Some(times), "{reason}: {failed:?}");
        Ok(())
    };
    eventually(PATIENCE, reason, look).await.expect("counted");
}

#[tokio::test]
async fn each_side_takes_the_other_for_its_certificate_alone() {
    let place = place("handshakes");
    let authority = Authority::new().expect("keys can be made");
    let stranger = Authority::new().expect("keys can be made");
    let ours = authority.server(&place.join("ours")).expect("signed");
    let theirs = stranger.server(&place.join("theirs")).expect("signed");
    let old = authority.expired(&place.join("old")).expect("signed");
    let (server, client) = (Watch::new(), Watch::new());
    let address = echo(&ours, &server).await;
    let agreement = |certificate, authority| {
        let config = section(certificate, authority);
        let agreement = Agreement::of(&config, &client.watch).expect("it makes sense");
        agreement.expect("there is TLS")
    };

    let good = agreement(&ours, &ours.authority);
    expect_answer(address, &good, "127.0.0.1").await;
    assert_eq!(server.failed("expired"), Some(0.0));

    // What the service refuses: a stranger's, an old one, none, and who does not speak TLS.
    let foreign = agreement(&theirs, &ours.authority);
    expect_refusal(address, &foreign).await;
    until_failed(&server, "unknown_authority", 1.0).await;
    until_failed(&client, "refused_by_peer", 1.0).await;
    let expired = agreement(&old, &ours.authority);
    expect_refusal(address, &expired).await;
    until_failed(&server, "expired", 1.0).await;
    nobody(address, &ours).await.expect_err("refused");
    until_failed(&server, "no_certificate", 1.0).await;
    let mut plain = TcpStream::connect(address).await.expect("it listens");
    plain
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .expect("sent");
    until_failed(&server, "no_tls", 1.0).await;

    // What a caller refuses: a stranger, and somebody else.
    let suspicious = agreement(&ours, &theirs.authority);
    let refused = reach(address, &suspicious, "127.0.0.1").await;
    refused.expect_err("refused");
    until_failed(&client, "unknown_authority", 1.0).await;
    let refused = reach(address, &good, "job-scheduler").await;
    refused.expect_err("refused");
    until_failed(&client, "wrong_name", 1.0).await;

    // Nobody of them has kept others out.
    expect_answer(address, &good, "localhost").await;
}

#[tokio::test]
async fn who_is_slow_keeps_nobody_waiting() {
    let authority = Authority::new().expect("keys can be made");
    let ours = authority.server(&place("slow")).expect("signed");
    let watch = Watch::new();
    let address = echo(&ours, &watch).await;
    let _silent = TcpStream::connect(address).await.expect("it listens");
    let config = section(&ours, &ours.authority);
    let agreement = Agreement::of(&config, &watch.watch).expect("it makes sense");
    expect_answer(address, &agreement.expect("there is TLS"), "127.0.0.1").await;
}

#[tokio::test]
async fn answers_are_not_held_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let mut connections = incoming(listener, None);
    let _caller = TcpStream::connect(address).await.expect("it listens");
    let accepted = connections.next().await.expect("it goes on");
    let accepted = accepted.expect("accepted");
    assert!(accepted.socket().nodelay().expect("open"));
}

/// Somebody who trusts the service and has no certificate. In TLS 1.3 the refusal comes after the handshake.
async fn nobody(address: SocketAddr, certificate: &ServerCertificate) -> io::Result<u8> {
    let mut roots = rustls::RootCertStore::empty();
    let pem = std::fs::read(&certificate.authority)?;
    for authority in rustls::pki_types::CertificateDer::pem_slice_iter(&pem) {
        roots.add(authority.expect("PEM")).expect("an authority");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let socket = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    let mut connection = TlsConnector::from(Arc::new(client))
        .connect(name, socket)
        .await?;
    connection.read_u8().await
}
