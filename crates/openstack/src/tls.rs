//! TLS with ring: the machine's own certificate authorities and, per region, one more file, which counts as it is when a
//! connection begins.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::Error;

/// Whom a region's servers are trusted for. Cheap to clone; all clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Trust(Arc<Trusted>);

#[derive(Debug)]
struct Trusted {
    /// The machine's authorities, as they were at the start.
    machine: RootCertStore,
    /// More of them, in PEM.
    file: Option<PathBuf>,
    now: Mutex<Now>,
}

/// What was last made of the file.
#[derive(Debug)]
struct Now {
    /// None: there was no such file.
    stamp: Option<Stamp>,
    client: ClientConfig,
}

/// Another one means another content: whoever replaces a file changes one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    length: u64,
    inode: u64,
}

/// Makes ring the process's default cryptography; binaries call it first, repeating it is harmless.
///
/// This crate's own clients name ring explicitly; other users of rustls in the process need it.
pub fn install_crypto_provider() {
    // An error only says that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

// === impl Trust ===

impl Trust {
    /// Trusts the machine's authorities and those in `file` (PEM).
    ///
    /// A machine without any authority is no error: plain HTTP works there, HTTPS fails at the handshake.
    pub(crate) fn new(file: Option<&Path>) -> Result<Self, Error> {
        let mut machine = RootCertStore::empty();
        machine.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let stamp = file.and_then(Stamp::of);
        let client = client_config(machine.clone(), file)?;
        Ok(Self(Arc::new(Trusted {
            machine,
            file: file.map(Path::to_owned),
            now: Mutex::new(Now { stamp, client }),
        })))
    }

    /// The client of a connection that begins now. What a changed file holds and can't be used is said in the log, and what
    /// was before stays.
    pub(crate) fn client(&self) -> ClientConfig {
        let mut now = self.0.now.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(path) = &self.0.file else {
            return now.client.clone();
        };
        let stamp = Stamp::of(path);
        // One that is missing may be about to be replaced.
        if stamp.is_some() && stamp != now.stamp {
            now.stamp = stamp;
            match client_config(self.0.machine.clone(), Some(path)) {
                Ok(client) => {
                    now.client = client;
                    tracing::info!(file = %path.display(), "the authorities' file has changed and counts from now on");
                }
                Err(error) => tracing::warn!(
                    error.message = %error,
                    "the authorities' file was changed and cannot be used; what was before stays"
                ),
            }
        }
        now.client.clone()
    }
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            modified: metadata.modified().ok()?,
            length: metadata.len(),
            inode: metadata.ino(),
        })
    }
}

fn client_config(mut roots: RootCertStore, file: Option<&Path>) -> Result<ClientConfig, Error> {
    if let Some(path) = file {
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
    let provider = Arc::new(rustls::crypto::ring::default_provider());
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
        let error = Trust::new(Some(Path::new("/no/such/ca.pem"))).expect_err("no file");
        assert!(error.to_string().contains("/no/such/ca.pem"), "{error}");
        assert!(Trust::new(None).is_ok());
    }
}
