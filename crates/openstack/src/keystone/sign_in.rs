//! The ways in which a user proves who it is.
//!
//! Services use a name and a password ([`Credentials`]); people have more: ids in place of names, a token of
//! before, or an application credential. What each is in Keystone's words is said here.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::authenticate::{Credentials, Password};
use crate::Error;

/// A domain, by what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DomainName {
    /// Its id.
    Id(String),
    /// Its name.
    Name(String),
}

/// A user, or an application credential of one, by what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// Its id, which is enough.
    Id(String),
    /// Its name, and the domain in which that is unique.
    Name(String, DomainName),
}

/// A user's proof of who it is.
#[derive(Debug, Clone)]
pub enum SignIn {
    /// The user's password.
    Password(Named, Password),
    /// A token that the user has already; the new one ends with it.
    Token(SecretString),
    /// An application credential, by its id. Its project is its own: no other scope can be asked for.
    ApplicationCredential {
        /// The credential's id.
        id: String,
        /// Its secret.
        secret: SecretString,
    },
    /// An application credential by its name, which is unique among its user's.
    NamedApplicationCredential {
        /// The credential's name.
        name: String,
        /// Whose it is.
        user: Named,
        /// Its secret.
        secret: SecretString,
    },
}

impl From<Credentials> for SignIn {
    fn from(credentials: Credentials) -> Self {
        let domain = DomainName::Id(credentials.user_domain_id);
        Self::Password(
            Named::Name(credentials.username, domain),
            credentials.password,
        )
    }
}

impl DomainName {
    pub(super) fn document(&self) -> Value {
        match self {
            Self::Id(id) => json!({"id": id}),
            Self::Name(name) => json!({"name": name}),
        }
    }
}

impl Named {
    fn document(&self) -> Value {
        match self {
            Self::Id(id) => json!({"id": id}),
            Self::Name(name, domain) => json!({"name": name, "domain": domain.document()}),
        }
    }

    /// The id or the name, for people.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Id(text) | Self::Name(text, _) => text,
        }
    }
}

impl SignIn {
    /// The user's name or id where it is known.
    #[must_use]
    pub fn username(&self) -> &str {
        match self {
            Self::Password(user, _) | Self::NamedApplicationCredential { user, .. } => {
                user.as_str()
            }
            Self::Token(_) => "the token's user",
            Self::ApplicationCredential { .. } => "the application credential's user",
        }
    }

    /// Whether the project is bound to the proof, so that Keystone refuses to be told one.
    #[must_use]
    pub const fn brings_its_project(&self) -> bool {
        matches!(
            self,
            Self::ApplicationCredential { .. } | Self::NamedApplicationCredential { .. }
        )
    }

    /// `identity` of an authentication request. It holds the secret: it is sent and nothing else.
    pub(super) async fn document(&self) -> Result<Value, Error> {
        Ok(match self {
            Self::Password(user, password) => {
                let password = password.read().await?;
                let mut user = user.document();
                user["password"] = password.expose_secret().into();
                json!({"methods": ["password"], "password": {"user": user}})
            }
            Self::Token(token) => {
                json!({"methods": ["token"], "token": {"id": token.expose_secret()}})
            }
            Self::ApplicationCredential { id, secret } => credential(json!({
                "id": id, "secret": secret.expose_secret(),
            })),
            Self::NamedApplicationCredential { name, user, secret } => credential(json!({
                "name": name, "user": user.document(), "secret": secret.expose_secret(),
            })),
        })
    }
}

fn credential(document: Value) -> Value {
    json!({"methods": ["application_credential"], "application_credential": document})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_proof_is_said_as_keystone_expects_it() {
        let user = Named::Name("alice".to_owned(), DomainName::Name("Default".to_owned()));
        let password = Password::Value(SecretString::from("secret"));
        let proof = SignIn::Password(user.clone(), password);
        assert_eq!(
            proof.document().await.expect("nothing to be read"),
            json!({"methods": ["password"], "password": {"user": {
                "name": "alice", "domain": {"name": "Default"}, "password": "secret"}}})
        );
        assert!(!format!("{proof:?}").contains("secret\""), "{proof:?}");
        let proof = SignIn::NamedApplicationCredential {
            name: "copies".to_owned(),
            user,
            secret: SecretString::from("secret"),
        };
        assert!(proof.brings_its_project());
        assert_eq!(
            proof.document().await.expect("nothing to be read"),
            json!({"methods": ["application_credential"], "application_credential": {
                "name": "copies", "secret": "secret",
                "user": {"name": "alice", "domain": {"name": "Default"}}}})
        );
    }
}
