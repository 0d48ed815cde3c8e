//! A seeded user at work in one region: a token and Glance calls by plain HTTP.
//!
//! Deliberately not built on our own client: what a test sees of the cloud must not depend on what it tests.

mod images;

use anyhow::ensure;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};

pub use images::{MadeImage, NewImage};

use crate::bed::TestBed;
use crate::openrc::default_project;
use crate::region::Region;
use crate::{http, identity, seed};

/// A user's token for a project in a region, and the addresses it is good for.
#[derive(Clone)]
pub struct Cloud {
    /// The region.
    pub region: Region,
    /// Id of the token's project.
    pub project_id: String,
    /// The token itself.
    pub token: String,
    /// The region's Keystone; ends in `/v3`.
    pub keystone_url: String,
    /// The region's Glance, past the front.
    pub glance_url: String,
    /// The region's front: Glance and, under `/v2/extension/image_replicator/`, the gateway.
    pub front_url: String,
    /// The region's gateway itself: where the catalog says that plans are, and images in the compute style.
    pub gateway_url: String,
    client: Client,
}

impl TestBed {
    /// `user` in `region`, with the project that `testbed env` would choose.
    ///
    /// # Errors
    /// When there is no such user or Keystone refuses.
    pub async fn cloud(&self, user: &str, region: Region) -> anyhow::Result<Cloud> {
        let project = default_project(seed::user(user)?, region);
        self.cloud_in(user, region, project).await
    }

    /// `user` in `region`, with a token for `project`.
    ///
    /// # Errors
    /// When there is no such user or project, or Keystone refuses.
    pub async fn cloud_in(
        &self,
        user: &str,
        region: Region,
        project: &str,
    ) -> anyhow::Result<Cloud> {
        let site = self.site();
        let keystone_url = site.keystone_url(region);
        let password = seed::password(user)?;
        Ok(Cloud {
            region,
            project_id: self.project_id(region, project)?,
            token: identity::issue_token(&keystone_url, user, password, project).await?,
            glance_url: site.glance_url(region),
            front_url: site.front_url(region),
            gateway_url: site.gateway_url(region),
            keystone_url,
            client: http::client_of(site.options.tls.as_ref())?,
        })
    }

    /// What `region`'s Keystone calls `project`.
    ///
    /// # Errors
    /// When there is no such project.
    pub fn project_id(&self, region: Region, project: &str) -> anyhow::Result<String> {
        let id = self.ids_of(region).projects.get(project).cloned();
        id.ok_or_else(|| anyhow::anyhow!("no project {project} is seeded"))
    }

    /// What `region`'s Keystone calls `user`.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn user_id(&self, region: Region, user: &str) -> anyhow::Result<String> {
        let id = self.ids_of(region).users.get(user).cloned();
        id.ok_or_else(|| anyhow::anyhow!("no user {user} is seeded"))
    }
}

impl Cloud {
    /// A request with this token to the region's Glance; `path` begins with a slash.
    pub fn glance(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, &self.glance_url, path)
    }

    /// A request with this token to the region's front.
    pub fn front(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, &self.front_url, path)
    }

    /// A request with this token to the region's gateway itself.
    pub fn gateway(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, &self.gateway_url, path)
    }

    /// A request with this token to the region's Keystone; `path` follows `/v3`.
    pub fn keystone(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, &self.keystone_url, path)
    }

    fn request(&self, method: Method, base: &str, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{base}{path}"))
            .header("x-auth-token", &self.token)
    }
}

/// Sends, and turns every status but success into an error with the answer's text.
async fn send(request: RequestBuilder) -> anyhow::Result<Response> {
    let answer = request.send().await?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let url = answer.url().clone();
    anyhow::bail!("{url} answers {status}: {}", answer.text().await?.trim())
}

/// As [`send`], with `None` for 404.
async fn send_if_there(request: RequestBuilder) -> anyhow::Result<Option<Response>> {
    let answer = request.send().await?;
    let status = answer.status();
    if status == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    ensure!(status.is_success(), "{} answers {status}", answer.url());
    Ok(Some(answer))
}
