//! Handshakes that fail: why, by log and metric. Who calls at a public port causes as many of them as it likes, so they are
//! said quietly there; elsewhere each reason is said once in a while.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::{CertificateError, Error, ServerConfig};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{Certificate, CertificateWatch, TlsMetrics};
use crate::config::{CertificateConfig, ConfigError, GrpcConfig};

/// Who needs longer for a handshake is taken for nobody.
const PATIENCE: Duration = Duration::from_secs(10);
/// After one line of a reason, others of the same are only counted for so long.
const SILENCE: Duration = Duration::from_secs(10);

/// Answers handshakes at a port.
#[derive(Debug, Clone)]
pub struct Handshakes {
    certificate: Certificate<ServerConfig>,
    failures: Failures,
}

/// Why a handshake failed, as far as it is known on this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    /// The other side's certificate is signed by nobody who is trusted here.
    UnknownAuthority,
    /// It has expired.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It is for another name.
    WrongName,
    /// There is none.
    NoCertificate,
    /// The other side said that it does not take what this side shows.
    RefusedByPeer,
    /// What came is no TLS.
    NoTls,
    /// It took too long.
    TimedOut,
    /// The connection broke.
    Broken,
    /// Anything else; the error says what.
    Other,
}

/// Where failed handshakes are told. Cheap to clone; all clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Failures {
    section: &'static str,
    is_public: bool,
    metrics: TlsMetrics,
    told: Arc<Mutex<BTreeMap<Reason, Instant>>>,
}

// === impl Handshakes ===

impl Handshakes {
    /// At the port that callers reach; none: they come without TLS.
    ///
    /// # Errors
    /// When a file can't be read or used; the error names its key.
    pub fn with_callers(
        config: Option<&CertificateConfig>,
        watch: &CertificateWatch,
    ) -> Result<Option<Self>, ConfigError> {
        let certificate = config.map(Certificate::of_gateway).transpose()?;
        Ok(certificate.map(|it| Self::new(it, watch, true)))
    }

    /// At a port for services; none: they come without TLS.
    ///
    /// # Errors
    /// When a file can't be read or used; the error names its key.
    pub fn with_services(
        config: &GrpcConfig,
        watch: &CertificateWatch,
    ) -> Result<Option<Self>, ConfigError> {
        let certificate = config.tls.as_ref().map(Certificate::of_grpc_server);
        Ok(certificate
            .transpose()?
            .map(|it| Self::new(it, watch, false)))
    }

    fn new(
        certificate: Certificate<ServerConfig>,
        watch: &CertificateWatch,
        is_public: bool,
    ) -> Self {
        watch.begin(&certificate);
        let failures = Failures::new(certificate.section(), is_public, watch.metrics.clone());
        Self {
            certificate,
            failures,
        }
    }

    /// The connection as it is inside of TLS; none: there was no agreement, which has been told.
    pub async fn answer(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let peer = stream.peer_addr().ok();
        let acceptor = TlsAcceptor::from(self.certificate.current());
        let agreed = timeout(PATIENCE, acceptor.accept(stream)).await;
        match agreed.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(stream) => Some(stream),
            Err(error) => {
                self.failures.tell(&error, peer);
                None
            }
        }
    }
}

// === impl Failures ===

impl Failures {
    pub(super) fn new(section: &'static str, is_public: bool, metrics: TlsMetrics) -> Self {
        for reason in Reason::ALL {
            metrics.failed(section, reason.name());
        }
        Self {
            section,
            is_public,
            metrics,
            told: Arc::default(),
        }
    }

    /// Counts a failure and says it, unless it was said a moment ago.
    pub(super) fn tell(&self, error: &io::Error, peer: Option<SocketAddr>) {
        let reason = Reason::of(error);
        self.metrics.failed(self.section, reason.name()).inc();
        let peer = peer.map(tracing::field::display);
        // Who breaks off may only have looked whether somebody listens.
        if self.is_public || reason == Reason::Broken || self.was_told(reason) {
            tracing::debug!(
                tls.section = self.section,
                peer.address = peer,
                error.message = %error,
                "a handshake failed: {reason}"
            );
        } else {
            tracing::warn!(
                tls.section = self.section,
                peer.address = peer,
                error.message = %error,
                "a handshake failed: {reason}"
            );
        }
    }

    fn was_told(&self, reason: Reason) -> bool {
        let now = Instant::now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told
            .get(&reason)
            .is_some_and(|since| now.duration_since(*since) < SILENCE)
        {
            return true;
        }
        told.insert(reason, now);
        false
    }
}

// === impl Reason ===

impl Reason {
    const ALL: [Self; 10] = [
        Self::UnknownAuthority,
        Self::Expired,
        Self::NotYetValid,
        Self::WrongName,
        Self::NoCertificate,
        Self::RefusedByPeer,
        Self::NoTls,
        Self::TimedOut,
        Self::Broken,
        Self::Other,
    ];

    /// Of a failure that a connection with TLS has had.
    pub(super) fn of(error: &io::Error) -> Self {
        let inner = error.get_ref();
        match inner.and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(Error::InvalidCertificate(why)) => Self::of_certificate(why),
            Some(Error::NoCertificatesPresented) => Self::NoCertificate,
            Some(Error::AlertReceived(_)) => Self::RefusedByPeer,
            Some(Error::InvalidMessage(_)) => Self::NoTls,
            Some(_) => Self::Other,
            None if error.kind() == io::ErrorKind::TimedOut => Self::TimedOut,
            None => Self::Broken,
        }
    }

    fn of_certificate(why: &CertificateError) -> Self {
        match why {
            // An authority of the same name with another key signs what can't be verified.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                Self::UnknownAuthority
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotYetValid
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::WrongName
            }
            _ => Self::Other,
        }
    }

    /// As metrics have it.
    const fn name(self) -> &'static str {
        match self {
            Self::UnknownAuthority => "unknown_authority",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongName => "wrong_name",
            Self::NoCertificate => "no_certificate",
            Self::RefusedByPeer => "refused_by_peer",
            Self::NoTls => "no_tls",
            Self::TimedOut => "timed_out",
            Self::Broken => "broken",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownAuthority => "the other side's certificate is of an unknown authority",
            Self::Expired => "the other side's certificate has expired",
            Self::NotYetValid => "the other side's certificate is not valid yet",
            Self::WrongName => "the other side's certificate is for another name",
            Self::NoCertificate => "the other side shows no certificate",
            Self::RefusedByPeer => "the other side does not take this side's certificate or terms",
            Self::NoTls => "what came is no TLS",
            Self::TimedOut => "it took too long",
            Self::Broken => "the connection broke",
            Self::Other => "no agreement",
        })
    }
}
