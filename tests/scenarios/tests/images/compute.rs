//! The compute API, called at the address that the catalog has for it, as its clients do.

use anyhow::{Context, ensure};
use reqwest::{Client, Method};
use scenarios::Answer;
use serde_json::{Value, json};
use testbed::{Cloud, Region, TestBed};

/// A caller of one region's compute API.
pub(crate) struct Compute {
    /// The gateway, without a version.
    pub base: String,
    /// The caller's project.
    pub tenant: String,
    /// The public address of the region's Glance, as the catalog has it.
    pub glance: String,
    token: String,
    client: Client,
}

impl Compute {
    /// The API as `user` finds it in `region`.
    pub(crate) async fn of(bed: &TestBed, user: &str, region: Region) -> anyhow::Result<Self> {
        Self::found_by(&bed.cloud(user, region).await?).await
    }

    /// The API as this user finds it.
    pub(crate) async fn found_by(cloud: &Cloud) -> anyhow::Result<Self> {
        let catalog = cloud.keystone(Method::GET, "/auth/catalog").send().await?;
        let catalog: Value = catalog.error_for_status()?.json().await?;
        let public = |kind| public_address(&catalog, kind, cloud.region);
        let compute = public("compute")?;
        let end = format!("/v2/{}", cloud.project_id);
        let base = compute
            .strip_suffix(&end)
            .with_context(|| format!("{compute} does not end with {end}"))?;
        Ok(Self {
            base: base.to_owned(),
            tenant: cloud.project_id.clone(),
            glance: public("image")?,
            token: cloud.token.clone(),
            client: testbed::http_client()?,
        })
    }

    /// `GET` of a path behind the project, under version 2; its answer must have the manners of this API.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.get_at(&format!("/v2/{}{path}", self.tenant)).await
    }

    /// `GET` of a whole path.
    pub(crate) async fn get_at(&self, path: &str) -> anyhow::Result<Answer> {
        self.follow(&format!("{}{path}", self.base)).await
    }

    /// `GET` of an address.
    pub(crate) async fn follow(&self, url: &str) -> anyhow::Result<Answer> {
        let request = self.client.get(url).header("x-auth-token", &self.token);
        let answer = Answer::read(request.send().await?).await?;
        answer.expect_request_id()?;
        let id = answer.header("x-openstack-request-id");
        ensure!(answer.header("x-compute-request-id") == id, "{answer}");
        let media_type = answer.header("content-type");
        ensure!(media_type == "application/json; charset=UTF-8", "{answer}");
        Ok(answer)
    }

    /// The image that is there.
    pub(crate) async fn image(&self, id: &str) -> anyhow::Result<Value> {
        let mut shown = self.get(&format!("/images/{id}")).await?.json(200)?;
        Ok(shown["image"].take())
    }

    /// The names of a list's images, in its order.
    pub(crate) async fn names(&self, query: &str) -> anyhow::Result<Vec<String>> {
        let list = self.get(&format!("/images{query}")).await?.json(200)?;
        names_in(&list)
    }

    /// The links that an image must have.
    pub(crate) fn links(&self, version: &str, id: &str) -> Value {
        let Self {
            base,
            tenant,
            glance,
            ..
        } = self;
        json!([
            {"rel": "self", "href": format!("{base}/{version}/{tenant}/images/{id}")},
            {"rel": "bookmark", "href": format!("{base}/{tenant}/images/{id}")},
            {"rel": "alternate", "href": format!("{glance}/images/{id}"),
                "type": "application/vnd.openstack.image"},
        ])
    }
}

/// The names of a list's images, in its order.
pub(crate) fn names_in(list: &Value) -> anyhow::Result<Vec<String>> {
    let images = list["images"].as_array().context("no images")?;
    let names = images.iter().map(|image| image["name"].as_str());
    let names: Option<Vec<&str>> = names.collect();
    let names = names.with_context(|| format!("an image without a name: {list}"))?;
    Ok(names.into_iter().map(str::to_owned).collect())
}

fn public_address(catalog: &Value, kind: &str, region: Region) -> anyhow::Result<String> {
    let services = catalog["catalog"].as_array().context("no catalog")?;
    let endpoints = services
        .iter()
        .filter(|service| service["type"] == kind)
        .filter_map(|service| service["endpoints"].as_array())
        .flatten();
    let public = endpoints
        .filter(|endpoint| endpoint["interface"] == "public")
        .find(|endpoint| endpoint["region_id"] == region.as_str());
    let url = public.and_then(|endpoint| endpoint["url"].as_str());
    url.map(str::to_owned)
        .with_context(|| format!("no public {kind} in {region}"))
}
