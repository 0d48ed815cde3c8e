//! `copy`, by the service.

use crate::arguments::Copy;
use crate::bars::say;
use crate::failure::{Exit, Failure};
use crate::gateway::{Gateway, JOB_COLUMNS};
use crate::output::{write_list, write_one};
use crate::{names, wait};

use super::jobs::LISTED;

pub(super) async fn run(gateway: &Gateway, copy: &Copy) -> Result<Exit, Failure> {
    let (session, region) = (gateway.session(), gateway.region());
    let to = names::project(session, &copy.to)
        .await
        .map_err(|f| f.while_doing("--to"))?;
    // All names are looked up first: one that is wrong begins no copy.
    let mut images = Vec::new();
    for image in &copy.images {
        images.push(names::image(session, region, image).await?);
    }
    let mut jobs = Vec::new();
    for image in images {
        match gateway
            .copy(image, &to, copy.to_region.as_deref(), copy.reuse)
            .await
        {
            Ok(job) => jobs.push(job),
            Err(failure) => {
                if !jobs.is_empty() {
                    say(&format!(
                        "These copies were begun before: {}",
                        jobs.join(" ")
                    ));
                }
                return Err(failure);
            }
        }
    }
    let exit = if copy.wait {
        wait::until_ended(gateway, &jobs).await?
    } else {
        Exit::Done
    };
    if exit == Exit::StoppedWatching {
        return Ok(exit);
    }
    let mut documents = Vec::new();
    for job in &jobs {
        documents.push(gateway.job(job).await?);
    }
    match documents.as_slice() {
        [only] => write_one(&copy.output, &JOB_COLUMNS, only)?,
        several => write_list(&copy.output, &JOB_COLUMNS, &LISTED, several)?,
    }
    Ok(exit)
}
