//! Sections `[gateway.tls]` and `[grpc.tls]`: where a service's own certificates are, and whom it trusts.

use std::path::PathBuf;

use serde::Deserialize;

/// A certificate that a service shows to whoever connects.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateConfig {
    /// The certificate and what leads from it to its authority, in PEM.
    pub certificate_file: PathBuf,
    /// Its private key, in PEM.
    pub key_file: PathBuf,
}

/// Section `[grpc]`: calls between the services.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GrpcConfig {
    /// Mutual TLS; none: there is no TLS.
    pub tls: Option<MutualTlsConfig>,
}

/// Section `[grpc.tls]`: each side shows a certificate, and takes one of this authority alone.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MutualTlsConfig {
    /// The service's certificate and what leads from it to its authority, in PEM.
    pub certificate_file: PathBuf,
    /// Its private key, in PEM.
    pub key_file: PathBuf,
    /// The authorities that sign the certificates of all services, in PEM; the system's are not asked.
    pub ca_file: PathBuf,
}
