//! The one kind of HTTP client that the test bed uses: loopback only, no proxies, no redirects, no TLS.

use anyhow::Context;
use reqwest::Client;

/// A client for the test bed's servers.
///
/// Redirects are never followed, because a test wants to see them, and a token must not travel with them.
///
/// # Errors
/// When the client cannot be built.
pub fn client() -> anyhow::Result<Client> {
    let provider = rustls::crypto::ring::default_provider();
    let tls = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .context("cannot build an HTTP client")
}
