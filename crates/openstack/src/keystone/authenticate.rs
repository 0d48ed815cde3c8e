//! Getting a token for a proof of who one is (`POST /v3/auth/tokens`).

use std::fmt;
use std::path::PathBuf;

use domain::TenantId;
use http::{Method, StatusCode};
use secrecy::SecretString;
use serde_json::json;

use super::{Keystone, SUBJECT_TOKEN, SignIn};
use crate::http_client::Call;
use crate::token::TokenDocument;
use crate::{Error, Token};

/// A user and its password.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user's name.
    pub username: String,
    /// The id of the user's domain.
    pub user_domain_id: String,
    /// The password.
    pub password: Password,
}

/// Where a password comes from.
#[derive(Debug, Clone)]
pub enum Password {
    /// The password itself.
    Value(SecretString),
    /// A file that holds it, read anew for each new token, so that a rotated password is taken
    /// without a restart. Line ends behind the password don't count.
    File(PathBuf),
}

/// What a token shall be good for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// One project.
    Project(TenantId),
    /// One project, by its name; for a service user's own admin project.
    NamedProject {
        /// The project's name.
        name: String,
        /// The id of the project's domain.
        domain_id: String,
    },
    /// One project, by its name and its domain's name.
    ProjectIn {
        /// The project's name.
        name: String,
        /// The name of the project's domain.
        domain_name: String,
    },
    /// The project that comes with the proof: a token's own, an application credential's, or the user's default one.
    Own,
    /// The system: validating tokens, looking up projects, users and role assignments.
    System,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(id) => write!(f, "project {id}"),
            Self::NamedProject { name, .. } | Self::ProjectIn { name, .. } => {
                write!(f, "project `{name}`")
            }
            Self::Own => f.write_str("the user's own project"),
            Self::System => f.write_str("the system"),
        }
    }
}

impl Password {
    /// The password as of now.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] that names the file when it can't be read.
    pub(super) async fn read(&self) -> Result<SecretString, Error> {
        match self {
            Self::Value(password) => Ok(password.clone()),
            Self::File(path) => match tokio::fs::read_to_string(path).await {
                Ok(text) => Ok(SecretString::from(text.trim_end_matches(['\r', '\n']))),
                Err(error) => Err(Error::Unauthorized(format!(
                    "the password file {} can't be read: {error}",
                    path.display()
                ))),
            },
        }
    }
}

impl Keystone {
    /// A new token.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] for a wrong password, and just as well for a scope that the user has
    /// no role in, or that does not exist, or is disabled: Keystone does not tell them apart.
    pub async fn authenticate(&self, sign_in: &SignIn, scope: &Scope) -> Result<Token, Error> {
        let mut auth = json!({"identity": sign_in.document().await?});
        let scope = match scope {
            _ if sign_in.brings_its_project() => None,
            Scope::Own => None,
            Scope::Project(id) => Some(json!({"project": {"id": id}})),
            Scope::NamedProject { name, domain_id } => {
                Some(json!({"project": {"name": name, "domain": {"id": domain_id}}}))
            }
            Scope::ProjectIn { name, domain_name } => {
                Some(json!({"project": {"name": name, "domain": {"name": domain_name}}}))
            }
            Scope::System => Some(json!({"system": {"all": true}})),
        };
        if let Some(scope) = scope {
            auth["scope"] = scope;
        }
        let body = json!({"auth": auth});
        let call = Call::new(Method::POST, self.at("auth/tokens")?, "getting a token")
            .json(&body, "application/json")?;
        let answer = self.http.send(call).await?;
        // What it says of a token that it does not know may quote it whole: the text is never read.
        if answer.status == StatusCode::NOT_FOUND && matches!(sign_in, SignIn::Token(_)) {
            let unknown = "the token has expired, was revoked, or is of another Keystone";
            return Err(Error::Unauthorized(unknown.to_owned()));
        }
        let answer = answer.success()?;
        let secret = answer
            .headers
            .get(SUBJECT_TOKEN)
            .and_then(|value| value.to_str().ok())
            .map(SecretString::from)
            .ok_or_else(|| Error::Malformed("Keystone's answer has no token".to_owned()))?;
        let document: TokenDocument = answer.json("the new token")?;
        Ok(Token::new(secret, document.into()))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[tokio::test]
    async fn a_rotated_password_file_is_read_anew() {
        let path = std::env::temp_dir().join(format!("password-{}", uuid::Uuid::new_v4()));
        let password = Password::File(path.clone());
        let missing = password.read().await.expect_err("no file yet");
        assert!(missing.to_string().contains("can't be read"), "{missing}");
        for text in ["first", "second"] {
            std::fs::write(&path, format!("{text}\n")).expect("a temporary file");
            assert_eq!(
                password.read().await.expect("readable").expose_secret(),
                text
            );
        }
        std::fs::remove_file(path).expect("still there");
    }
}
