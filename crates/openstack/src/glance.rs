//! The calls to one region's Glance (Image API v2) with one token.
//!
//! Reads are here; what changes something is in `writes.rs`, behind a gate; the two calls that move
//! bytes are `download.rs` and `upload.rs`. A service token
//! that is refused is replaced and the call made once more: Glance answers 401 to a good token, too,
//! when it could not ask Keystone. A caller's token is used as it is.

mod download;
mod formats;
mod image;
mod image_filter;
mod image_status;
mod list;
mod members;
mod new_image;
mod patch;
mod range;
mod upload;
mod visibility;
mod write_gate;
mod writes;

pub use download::{Download, DownloadBody, DownloadRefused};
pub use formats::Formats;
pub use image::Image;
pub use image_filter::ImageFilter;
pub use image_status::ImageStatus;
pub use list::ImagePage;
pub use new_image::NewImage;
pub use patch::PatchOp;
pub use range::{ByteRange, ContentRange};
pub use visibility::Visibility;
pub use write_gate::{Ungated, Withheld, WriteGate};
pub use writes::Writes;

use domain::ImageId;
use http::{Method, StatusCode};
use secrecy::SecretString;
use url::Url;

use crate::http_client::{Answer, Call, HttpClient};
use crate::{Error, Purpose, RequestContext, ServiceIdentity, Token};

/// Whose token the requests carry.
#[derive(Debug, Clone)]
pub enum Auth {
    /// A caller's own token, as it came.
    Caller(SecretString),
    /// The service user's token for a purpose.
    Service {
        /// The service user in the region's Keystone.
        identity: ServiceIdentity,
        /// What for.
        purpose: Purpose,
    },
}

/// One Glance, as one user sees it; cheap to clone.
#[derive(Debug, Clone)]
pub struct Glance {
    /// Without a version.
    url: Url,
    auth: Auth,
    http: HttpClient,
}

/// The token of one try of one call.
enum Pass {
    Caller(SecretString),
    Service(Token),
}

impl Pass {
    fn secret(&self) -> &SecretString {
        match self {
            Self::Caller(secret) => secret,
            Self::Service(token) => token.secret(),
        }
    }
}

impl Glance {
    /// The Glance at `url`, which may or may not end in a version, as catalogs have both.
    #[must_use]
    pub fn new(url: Url, auth: Auth, http: HttpClient) -> Self {
        Self {
            url: unversioned(url),
            auth,
            http,
        }
    }

    /// Its address, without a version.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The same Glance, with requests that carry this context.
    #[must_use]
    pub fn with_context(&self, context: &RequestContext) -> Self {
        Self {
            http: self.http.with_context(context),
            ..self.clone()
        }
    }

    /// Whether Glance answers at all, whatever it thinks of the token.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Timeout`], or [`Error::ServerError`] of the front before it.
    pub async fn ping(&self) -> Result<(), Error> {
        let call = Call::new(
            Method::GET,
            self.at(&[""])?,
            "asking Glance for its versions",
        );
        let answer = self.http.send(call).await?;
        // `GET /` answers 300 Multiple Choices: here that is as good as 200.
        if answer.status == StatusCode::MULTIPLE_CHOICES || answer.status.is_client_error() {
            return Ok(());
        }
        answer.success().map(drop)
    }

    /// The image's metadata.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it does not exist or the token may not see it.
    pub async fn show(&self, id: ImageId) -> Result<Image, Error> {
        let url = self.image(id)?;
        self.json_call(&Ungated, || {
            Ok(Call::new(Method::GET, url.clone(), "showing an image"))
        })
        .await?
        .json("the image")
    }

    /// The disk and container formats that this Glance takes, from its image schema.
    ///
    /// # Errors
    /// Any failed call.
    pub async fn formats(&self) -> Result<Formats, Error> {
        let url = self.at(&["v2", "schemas", "image"])?;
        self.json_call(&Ungated, || {
            Ok(Call::new(
                Method::GET,
                url.clone(),
                "reading the image schema",
            ))
        })
        .await?
        .json("the image schema")
    }

    /// Makes a call that may be made twice, with a token and, should a service token be refused, once
    /// more with a new one. The gate is asked when the token is at hand: getting one may take longer
    /// than what permits a write lasts.
    async fn json_call<'a>(
        &self,
        gate: &dyn WriteGate,
        call: impl Fn() -> Result<Call<'a>, Error>,
    ) -> Result<Answer, Error> {
        let pass = self.pass().await?;
        let answer = self.send(gate, call()?, &pass).await?;
        if answer.status != StatusCode::UNAUTHORIZED || !self.renew(&pass) {
            return Ok(answer);
        }
        let pass = self.pass().await?;
        self.send(gate, call()?, &pass).await
    }

    async fn send(
        &self,
        gate: &dyn WriteGate,
        call: Call<'_>,
        pass: &Pass,
    ) -> Result<Answer, Error> {
        gate.permit().await?;
        // The call is rebuilt around the pass, whose secret lives as long as this try.
        let Call {
            method,
            url,
            token: _,
            headers,
            body,
            doing,
        } = call;
        self.http
            .send(Call {
                method,
                url,
                token: Some(pass.secret()),
                headers,
                body,
                doing,
            })
            .await
    }

    /// The token for one try.
    async fn pass(&self) -> Result<Pass, Error> {
        match &self.auth {
            Auth::Caller(secret) => Ok(Pass::Caller(secret.clone())),
            Auth::Service { identity, purpose } => identity
                .token(purpose, self.http.context())
                .await
                .map(Pass::Service),
        }
    }

    /// After a 401: forgets a refused service token. Whether there can be another.
    fn renew(&self, refused: &Pass) -> bool {
        match (&self.auth, refused) {
            (Auth::Service { identity, .. }, Pass::Service(token)) => {
                identity.invalidate(token);
                true
            }
            (Auth::Caller(_), _) | (_, Pass::Caller(_)) => false,
        }
    }

    fn image(&self, id: ImageId) -> Result<Url, Error> {
        self.at(&["v2", "images", &id.to_string()])
    }

    fn at(&self, segments: &[&str]) -> Result<Url, Error> {
        let mut url = self.url.clone();
        url.path_segments_mut()
            .map_err(|()| Error::Malformed("Glance's address has no path".to_owned()))?
            .pop_if_empty()
            .extend(segments);
        Ok(url)
    }
}

/// The address without a version at its end, as catalogs have it with and without.
pub(crate) fn unversioned(mut url: Url) -> Url {
    let path = url.path().trim_end_matches('/');
    let stem = path
        .rsplit_once('/')
        .filter(|(_, last)| last.starts_with("v2"))
        .map_or(path, |(stem, _)| stem)
        .to_owned();
    url.set_path(&stem);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalogs_have_addresses_with_and_without_a_version() {
        for (catalog, expected) in [
            ("http://one:9292", "http://one:9292/v2/images"),
            ("http://one:9292/v2/", "http://one:9292/v2/images"),
            ("http://one/image/v2", "http://one/image/v2/images"),
            ("http://one/image/", "http://one/image/v2/images"),
        ] {
            let glance = Glance::new(
                Url::parse(catalog).expect("a URL"),
                Auth::Caller(SecretString::from("secret-token")),
                HttpClient::new(crate::HttpSettings::default()).expect("a client"),
            );
            let url = glance.at(&["v2", "images"]).expect("a URL");
            assert_eq!(url.as_str(), expected);
            assert!(!format!("{glance:?}").contains("secret-token"));
        }
    }
}
