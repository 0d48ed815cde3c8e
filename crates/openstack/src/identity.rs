//! The service user's tokens in one Keystone: which scope for which purpose, kept until shortly
//! before they expire.
//!
//! Invariants: at most one request for a token of a scope is under way; a token that was refused is
//! never handed out again. A token's age is counted on this process's monotonic clock against the
//! lifetime that Keystone gave it (`expires_at` − `issued_at`), so clocks need not agree.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::TenantId;
use futures::FutureExt;
use futures::future::{BoxFuture, WeakShared};
use secrecy::ExposeSecret;
use tokio::time::Instant;

use crate::{Error, Keystone, RequestContext, Scope, SignIn, Token};

/// A token is replaced this long before it expires, or after three quarters of a short life.
const REFRESH_AHEAD: Duration = Duration::from_secs(300);

/// How the service user gets at tenants' projects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceScope {
    /// Least privilege: a token of the tenant's own project for its images (so that Glance charges
    /// the tenant's quota), a system token for lookups.
    Project,
    /// One token of an admin project for everything.
    Admin {
        /// The admin project's name.
        project_name: String,
        /// The id of its domain.
        project_domain_id: String,
    },
}

/// What a service token is needed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Reading or writing images of this tenant.
    Images(TenantId),
    /// Validating callers' tokens, looking up projects, users and roles.
    Lookup,
}

/// The service user in one Keystone; cheap to clone, clones share their tokens.
#[derive(Clone)]
pub struct ServiceIdentity {
    shared: Arc<Shared>,
}

struct Shared {
    keystone: Keystone,
    sign_in: SignIn,
    scope: ServiceScope,
    slots: Mutex<HashMap<Scope, Slot>>,
}

#[derive(Default)]
struct Slot {
    held: Option<Held>,
    under_way: Option<WeakShared<BoxFuture<'static, Result<Token, Error>>>>,
}

#[derive(Clone)]
struct Held {
    token: Token,
    refresh_at: Instant,
    expires_at: Instant,
}

// === impl ServiceIdentity ===

impl ServiceIdentity {
    /// The user that signs in so.
    #[must_use]
    pub fn new(keystone: Keystone, sign_in: impl Into<SignIn>, scope: ServiceScope) -> Self {
        Self {
            shared: Arc::new(Shared {
                keystone,
                sign_in: sign_in.into(),
                scope,
                slots: Mutex::default(),
            }),
        }
    }

    /// The service user's name, for telling operators what it lacks.
    #[must_use]
    pub fn username(&self) -> &str {
        self.shared.sign_in.username()
    }

    /// Whether tenants' images are reached with an admin token.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        matches!(self.shared.scope, ServiceScope::Admin { .. })
    }

    /// A token for the purpose: one at hand, else a new one.
    ///
    /// # Errors
    /// [`Error::NoToken`] with Keystone's answer.
    pub async fn token(&self, purpose: &Purpose, context: &RequestContext) -> Result<Token, Error> {
        let scope = self.scope_for(purpose);
        let (request, fallback) = {
            let mut slots = self.slots();
            forget_expired(&mut slots);
            let slot = slots.entry(scope.clone()).or_default();
            let now = Instant::now();
            let held = slot.held.clone().filter(|held| held.expires_at > now);
            if let Some(held) = held.as_ref().filter(|held| held.refresh_at > now) {
                return Ok(held.token.clone());
            }
            let request = match slot.under_way.as_ref().and_then(WeakShared::upgrade) {
                Some(request) => request,
                None => {
                    let request = self.request(scope.clone(), context.clone()).shared();
                    slot.under_way = request.downgrade();
                    request
                }
            };
            (request, held)
        };
        match (request.await, fallback) {
            (Ok(token), _) => Ok(token),
            // Keystone is out of reach, but the old token is still good for a while.
            (Err(error), Some(held)) if error.is_outage() => {
                tracing::warn!(scope = %scope, %error, "service token not refreshed");
                Ok(held.token)
            }
            (Err(error), _) => Err(Error::NoToken {
                scope: scope.to_string(),
                cause: Box::new(error),
            }),
        }
    }

    /// Whether a token for the purpose is at hand that need not be replaced yet.
    #[must_use]
    pub fn has_token(&self, purpose: &Purpose) -> bool {
        let slots = self.slots();
        let held = slots.get(&self.scope_for(purpose));
        let held = held.and_then(|slot| slot.held.as_ref());
        held.is_some_and(|held| held.refresh_at > Instant::now())
    }

    /// Forgets a token that a service refused. Harmless when another has taken its place.
    pub fn invalidate(&self, refused: &Token) {
        let refused = refused.secret().expose_secret();
        for slot in self.slots().values_mut() {
            slot.held
                .take_if(|held| held.token.secret().expose_secret() == refused);
        }
    }

    fn scope_for(&self, purpose: &Purpose) -> Scope {
        match (&self.shared.scope, purpose) {
            (ServiceScope::Project, Purpose::Images(tenant)) => Scope::Project(tenant.clone()),
            (ServiceScope::Project, Purpose::Lookup) => Scope::System,
            (
                ServiceScope::Admin {
                    project_name,
                    project_domain_id,
                },
                Purpose::Images(_) | Purpose::Lookup,
            ) => Scope::NamedProject {
                name: project_name.clone(),
                domain_id: project_domain_id.clone(),
            },
        }
    }

    /// Asks Keystone and keeps what it gives. Polled by all who wait for it; dropped with the last.
    fn request(
        &self,
        scope: Scope,
        context: RequestContext,
    ) -> BoxFuture<'static, Result<Token, Error>> {
        let identity = self.clone();
        async move {
            let asked_at = Instant::now();
            let keystone = identity.shared.keystone.with_context(&context);
            let token = keystone
                .authenticate(&identity.shared.sign_in, &scope)
                .await?;
            let slot = Held::new(token.clone(), asked_at);
            identity.slots().entry(scope).or_default().held = Some(slot);
            Ok(token)
        }
        .boxed()
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, HashMap<Scope, Slot>> {
        // A panic elsewhere cannot leave a slot half-written: each is replaced whole.
        self.shared
            .slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ServiceIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceIdentity")
            .field("keystone", &self.shared.keystone.url().as_str())
            .field("username", &self.shared.sign_in.username())
            .field("scope", &self.shared.scope)
            .finish_non_exhaustive()
    }
}

/// Scopes of tenants that copied something hours ago do not pile up.
fn forget_expired(slots: &mut HashMap<Scope, Slot>) {
    let now = Instant::now();
    slots.retain(|_, slot| {
        slot.held.as_ref().is_some_and(|held| held.expires_at > now)
            || slot
                .under_way
                .as_ref()
                .is_some_and(|w| w.upgrade().is_some())
    });
}

// === impl Held ===

impl Held {
    fn new(token: Token, asked_at: Instant) -> Self {
        let lifetime = token
            .info
            .expires_at
            .duration_since(token.info.issued_at)
            .try_into()
            .unwrap_or(Duration::ZERO);
        let ahead = REFRESH_AHEAD.min(lifetime / 4);
        Self {
            token,
            refresh_at: asked_at + (lifetime - ahead),
            expires_at: asked_at + lifetime,
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::{Catalog, DomainRef, TokenInfo, UserRef};

    fn held(lifetime: Duration) -> (Duration, Duration) {
        let issued_at: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
        let info = TokenInfo {
            user: UserRef {
                id: domain::UserId::new("u"),
                name: "replicator".to_owned(),
                domain: DomainRef {
                    id: "default".to_owned(),
                    name: "Default".to_owned(),
                },
            },
            project: None,
            roles: Vec::new(),
            is_system_scoped: true,
            issued_at,
            expires_at: issued_at + lifetime,
            catalog: Catalog::default(),
        };
        let asked_at = Instant::now();
        let held = Held::new(Token::new(SecretString::from("t"), info), asked_at);
        (held.refresh_at - asked_at, held.expires_at - asked_at)
    }

    #[test]
    fn a_token_is_replaced_before_it_expires() {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        assert_eq!(held(minutes(60)), (minutes(55), minutes(60)));
        assert_eq!(held(minutes(4)), (minutes(3), minutes(4)));
        assert_eq!(held(Duration::ZERO), (Duration::ZERO, Duration::ZERO));
    }
}
