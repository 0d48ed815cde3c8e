//! A copy without the service: the copy engine in this process, between two clouds of `clouds.yaml`.
//!
//! The user's own rights count at both. The engine makes sure of what the service promises: the copy is compared before it is
//! visible, a download that breaks off goes on where it was, and what does not come to its end is removed.

mod attempts;
mod clouds;

use copy_engine::{Progress, Signals};
use openstack::{PatchOp, Ungated};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::Copy;
use crate::bars::say;
use crate::failure::{Exit, Failure};
use crate::output::write_one;
use clouds::Clouds;

const COLUMNS: [&str; 8] = [
    "image_id",
    "name",
    "from_cloud",
    "source_image_id",
    "to_cloud",
    "project_id",
    "size",
    "os_hash_value",
];

/// Copies one image.
pub(crate) async fn copy(copy: &Copy) -> Result<Exit, Failure> {
    let [image] = copy.images.as_slice() else {
        return Err(Failure::usage("--direct copies one image at a time"));
    };
    let (Some(from), Some(to)) = (&copy.from_cloud, &copy.to_cloud) else {
        return Err(Failure::usage("--direct needs --from-cloud and --to-cloud"));
    };
    let clouds = Clouds::open(from, to, &copy.to, copy.to_region.as_deref()).await?;
    let order = clouds.order(image).await?;
    let (progress, signals) = (Progress::new(), Signals::default());
    let made = {
        let cancel = signals.cancel.clone();
        let canceling = async {
            interrupted().await?;
            say("Canceled; what was copied is being removed.");
            cancel.cancel();
            std::future::pending::<Result<_, Failure>>().await
        };
        tokio::select! {
            biased;
            made = attempts::make(&clouds, order, &progress, &signals) => made?,
            stuck = canceling => stuck?,
        }
    };
    let Some(id) = made else {
        return Ok(Exit::Canceled);
    };
    let destination = &clouds.destination;
    if let Some(name) = &copy.name {
        let rename = [PatchOp::replace("name", name.as_str())];
        let renamed = destination.writes(&Ungated).patch(id, &rename).await;
        renamed.map_err(|error| {
            Failure::from(error).while_doing(&format!("image {id} is copied, but not named {name}"))
        })?;
    }
    let image = destination.show(id).await?;
    let record = json!({
        "image_id": id,
        "name": image.name,
        "from_cloud": from,
        "source_image_id": image.properties.get(copy_engine::REPLICATED_FROM_IMAGE),
        "to_cloud": to,
        "project_id": clouds.project.as_str(),
        "size": image.size,
        "os_hash_value": image.os_hash_value,
    });
    write_one(&copy.output, &COLUMNS, &record)?;
    Ok(Exit::Done)
}

/// Until Ctrl-C, or an orderly end is asked for.
async fn interrupted() -> Result<(), Failure> {
    let cannot = |error| Failure::new(Exit::Failed, format!("signals can't be heard: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    tokio::select! {
        heard = tokio::signal::ctrl_c() => heard.map_err(cannot),
        _ = terminate.recv() => Ok(()),
    }
}
