//! A cloud before the newcomer: no service user, nothing of ours in the catalog, and Glance's own address there.

use anyhow::Context;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use testbed::{Cloud, Region, TestBed};

/// Takes away what the test bed's Keystone was seeded with for the service.
pub(crate) async fn forget_the_service(bed: &TestBed) -> anyhow::Result<()> {
    let admin = bed.cloud("admin", Region::Ot1).await?;
    let user = bed.user_id(Region::Ot1, "image-replicator")?;
    done(admin.keystone(Method::DELETE, &format!("/users/{user}"))).await?;

    for (kind, id) in services(&admin).await? {
        match kind.as_str() {
            // Its endpoints go with it.
            "backup" | "compute" => {
                done(admin.keystone(Method::DELETE, &format!("/services/{id}"))).await?;
            }
            "image" => glance_itself(bed, &admin, &id).await?,
            _ => {}
        }
    }
    Ok(())
}

/// Each service's type and id.
async fn services(admin: &Cloud) -> anyhow::Result<Vec<(String, String)>> {
    let list = read(admin.keystone(Method::GET, "/services")).await?;
    let list = list["services"].as_array().context("no list")?;
    let text = |service: &Value, key: &str| Some(service[key].as_str()?.to_owned());
    let both = |service| Some((text(service, "type")?, text(service, "id")?));
    list.iter()
        .map(|service| both(service).context("no service"))
        .collect()
}

async fn glance_itself(bed: &TestBed, admin: &Cloud, service: &str) -> anyhow::Result<()> {
    let path = format!("/endpoints?service_id={service}");
    let list = read(admin.keystone(Method::GET, &path)).await?;
    for endpoint in list["endpoints"].as_array().context("no list")? {
        let region: Region = endpoint["region_id"]
            .as_str()
            .context("no region")?
            .parse()?;
        let glance = bed.cloud("admin", region).await?.glance_url;
        let path = format!("/endpoints/{}", endpoint["id"].as_str().context("no id")?);
        let change = json!({"endpoint": {"url": glance}});
        done(admin.keystone(Method::PATCH, &path).json(&change)).await?;
    }
    Ok(())
}

async fn read(request: RequestBuilder) -> anyhow::Result<Value> {
    Ok(request.send().await?.error_for_status()?.json().await?)
}

async fn done(request: RequestBuilder) -> anyhow::Result<()> {
    request.send().await?.error_for_status()?;
    Ok(())
}
