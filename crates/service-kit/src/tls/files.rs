//! The files of a certificate, and what they hold once it is known to make sense: a chain, the key that belongs to it, and
//! whom to trust.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rustls::RootCertStore;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::config::{CertificateConfig, ConfigError, MutualTlsConfig};

/// Where they are.
#[derive(Debug, Clone)]
pub(super) struct Files {
    /// The section of the configuration that names them.
    pub(super) section: &'static str,
    certificate: PathBuf,
    key: PathBuf,
    /// None: nobody has to show a certificate here.
    authority: Option<PathBuf>,
}

/// What they hold, as it was read. One of them is a secret, so this is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Texts {
    certificate: Vec<u8>,
    key: Vec<u8>,
    authority: Option<Vec<u8>>,
}

/// What they hold, understood.
pub(super) struct Loaded {
    /// The chain and its key, which belong together.
    pub(super) certificate: Arc<CertifiedKey>,
    /// Who signs the certificates of the other side; empty where nobody has to show one.
    pub(super) authorities: Arc<RootCertStore>,
    /// When the first certificate of the chain expires.
    pub(super) expires: Timestamp,
}

// === impl Files ===

impl Files {
    pub(super) fn of_gateway(config: &CertificateConfig) -> Self {
        Self {
            section: "gateway.tls",
            certificate: config.certificate_file.clone(),
            key: config.key_file.clone(),
            authority: None,
        }
    }

    pub(super) fn of_grpc(config: &MutualTlsConfig) -> Self {
        Self {
            section: "grpc.tls",
            certificate: config.certificate_file.clone(),
            key: config.key_file.clone(),
            authority: Some(config.ca_file.clone()),
        }
    }

    /// Reads them.
    ///
    /// # Errors
    /// When one can't be read; the error names its key.
    pub(super) fn read(&self) -> Result<Texts, ConfigError> {
        let authority = self.authority.as_deref();
        Ok(Texts {
            certificate: self.read_one("certificate_file", &self.certificate)?,
            key: self.read_one("key_file", &self.key)?,
            authority: authority
                .map(|path| self.read_one("ca_file", path))
                .transpose()?,
        })
    }

    /// Makes sense of what was read.
    ///
    /// # Errors
    /// When that can't be done; the error names the key and never shows what is in a file.
    pub(super) fn load(&self, texts: &Texts) -> Result<Loaded, ConfigError> {
        let of_certificate = self.refusal("certificate_file");
        let chain = certificates(&texts.certificate).map_err(&of_certificate)?;
        let expires = first_expiry(&chain).map_err(&of_certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&texts.key)
            .map_err(|_| "holds no private key in PEM".to_owned())
            .and_then(|key| certified(chain, key))
            .map_err(self.refusal("key_file"))?;
        let authorities = texts.authority.as_deref().map(authorities);
        Ok(Loaded {
            certificate: Arc::new(key),
            authorities: Arc::new(
                authorities
                    .transpose()
                    .map_err(self.refusal("ca_file"))?
                    .unwrap_or_else(RootCertStore::empty),
            ),
            expires,
        })
    }

    fn read_one(&self, key: &str, path: &Path) -> Result<Vec<u8>, ConfigError> {
        std::fs::read(path).map_err(|source| ConfigError::SecretFile {
            key: format!("{}.{key}", self.section),
            path: path.to_owned(),
            source,
        })
    }

    /// Says which key it was.
    fn refusal(&self, key: &str) -> impl Fn(String) -> ConfigError + use<> {
        let key = format!("{}.{key}", self.section);
        move |problem| ConfigError::key(key.clone(), problem)
    }
}

/// At least one certificate.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let found =
        found.map_err(|error| format!("holds something that is no certificate: {error}"))?;
    if found.is_empty() {
        return Err("holds no certificate in PEM".to_owned());
    }
    Ok(found)
}

fn authorities(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        let added = roots.add(certificate);
        added.map_err(|error| format!("holds something that is no authority: {error}"))?;
    }
    Ok(roots)
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, String> {
    CertifiedKey::from_der(chain, key, &default_provider())
        .map_err(|error| format!("does not belong to the certificate, or can't be used: {error}"))
}

fn first_expiry(chain: &[CertificateDer<'static>]) -> Result<Timestamp, String> {
    let expiry = |certificate: &CertificateDer<'static>| {
        let (_, parsed) = X509Certificate::from_der(certificate)
            .map_err(|error| format!("holds something that is no certificate: {error}"))?;
        let seconds = parsed.validity().not_after.timestamp();
        // RFC 5280, 4.1.2.5: the year 9999 stands for no end, and is the last that a time can have here.
        Ok(Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX))
    };
    let expiries = chain.iter().map(expiry);
    let expiries = expiries.collect::<Result<Vec<_>, String>>()?;
    Ok(expiries.into_iter().min().unwrap_or(Timestamp::MAX))
}
