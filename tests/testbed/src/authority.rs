//! A certificate authority of a test's own, and the certificates that it gives to servers and their callers.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use serde::{Deserialize, Serialize};

use crate::site::write_private;

/// Who signs.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, in files; for a server, or for somebody who calls one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerCertificate {
    /// The certificate, in PEM.
    pub certificate: PathBuf,
    /// Its key, in PEM.
    pub key: PathBuf,
    /// Who signed it, in PEM.
    pub authority: PathBuf,
}

// === impl Authority ===

impl Authority {
    /// A new one, whom nobody trusts yet.
    ///
    /// # Errors
    /// When the keys can't be made.
    pub fn new() -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let name = "an authority of a test";
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        })
    }

    /// Its certificate, in PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Makes a certificate for this machine's loopback addresses, with its files in `directory`; those that are there are
    /// replaced.
    ///
    /// # Errors
    /// When it can't be made or written.
    pub fn server(&self, directory: &Path) -> anyhow::Result<ServerCertificate> {
        self.sign(directory, |_| ())
    }

    /// The same, but it has expired at the end of the year 2000.
    ///
    /// # Errors
    /// When it can't be made or written.
    pub fn expired(&self, directory: &Path) -> anyhow::Result<ServerCertificate> {
        self.sign(directory, |params| {
            params.not_before = date_time_ymd(2000, 1, 1);
            params.not_after = date_time_ymd(2001, 1, 1);
        })
    }

    /// The same, but it expires when `year` begins.
    ///
    /// # Errors
    /// When it can't be made or written.
    pub fn until(&self, directory: &Path, year: i32) -> anyhow::Result<ServerCertificate> {
        self.sign(directory, |params| {
            params.not_after = date_time_ymd(year, 1, 1);
        })
    }

    fn sign(
        &self,
        directory: &Path,
        change: impl FnOnce(&mut CertificateParams),
    ) -> anyhow::Result<ServerCertificate> {
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names)?;
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer)?;
        std::fs::create_dir_all(directory)?;
        let files = ServerCertificate {
            certificate: directory.join("certificate.pem"),
            key: directory.join("key.pem"),
            authority: directory.join("authority.pem"),
        };
        std::fs::write(&files.certificate, certificate.pem())?;
        write_private(&files.key, &key.serialize_pem())?;
        std::fs::write(&files.authority, &self.pem)?;
        Ok(files)
    }
}
