//! `regions`: those of the catalog, and whether images can be copied from there.

use std::sync::Arc;

use domain::RegionId;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::arguments::{CloudChoice, Output};
use crate::failure::{Exit, Failure};
use crate::gateway::Gateway;
use crate::output::write_list;
use crate::session::Session;
use crate::sign_in::chosen_cloud;

const COLUMNS: [&str; 3] = ["region", "image_endpoint", "copies_from_here"];

pub(super) async fn list(cloud: &CloudChoice, output: &Output) -> Result<Exit, Failure> {
    let session = Arc::new(Session::open(chosen_cloud(cloud)?).await?);
    let regions = session.regions();
    let records = join_all(regions.iter().map(async |region| {
        let id = RegionId::new(region);
        let endpoint = session.image_endpoint(&id).map(String::from).ok();
        let copies = match Gateway::of(session.clone(), id, None) {
            Ok(gateway) => answers(&gateway).await,
            Err(_) => Value::Null,
        };
        json!({"region": region, "image_endpoint": endpoint, "copies_from_here": copies})
    }))
    .await;
    write_list(output, &COLUMNS, &COLUMNS, &records)?;
    Ok(Exit::Done)
}

/// Whether the region has a gateway; null when that can't be told now.
async fn answers(gateway: &Gateway) -> Value {
    match gateway.jobs_that(&[("limit", "1".to_owned())]).await {
        Ok(_) => true.into(),
        Err(failure) if failure.exit == Exit::NotFound => false.into(),
        Err(_) => Value::Null,
    }
}
