//! TLS with ring: the machine's own certificate authorities and, per region, one more file.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::Error;

/// Makes ring the process's default cryptography; binaries call it first, repeating it is harmless.
///
/// This crate's own clients name ring explicitly; other users of rustls in the process need it.
pub fn install_crypto_provider() {
    // An error only says that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client configuration that trusts the machine's authorities and those in `ca_file` (PEM).
///
/// A machine without any authority is no error: plain HTTP works there, HTTPS fails at the handshake.
pub(crate) fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca_file {
        let describe = |error: &dyn std::fmt::Display| {
            Error::settings(&format!("certificate file {}", path.display()), error)
        };
        let mut added = 0_usize;
        for certificate in CertificateDer::pem_file_iter(path).map_err(|e| describe(&e))? {
            roots
                .add(certificate.map_err(|e| describe(&e))?)
                .map_err(|e| describe(&e))?;
            added += 1;
        }
        if added == 0 {
            return Err(describe(&"holds no certificate"));
        }
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::settings("TLS", error))?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_file_must_exist() {
        let error = client_config(Some(Path::new("/no/such/ca.pem"))).expect_err("no file");
        assert!(error.to_string().contains("/no/such/ca.pem"), "{error}");
        assert!(client_config(None).is_ok());
    }
}
