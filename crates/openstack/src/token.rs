//! What a token proves: who, where, with which roles, until when.

use std::fmt;
use std::sync::Arc;

use domain::{TenantId, UserId};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;

use crate::Catalog;

/// A token with what it proves. Its `Debug` shows what it proves only.
#[derive(Clone)]
pub struct Token {
    secret: SecretString,
    /// What it proves; shared, for a catalog may be long.
    pub info: Arc<TokenInfo>,
}

/// What Keystone says of a token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "TokenDocument")]
pub struct TokenInfo {
    /// Whose it is.
    pub user: UserRef,
    /// The project it is scoped to, if it is.
    pub project: Option<ProjectRef>,
    /// Names of the roles it carries in its scope.
    pub roles: Vec<String>,
    /// Whether it is scoped to the whole system.
    pub is_system_scoped: bool,
    /// When Keystone made it.
    pub issued_at: Timestamp,
    /// When it stops being valid.
    pub expires_at: Timestamp,
    /// The endpoints it may use; empty when it was validated without them, or has no scope.
    pub catalog: Catalog,
}

/// A user as tokens name one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UserRef {
    /// Unique in its Keystone.
    pub id: UserId,
    /// Unique in its domain.
    pub name: String,
    /// Its domain.
    pub domain: DomainRef,
}

/// A project as tokens name one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ProjectRef {
    /// Unique in its Keystone.
    pub id: TenantId,
    /// Unique in its domain.
    pub name: String,
    /// Its domain.
    pub domain: DomainRef,
}

/// A domain as tokens name one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DomainRef {
    /// Unique in its Keystone.
    pub id: String,
    /// Its name: equal names in two Keystones mean the same domain of the cloud.
    pub name: String,
}

// === impl Token ===

impl Token {
    pub(crate) fn new(secret: SecretString, info: TokenInfo) -> Self {
        Self {
            secret,
            info: Arc::new(info),
        }
    }

    /// The token itself, for the `X-Auth-Token` header and nothing else.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

// === impl TokenInfo ===

impl TokenInfo {
    /// Whether it carries one of these roles. Keystone compares role names without case.
    #[must_use]
    pub fn has_any_role<S: AsRef<str>>(&self, wanted: impl IntoIterator<Item = S>) -> bool {
        wanted.into_iter().any(|role| {
            self.roles
                .iter()
                .any(|held| held.eq_ignore_ascii_case(role.as_ref()))
        })
    }
}

// === wire ===

/// `{"token": …}` of `POST` and `GET /v3/auth/tokens`.
#[derive(Deserialize)]
pub(crate) struct TokenDocument {
    token: TokenBody,
}

#[derive(Deserialize)]
struct TokenBody {
    user: UserRef,
    project: Option<ProjectRef>,
    #[serde(default)]
    roles: Vec<RoleBody>,
    system: Option<serde_json::Value>,
    issued_at: Timestamp,
    expires_at: Timestamp,
    #[serde(default)]
    catalog: Catalog,
}

#[derive(Deserialize)]
struct RoleBody {
    name: String,
}

impl From<TokenDocument> for TokenInfo {
    fn from(TokenDocument { token }: TokenDocument) -> Self {
        Self {
            user: token.user,
            project: token.project,
            roles: token.roles.into_iter().map(|role| role.name).collect(),
            is_system_scoped: token.system.is_some(),
            issued_at: token.issued_at,
            expires_at: token.expires_at,
            catalog: token.catalog,
        }
    }
}
