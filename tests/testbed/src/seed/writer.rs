//! Writes to a Keystone as its administrator.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

use crate::{http, identity};

/// An administrator's token and the Keystone that issued it.
pub(super) struct Writer {
    client: Client,
    url: String,
    token: String,
}

impl Writer {
    pub(super) async fn log_in(url: &str) -> anyhow::Result<Self> {
        let token = identity::issue_token(url, "admin", super::password("admin")?, "admin").await?;
        Ok(Self {
            client: http::client()?,
            url: url.to_owned(),
            token,
        })
    }

    /// Creates a resource of `collection`.
    pub(super) async fn create(&self, collection: &str, body: &Value) -> anyhow::Result<()> {
        self.send(self.request(Method::POST, collection).json(body))
            .await
            .map(drop)
    }

    /// Makes a role assignment, which repeats without harm.
    pub(super) async fn put(&self, path: &str) -> anyhow::Result<()> {
        self.send(self.request(Method::PUT, path)).await.map(drop)
    }

    /// The ids of all members of `collection` by their names.
    pub(super) async fn ids_by_name(
        &self,
        collection: &str,
    ) -> anyhow::Result<BTreeMap<String, String>> {
        let answer = self.send(self.request(Method::GET, collection)).await?;
        let answer: Value = serde_json::from_str(&answer)?;
        let members = answer[collection].as_array().context("not a list")?;
        let text = |member: &Value, key: &str| member[key].as_str().map(str::to_owned);
        Ok(members
            .iter()
            .filter_map(|member| Some((text(member, "name")?, text(member, "id")?)))
            .collect())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}/{path}", self.url))
            .header("x-auth-token", &self.token)
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<String> {
        let answer = request.send().await?;
        let (status, url) = (answer.status(), answer.url().clone());
        let text = answer.text().await?;
        ensure!(status.is_success(), "{url} answers {status}: {text}");
        Ok(text)
    }
}
