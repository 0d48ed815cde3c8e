//! The calls to one Keystone (Identity API v3).
//!
//! It holds no token: each call is told which one to use. Whose tokens those are and how long they
//! are kept is `identity.rs`'s concern.

mod authenticate;
mod lookup;
mod sign_in;

pub use authenticate::{Credentials, Password, Scope};
pub use lookup::{Project, ProjectList, ProjectRole, User};
pub use sign_in::{DomainName, Named, SignIn};

use http::Method;
use http::StatusCode;
use http::header::HeaderName;
use secrecy::SecretString;
use url::Url;

use crate::http_client::{Call, HttpClient, secret_header};
use crate::token::TokenDocument;
use crate::{Error, RequestContext, TokenInfo};

const SUBJECT_TOKEN: HeaderName = HeaderName::from_static("x-subject-token");

/// One Keystone; cheap to clone.
#[derive(Debug, Clone)]
pub struct Keystone {
    /// Ends in `/v3`.
    url: Url,
    http: HttpClient,
}

impl Keystone {
    /// The Keystone at `url`, which ends in `/v3`.
    #[must_use]
    pub fn new(url: Url, http: HttpClient) -> Self {
        Self { url, http }
    }

    /// Its address, for `WWW-Authenticate` and for telling whether two regions share it.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The same Keystone, with requests that carry this context.
    #[must_use]
    pub fn with_context(&self, context: &RequestContext) -> Self {
        Self {
            url: self.url.clone(),
            http: self.http.with_context(context),
        }
    }

    /// What `subject` proves, without a catalog; none when it is unknown, expired or revoked.
    ///
    /// `with` is a system-scoped, admin or service token, or `subject` itself.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] is about `with`.
    pub async fn validate(
        &self,
        with: &SecretString,
        subject: &SecretString,
    ) -> Result<Option<TokenInfo>, Error> {
        let Ok(subject) = secret_header(subject) else {
            return Ok(None);
        };
        let url = self.at("auth/tokens?nocatalog")?;
        let mut call = Call::new(Method::GET, url, "validating a token").token(with);
        call.headers.insert(SUBJECT_TOKEN, subject);
        let answer = self.http.send(call).await?;
        // The text of this 404 quotes a revoked token whole: it is never read.
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let document: TokenDocument = answer.json("the validated token")?;
        Ok(Some(document.into()))
    }

    /// An address below `/v3`. `path` is written here, or made of quoted segments.
    fn at(&self, path: &str) -> Result<Url, Error> {
        let base = self.url.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}/{path}"))
            .map_err(|error| Error::Malformed(format!("Keystone's address: {error}")))
    }

    /// An address whose last parts came from outside and are quoted as path segments.
    fn at_segments(&self, segments: &[&str]) -> Result<Url, Error> {
        let mut url = self.url.clone();
        url.path_segments_mut()
            .map_err(|()| Error::Malformed("Keystone's address has no path".to_owned()))?
            .pop_if_empty()
            .extend(segments);
        Ok(url)
    }
}
