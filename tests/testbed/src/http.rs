//! The one kind of HTTP client that the test bed uses: loopback only, no proxies, no redirects, and no TLS but with our own
//! services.

use anyhow::Context;
use reqwest::Client;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::authority::ServerCertificate;

/// A client for the test bed's servers.
///
/// Redirects are never followed, because a test wants to see them, and a token must not travel with them.
///
/// # Errors
/// When the client cannot be built.
pub fn client() -> anyhow::Result<Client> {
    client_of(None)
}

/// A client that takes servers for their certificates which the authority of this one has signed.
///
/// # Errors
/// When the authority cannot be read or the client cannot be built.
pub(crate) fn client_of(certificate: Option<&ServerCertificate>) -> anyhow::Result<Client> {
    let mut roots = RootCertStore::empty();
    if let Some(certificate) = certificate {
        for authority in CertificateDer::pem_file_iter(&certificate.authority)? {
            roots.add(authority?)?;
        }
    }
    let provider = rustls::crypto::ring::default_provider();
    let tls = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .context("cannot build an HTTP client")
}
