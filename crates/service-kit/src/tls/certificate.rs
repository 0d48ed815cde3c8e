//! A certificate that this process shows, as the TLS of one port or of one kind of connection is set up with it. Its files
//! are looked at again and again; what they come to hold counts for the next connection, and what can't be used changes
//! nothing.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, ServerConfig};
use tokio_util::sync::CancellationToken;

use super::TlsMetrics;
use super::files::{Files, Loaded, Texts};
use crate::Clock;
use crate::admin::Note;
use crate::config::{CertificateConfig, ConfigError, MutualTlsConfig};

/// How soon changed files count, at the latest; they are complained of a look later, for they may be replaced one by one.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Of a server ([`ServerConfig`]) or of a client ([`ClientConfig`]). Cheap to clone; all clones are the same.
pub(super) struct Certificate<C> {
    files: Arc<Files>,
    build: fn(&Loaded) -> C,
    in_use: Arc<RwLock<InUse<C>>>,
}

/// What the next connection is set up with, and what it was made of.
struct InUse<C> {
    config: Arc<C>,
    texts: Texts,
    expires: Timestamp,
}

/// Why the files can't be used, until they can: told when it is still so at a second look, once.
#[derive(Debug, Default)]
struct Doubt {
    why: Option<String>,
    is_told: bool,
}

// === impl Certificate ===

impl Certificate<ServerConfig> {
    /// What the gateway shows to callers, who need none.
    pub(super) fn of_gateway(config: &CertificateConfig) -> Result<Self, ConfigError> {
        Self::load(Files::of_gateway(config), for_callers)
    }

    /// What a service shows to other services, who have to show theirs.
    pub(super) fn of_grpc_server(config: &MutualTlsConfig) -> Result<Self, ConfigError> {
        Self::load(Files::of_grpc(config), for_services)
    }
}

impl Certificate<ClientConfig> {
    /// What a service shows to the service that it calls, and whom it takes for it.
    pub(super) fn of_grpc_client(config: &MutualTlsConfig) -> Result<Self, ConfigError> {
        Self::load(Files::of_grpc(config), to_services)
    }
}

impl<C> Certificate<C> {
    /// Fails when a file can't be read or used, by the name of its key.
    fn load(files: Files, build: fn(&Loaded) -> C) -> Result<Self, ConfigError> {
        let texts = files.read()?;
        let loaded = files.load(&texts)?;
        Ok(Self {
            files: Arc::new(files),
            build,
            in_use: Arc::new(RwLock::new(InUse {
                config: Arc::new(build(&loaded)),
                texts,
                expires: loaded.expires,
            })),
        })
    }

    /// The section of the configuration that names the files.
    pub(super) fn section(&self) -> &'static str {
        self.files.section
    }

    /// What a connection that begins now is set up with.
    pub(super) fn current(&self) -> Arc<C> {
        self.read(|in_use| in_use.config.clone())
    }

    /// When the certificate in use, or the first of those that lead from it to its authority, expires.
    fn expires(&self) -> Timestamp {
        self.read(|in_use| in_use.expires)
    }

    /// Takes up what the files come to hold, until `stop` is cancelled, and tells by log, metrics and `note`.
    pub(super) async fn follow(
        self,
        clock: Arc<dyn Clock>,
        metrics: TlsMetrics,
        note: Note,
        stop: CancellationToken,
    ) {
        let section = self.section();
        if self.expires() <= clock.now() {
            tracing::error!(tls.section = section, tls.expires = %self.expires(), "the certificate has expired");
        }
        metrics.in_use(section, self.expires());
        note.say(self.news());
        let mut doubt = Doubt::default();
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(looks.tick()).await.is_some() {
            match self.look(clock.now()) {
                Ok(is_renewed) => {
                    if is_renewed {
                        tracing::info!(
                            tls.section = section,
                            tls.expires = %self.expires(),
                            "the certificate's files have changed and count from now on"
                        );
                    }
                    if doubt.end() || is_renewed {
                        metrics.in_use(section, self.expires());
                        note.say(self.news());
                    }
                }
                Err(error) => {
                    let why = error.to_string();
                    if doubt.is_to_be_told(&why) {
                        tracing::warn!(
                            tls.section = section,
                            error.message = why,
                            "the certificate's files were changed and cannot be used; what was before stays"
                        );
                        metrics.refused(section);
                        note.say(format!("{}; {why}", self.news()));
                    }
                }
            }
        }
    }

    /// Looks at the files and takes up what is new in them; whether anything was.
    fn look(&self, now: Timestamp) -> Result<bool, ConfigError> {
        let texts = self.files.read()?;
        if self.read(|in_use| in_use.texts == texts) {
            return Ok(false);
        }
        let loaded = self.files.load(&texts)?;
        if loaded.expires <= now {
            let key = format!("{}.certificate_file", self.section());
            let problem = format!("expired at {}", loaded.expires);
            return Err(ConfigError::key(key, problem));
        }
        let news = InUse {
            config: Arc::new((self.build)(&loaded)),
            texts,
            expires: loaded.expires,
        };
        *self.in_use.write().unwrap_or_else(PoisonError::into_inner) = news;
        Ok(true)
    }

    fn news(&self) -> String {
        format!("the certificate expires at {}", self.expires())
    }

    fn read<T>(&self, read: impl FnOnce(&InUse<C>) -> T) -> T {
        read(&self.in_use.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<C> Clone for Certificate<C> {
    fn clone(&self) -> Self {
        Self {
            files: self.files.clone(),
            build: self.build,
            in_use: self.in_use.clone(),
        }
    }
}

impl<C> fmt::Debug for Certificate<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("files", &self.files)
            .field("expires", &self.expires())
            .finish_non_exhaustive()
    }
}

// === impl Doubt ===

impl Doubt {
    /// Whether that is so for the second time, and was not told.
    fn is_to_be_told(&mut self, why: &str) -> bool {
        if self.why.as_deref() != Some(why) {
            *self = Self {
                why: Some(why.to_owned()),
                is_told: false,
            };
            return false;
        }
        !std::mem::replace(&mut self.is_told, true)
    }

    /// The files can be used; whether there was doubt.
    fn end(&mut self) -> bool {
        self.why.take().is_some()
    }
}

/// HTTP/1.1 is what the gateway speaks.
fn for_callers(loaded: &Loaded) -> ServerConfig {
    let builder = ServerConfig::builder_with_provider(provider());
    let mut config = builder
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites for the default versions")
        .with_no_client_auth()
        .with_cert_resolver(shown(loaded));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

/// Sessions are never resumed: a resumed one would be taken on the word of a certificate that may have expired since, or
/// whose authority is trusted no more.
fn for_services(loaded: &Loaded) -> ServerConfig {
    let verifier =
        WebPkiClientVerifier::builder_with_provider(loaded.authorities.clone(), provider());
    let verifier = verifier
        .build()
        .expect("a file of authorities holds one at least, and there are no revocation lists");
    let builder = ServerConfig::builder_with_provider(provider());
    let mut config = builder
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("ring has cipher suites for TLS 1.3")
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(shown(loaded));
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config
}

fn to_services(loaded: &Loaded) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(provider());
    let mut config = builder
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("ring has cipher suites for TLS 1.3")
        .with_root_certificates(loaded.authorities.clone())
        .with_client_cert_resolver(shown(loaded));
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.resumption = Resumption::disabled();
    config
}

fn shown(loaded: &Loaded) -> Arc<SingleCertAndKey> {
    Arc::new(SingleCertAndKey::from(loaded.certificate.clone()))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(default_provider())
}
