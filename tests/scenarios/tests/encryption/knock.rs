//! Somebody who comes to a port with TLS of its own choosing and says nothing: a scheduler speaks first.

use std::sync::Arc;

use anyhow::Context;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use testbed::ServerCertificate;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::ground::KNOCK;

/// The certificate that is shown at `address`, to somebody who trusts the authority of `trusted`.
pub(crate) async fn shown(address: &str, trusted: &ServerCertificate) -> anyhow::Result<Vec<u8>> {
    let connection = connect(address, trusted, None).await?;
    let (_, tls) = connection.get_ref();
    let shown = tls.peer_certificates().and_then(<[_]>::first);
    Ok(shown.context("no certificate")?.to_vec())
}

/// Whether the server at `address` begins to speak to somebody who shows this certificate, or none. In TLS 1.3 a refusal comes
/// after the handshake.
pub(crate) async fn is_taken(
    address: &str,
    trusted: &ServerCertificate,
    shows: Option<&ServerCertificate>,
) -> anyhow::Result<bool> {
    let mut connection = connect(address, trusted, shows).await?;
    let first = timeout(KNOCK, connection.read_u8()).await;
    Ok(first.context("neither taken nor refused")?.is_ok())
}

async fn connect(
    address: &str,
    trusted: &ServerCertificate,
    shows: Option<&ServerCertificate>,
) -> anyhow::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_file_iter(&trusted.authority)? {
        roots.add(authority?)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let config = match shows {
        None => builder.with_no_client_auth(),
        Some(files) => {
            let chain = CertificateDer::pem_file_iter(&files.certificate)?;
            let chain = chain.collect::<Result<Vec<_>, _>>()?;
            let key = PrivateKeyDer::from_pem_file(&files.key)?;
            builder.with_client_auth_cert(chain, key)?
        }
    };
    let socket = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost")?;
    let connector = TlsConnector::from(Arc::new(config));
    Ok(timeout(KNOCK, connector.connect(name, socket)).await??)
}
