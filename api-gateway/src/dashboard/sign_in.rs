//! `POST /dashboard/api/sign-in`: a token of the caller's choice of project, for a user and a password or for a token.
//!
//! Keystone decides, and gives the token; what it is good for here is told with it. A token that is for the project already
//! stays what it is. Nothing of it is kept but what the cache of validated tokens knows of any.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use domain::TenantId;
use http::HeaderMap;
use jiff::Timestamp;
use openstack::{DomainName, Error, Keystone, Named, Password, Project, Scope, SignIn};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::sign_in_rate::Claim;
use crate::answer::Document;
use crate::app::App;
use crate::auth::{Caller, PresentedToken};
use crate::extract::{read_body, require_json};
use crate::fault::Fault;
use crate::scope::Scope as Request;

const EXPECTED: &str = "The body must be {\"user\", \"domain\", \"password\"} or {\"token\"}, either of \
                        them with or without \"project\", and all of them texts.";
const REFUSED: &str =
    "Keystone does not accept this sign-in: check user, domain, password and project.";
const TOKEN_REFUSED: &str =
    "Keystone does not accept this token, or its user has no role in the project.";
const NO_PROJECT: &str = "You have no role in any project of this region.";

/// Who one is, and where to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    user: Option<String>,
    domain: Option<String>,
    password: Option<SecretString>,
    token: Option<SecretString>,
    /// A project's id, or its name in the user's domain.
    project: Option<String>,
}

/// A proof, as it was understood.
enum Proof {
    Password {
        user: String,
        domain: String,
        password: SecretString,
    },
    Token(SecretString),
}

/// Who has signed in, and what this gateway lets them do.
#[derive(Serialize)]
pub(super) struct Session {
    token: String,
    expires_at: Timestamp,
    user: Name,
    project: Name,
    region_id: String,
    may_read: bool,
    may_copy: bool,
    /// Every project's jobs, and the workload.
    sees_all: bool,
    is_admin: bool,
}

#[derive(Serialize)]
struct Name {
    id: String,
    name: String,
}

/// Signs in.
pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    request: Request,
    headers: HeaderMap,
    body: Body,
) -> Result<Document<Session>, Fault> {
    require_json(&headers)?;
    let body = read_body(&headers, body, app.body_limit, request.deadline()).await?;
    let (proof, project) = parse(&body)?;
    app.sign_in_rate
        .admit(proof.claim())
        .inspect_err(|_| app.metrics.rate_limited())?;
    let signing_in = async {
        let keystone = app.authenticator.keystone(&request.onward());
        let token = token_of(&app, &request, &keystone, proof, project.as_deref()).await?;
        let caller = app.authenticator.caller(token, &request.onward()).await;
        caller.map_err(|fault| match fault {
            Fault::NotAuthenticated => Fault::SignInRefused(TOKEN_REFUSED.to_owned()),
            other => other,
        })
    };
    let caller = Request::within(request.deadline(), "Signing in", signing_in).await?;
    request.set_caller(caller.project.clone(), caller.user_id().clone());
    Ok(Document(session(&app, caller)))
}

/// No error of the parser is passed on: it may quote a password.
fn parse(body: &[u8]) -> Result<(Proof, Option<String>), Fault> {
    let invalid = || Fault::BadRequest(EXPECTED.to_owned());
    let wanted: Wanted = serde_json::from_slice(body).map_err(|_| invalid())?;
    let project = wanted.project.filter(|project| !project.is_empty());
    let proof = match (wanted.user, wanted.domain, wanted.password, wanted.token) {
        (Some(user), Some(domain), Some(password), None) => Proof::Password {
            user,
            domain,
            password,
        },
        (None, None, None, Some(token)) => Proof::Token(token),
        _ => return Err(invalid()),
    };
    Ok((proof, project))
}

/// A token for the project; without one for the user's default project, or else the first of the user's.
async fn token_of(
    app: &App,
    request: &Request,
    keystone: &Keystone,
    proof: Proof,
    project: Option<&str>,
) -> Result<PresentedToken, Fault> {
    let wanted = project.map(|project| proof.scope(project));
    let (sign_in, refusal) = match proof {
        Proof::Token(token) if wanted.is_none() => {
            let (presented, context) = (PresentedToken::new(token.clone()), request.onward());
            match app.authenticator.caller(presented.clone(), &context).await {
                Ok(_) => return Ok(presented),
                // Perhaps it is good, and only lacks a project.
                Err(Fault::NotAuthenticated) => (SignIn::Token(token), TOKEN_REFUSED),
                Err(other) => return Err(other),
            }
        }
        Proof::Token(token) => (SignIn::Token(token), TOKEN_REFUSED),
        Proof::Password {
            user,
            domain,
            password,
        } => {
            let user = Named::Name(user, DomainName::Name(domain));
            (SignIn::Password(user, Password::Value(password)), REFUSED)
        }
    };
    let failed = |error: Error| failure(&error, refusal);
    if let Some(scope) = wanted {
        let token = keystone.authenticate(&sign_in, &scope).await;
        return Ok(PresentedToken::new(token.map_err(failed)?.secret().clone()));
    }
    let first = keystone.authenticate(&sign_in, &Scope::Own).await;
    let first = first.map_err(failed)?;
    if first.info.project.is_some() {
        return Ok(PresentedToken::new(first.secret().clone()));
    }
    let own = keystone
        .own_projects(first.secret())
        .await
        .map_err(failed)?;
    let project =
        chosen(own.projects).ok_or_else(|| Fault::SignInRefused(NO_PROJECT.to_owned()))?;
    let with_first = SignIn::Token(first.secret().clone());
    let token = keystone
        .authenticate(&with_first, &Scope::Project(project.id))
        .await;
    Ok(PresentedToken::new(token.map_err(failed)?.secret().clone()))
}

/// The first by name of those that can be used.
fn chosen(mut projects: Vec<Project>) -> Option<Project> {
    projects.retain(|project| project.enabled);
    projects.sort_by(|one, other| one.name.cmp(&other.name));
    projects.into_iter().next()
}

/// Keystone tells a wrong password, an unknown user and a project without a role all alike.
fn failure(error: &Error, refusal: &str) -> Fault {
    match error {
        Error::Unauthorized(_) | Error::Forbidden(_) | Error::NotFound(_) => {
            Fault::SignInRefused(refusal.to_owned())
        }
        Error::BadRequest { .. } => Fault::BadRequest(
            "Keystone does not understand this sign-in: check user, domain and project.".to_owned(),
        ),
        error if error.is_outage() => {
            tracing::warn!(%error, "keystone could not be asked for a token");
            Fault::unavailable("Keystone is out of reach. Try again later.")
        }
        error => Fault::internal(error),
    }
}

fn session(app: &App, caller: Caller) -> Session {
    let info = caller.info;
    let project = info
        .project
        .map_or_else(String::new, |project| project.name);
    Session {
        token: caller.token.expose_secret().to_owned(),
        expires_at: info.expires_at,
        user: Name {
            id: info.user.id.to_string(),
            name: info.user.name,
        },
        project: Name {
            id: caller.project.to_string(),
            name: project,
        },
        region_id: app.region.to_string(),
        may_read: caller.may_read,
        may_copy: caller.may_copy,
        sees_all: caller.sees_all,
        is_admin: caller.is_admin,
    }
}

impl Proof {
    fn claim(&self) -> Claim {
        let digest = Sha256::new();
        let digest = match self {
            // Names are compared without case by most of Keystone's databases. A zero is in no name.
            Self::Password { user, domain, .. } => digest
                .chain_update(user.to_lowercase())
                .chain_update([0])
                .chain_update(domain.to_lowercase()),
            Self::Token(token) => digest.chain_update(token.expose_secret()),
        };
        digest.finalize().into()
    }

    /// What is meant by the project's id or name.
    fn scope(&self, project: &str) -> Scope {
        match (TenantId::parse(project), self) {
            (Err(_), Self::Password { domain, .. }) => Scope::ProjectIn {
                name: project.to_owned(),
                domain_name: domain.clone(),
            },
            (Err(_), Self::Token(_)) => Scope::Project(TenantId::new(project)),
            (Ok(id), _) => Scope::Project(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn understood(body: &str) -> Option<(Proof, Option<String>)> {
        parse(body.as_bytes()).ok()
    }

    #[test]
    fn a_proof_is_a_password_or_a_token_and_never_both() {
        let (proof, project) = understood(
            r#"{"user": "alice", "domain": "Default", "password": "p", "project": "proj-ot1"}"#,
        )
        .expect("a password");
        assert_eq!(project.as_deref(), Some("proj-ot1"));
        assert_eq!(
            proof.scope("proj-ot1"),
            Scope::ProjectIn {
                name: "proj-ot1".to_owned(),
                domain_name: "Default".to_owned()
            }
        );
        let id = "91b5c7c09cbd45caa3c146fd67ae471e";
        assert_eq!(proof.scope(id), Scope::Project(TenantId::new(id)));
        let (_, project) = understood(r#"{"token": "t", "project": ""}"#).expect("a token");
        assert_eq!(project, None);
        for body in [
            r#"{"user": "alice", "password": "p"}"#,
            r#"{"user": "alice", "domain": "Default", "password": "p", "token": "t"}"#,
            r#"{"token": 7}"#,
            r#"{"token": "t", "scope": "system"}"#,
            "{}",
            "",
        ] {
            assert!(understood(body).is_none(), "{body}");
        }
    }

    #[test]
    fn a_refusal_quotes_nothing() {
        let fault = parse(br#"{"token": "t", "password": 1234567, "secret-key": 1}"#).err();
        let text = format!("{fault:?}");
        assert!(
            !text.contains("1234567") && !text.contains("secret-key"),
            "{text}"
        );
    }

    #[test]
    fn one_user_is_one_claim_however_it_is_spelt() {
        let claim = |user: &str, domain: &str| {
            let (user, domain) = (user.to_owned(), domain.to_owned());
            let password = SecretString::from("p");
            Proof::Password {
                user,
                domain,
                password,
            }
            .claim()
        };
        assert_eq!(claim("alice", "Default"), claim("ALICE", "default"));
        assert_ne!(claim("alice", "Default"), claim("bob", "Default"));
        assert_ne!(claim("ab", "c"), claim("a", "bc"));
    }
}
