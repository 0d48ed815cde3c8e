//! TLS, as all services have it: whom they trust where they connect to servers of others ([`client`]), and what they show
//! themselves, to callers ([`Handshakes`]) and to each other ([`Agreement`]).
//!
//! What is between the services is signed by an authority of their own, and by no other that the machine may know.

mod agreement;
mod certificate;
mod files;
mod handshakes;
mod metrics;
mod watch;

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

pub use agreement::{Agreement, Outgoing};
use certificate::Certificate;
pub use handshakes::Handshakes;
pub use metrics::TlsMetrics;
pub use watch::CertificateWatch;

/// Certificates that nobody can be trusted by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnusableAuthorities {
    /// There is a text and no certificate in it.
    #[error("holds no certificate in PEM")]
    None,
    /// One of them is broken.
    #[error("holds something that is no certificate: {0}")]
    Broken(String),
}

/// A client that trusts the machine's authorities and those in this text, in PEM.
///
/// A machine without any authority is no error: everything fails at the handshake then.
///
/// # Errors
/// [`UnusableAuthorities`].
pub fn client(authorities: Option<&str>) -> Result<ClientConfig, UnusableAuthorities> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(text) = authorities {
        let broken = |error: &dyn std::fmt::Display| UnusableAuthorities::Broken(error.to_string());
        let mut added = 0_usize;
        for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
            let certificate = certificate.map_err(|error| broken(&error))?;
            roots.add(certificate).map_err(|error| broken(&error))?;
            added += 1;
        }
        if added == 0 {
            return Err(UnusableAuthorities::None);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites for the default versions");
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused() {
        assert!(client(None).is_ok());
        let refusal = |text| client(Some(text)).map(|_| ()).expect_err("refused");
        assert_eq!(refusal("trust me"), UnusableAuthorities::None);
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(refusal(broken), UnusableAuthorities::Broken(_)));
    }
}
