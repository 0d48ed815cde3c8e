//! One cloud's entry of `clouds.yaml`: from its keys to what signs in. Pure.

use std::path::PathBuf;

use domain::TenantId;
use openstack::{DomainName, Named, Password, Scope, SignIn};
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use crate::failure::Failure;

/// The domain of users and projects that name none, as in OpenStack's own clients.
const DEFAULT_DOMAIN: &str = "default";

/// A cloud to sign in at.
#[derive(Debug, Clone)]
pub(crate) struct CloudSettings {
    /// What it is called in messages.
    pub(crate) title: String,
    /// Keystone's address, ending in `/v3`.
    pub(crate) auth_url: Url,
    pub(crate) sign_in: SignIn,
    pub(crate) scope: Scope,
    /// The region, where one is chosen.
    pub(crate) region: Option<String>,
    /// `public`, `internal` or `admin`.
    pub(crate) interface: String,
    /// Glance's address, where it is not to be the catalog's.
    pub(crate) image_endpoint: Option<Url>,
    /// Certificate authorities besides the machine's own.
    pub(crate) ca_file: Option<PathBuf>,
}

/// The keys of an entry, with what it is called.
struct Entry<'a> {
    title: &'a str,
    entry: &'a Value,
}

impl CloudSettings {
    /// Reads an entry.
    ///
    /// # Errors
    /// Which key is missing or can't be used.
    pub(crate) fn of(title: &str, entry: &Value) -> Result<Self, Failure> {
        let entry = Entry { title, entry };
        if entry.entry["verify"] == false {
            return Err(entry
                .wrong("verify", "certificates are always verified")
                .remedy("Name the authority's certificate with cacert."));
        }
        let auth_url = entry
            .auth("auth_url")
            .ok_or_else(|| entry.missing("auth_url"))?;
        Ok(Self {
            title: title.to_owned(),
            auth_url: version_three(&auth_url)
                .ok_or_else(|| entry.wrong("auth_url", "it is no address"))?,
            sign_in: entry.sign_in()?,
            scope: entry.scope(),
            region: entry.beside("region_name"),
            interface: entry.beside("interface").map_or_else(
                || "public".to_owned(),
                |name| name.trim_end_matches("URL").to_owned(),
            ),
            image_endpoint: entry
                .beside("image_endpoint_override")
                .map(|text| Url::parse(&text))
                .transpose()
                .map_err(|_| entry.wrong("image_endpoint_override", "it is no address"))?,
            ca_file: entry.beside("cacert").map(PathBuf::from),
        })
    }
}

impl Entry<'_> {
    fn auth(&self, key: &str) -> Option<String> {
        text(&self.entry["auth"][key])
    }

    fn beside(&self, key: &str) -> Option<String> {
        text(&self.entry[key])
    }

    fn secret(&self, key: &str) -> Result<SecretString, Failure> {
        let text = self.auth(key).ok_or_else(|| self.missing(key))?;
        Ok(SecretString::from(text))
    }

    fn sign_in(&self) -> Result<SignIn, Failure> {
        let given = self.beside("auth_type");
        let kind = match given.as_deref() {
            Some(kind) => kind,
            None if self.auth("application_credential_secret").is_some() => {
                "v3applicationcredential"
            }
            None if self.auth("token").is_some() => "token",
            None => "password",
        };
        match kind {
            "password" | "v3password" => Ok(SignIn::Password(
                self.user()?,
                Password::Value(self.secret("password")?),
            )),
            "token" | "v3token" => Ok(SignIn::Token(self.secret("token")?)),
            "v3applicationcredential" => {
                let secret = self.secret("application_credential_secret")?;
                match self.auth("application_credential_id") {
                    Some(id) => Ok(SignIn::ApplicationCredential { id, secret }),
                    None => Ok(SignIn::NamedApplicationCredential {
                        name: self
                            .auth("application_credential_name")
                            .ok_or_else(|| self.missing("application_credential_id"))?,
                        user: self.user()?,
                        secret,
                    }),
                }
            }
            other => Err(self
                .wrong("auth_type", &format!("{other} is not known here"))
                .remedy("There are password, token and v3applicationcredential.")),
        }
    }

    fn user(&self) -> Result<Named, Failure> {
        if let Some(id) = self.auth("user_id") {
            return Ok(Named::Id(id));
        }
        let name = self
            .auth("username")
            .ok_or_else(|| self.missing("username"))?;
        let domain = match (self.auth("user_domain_id"), self.auth("user_domain_name")) {
            (Some(id), _) => DomainName::Id(id),
            (None, Some(name)) => DomainName::Name(name),
            (None, None) => DomainName::Id(DEFAULT_DOMAIN.to_owned()),
        };
        Ok(Named::Name(name, domain))
    }

    fn scope(&self) -> Scope {
        if let Some(id) = self.auth("project_id") {
            return Scope::Project(TenantId::parse(&id).unwrap_or_else(|_| TenantId::new(id)));
        }
        let domain = (
            self.auth("project_domain_id"),
            self.auth("project_domain_name"),
        );
        match (self.auth("project_name"), domain) {
            (None, _) => Scope::Own,
            (Some(name), (None, Some(domain_name))) => Scope::ProjectIn { name, domain_name },
            (Some(name), (id, _)) => Scope::NamedProject {
                name,
                domain_id: id.unwrap_or_else(|| DEFAULT_DOMAIN.to_owned()),
            },
        }
    }

    fn missing(&self, key: &str) -> Failure {
        Failure::usage(format!("{}: {key} is missing", self.title)).remedy(format!(
            "Write it under auth in clouds.yaml, or set OS_{}.",
            key.to_ascii_uppercase()
        ))
    }

    fn wrong(&self, key: &str, why: &str) -> Failure {
        Failure::usage(format!("{}: {key}: {why}", self.title))
    }
}

/// What YAML reads as a number, such as a password of digits, is meant as it is written.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Keystone's address is given with its version or without.
fn version_three(text: &str) -> Option<Url> {
    let stem = text.trim_end_matches('/');
    let stem = stem
        .strip_suffix("/v3")
        .or_else(|| stem.strip_suffix("/v2.0"))
        .unwrap_or(stem);
    Url::parse(&format!("{stem}/v3")).ok().filter(Url::has_host)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(auth: Value) -> Result<CloudSettings, Failure> {
        CloudSettings::of("cloud one", &json!({"auth": auth, "region_name": "ot1"}))
    }

    #[test]
    fn a_password_with_names_is_in_the_default_domain() {
        let cloud = read(
            json!({"auth_url": "http://keystone/", "username": "alice", "password": 1234,
            "project_name": "p"}),
        )
        .expect("complete");
        assert_eq!(cloud.auth_url.as_str(), "http://keystone/v3");
        let domain = DomainName::Id("default".to_owned());
        let SignIn::Password(user, _) = &cloud.sign_in else {
            panic!("{:?}", cloud.sign_in);
        };
        assert_eq!(*user, Named::Name("alice".to_owned(), domain));
        assert_eq!(
            cloud.scope,
            Scope::NamedProject {
                name: "p".to_owned(),
                domain_id: "default".to_owned()
            }
        );
        assert!(!format!("{cloud:?}").contains("1234"), "{cloud:?}");
    }

    #[test]
    fn what_is_there_says_how_to_sign_in() {
        let url = "http://keystone/v3";
        let credential = read(json!({"auth_url": url, "application_credential_id": "i",
            "application_credential_secret": "s"}));
        let credential = credential.expect("complete");
        assert!(matches!(
            credential.sign_in,
            SignIn::ApplicationCredential { .. }
        ));
        assert_eq!(credential.scope, Scope::Own);
        let token = read(json!({"auth_url": url, "token": "t", "project_id": "p"}));
        assert!(matches!(token.expect("complete").sign_in, SignIn::Token(_)));
    }

    #[test]
    fn what_is_missing_is_named() {
        let lacks = |auth| read(auth).expect_err("incomplete").to_string();
        assert!(lacks(json!({})).contains("auth_url"));
        let url = "http://keystone";
        assert!(lacks(json!({"auth_url": url, "username": "u"})).contains("OS_PASSWORD"));
        assert!(lacks(json!({"auth_url": url, "password": "p"})).contains("username"));
        assert!(lacks(json!({"auth_url": "keystone"})).contains("auth_url"));
    }
}
