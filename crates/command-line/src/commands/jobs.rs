//! `list`, `show`, `watch` and `cancel`.

use crate::arguments::{List, Output};
use crate::bars::say;
use crate::failure::{Exit, Failure};
use crate::gateway::{Gateway, JOB_COLUMNS};
use crate::output::{write_list, write_one};
use crate::wait;

/// The columns of a list, unless others are asked for.
pub(super) const LISTED: [&str; 6] = [
    "job_id",
    "status",
    "copy_progress",
    "source_image_name",
    "destination_region_id",
    "created_at",
];

/// Statuses of jobs that are under way.
const OPEN: &str = "replicate_requested,replicating,cancel_requested,canceling";

pub(super) async fn list(gateway: &Gateway, list: &List) -> Result<Exit, Failure> {
    let mut query = Vec::new();
    if let Some(status) = &list.status {
        query.push(("status", status.clone()));
    }
    if let Some(limit) = list.limit {
        query.push(("limit", limit.to_string()));
    }
    if list.all_projects {
        query.push(("all_tenants", "true".to_owned()));
    }
    let jobs = gateway.jobs_that(&query).await?;
    write_list(&list.output, &JOB_COLUMNS, &LISTED, &jobs)?;
    Ok(Exit::Done)
}

pub(super) async fn show(gateway: &Gateway, job: &str, output: &Output) -> Result<Exit, Failure> {
    write_one(output, &JOB_COLUMNS, &gateway.job(job).await?)?;
    Ok(Exit::Done)
}

pub(super) async fn watch(gateway: &Gateway, mut jobs: Vec<String>) -> Result<Exit, Failure> {
    if jobs.is_empty() {
        let open = gateway.jobs_that(&[("status", OPEN.to_owned())]).await?;
        let ids = open.iter().filter_map(|job| job["job_id"].as_str());
        jobs = ids.map(str::to_owned).collect();
    }
    if jobs.is_empty() {
        say("No copy is under way.");
        return Ok(Exit::Done);
    }
    wait::until_ended(gateway, &jobs).await
}

pub(super) async fn cancel(gateway: &Gateway, jobs: &[String]) -> Result<Exit, Failure> {
    let mut first = None;
    for job in jobs {
        if let Err(failure) = gateway.cancel(job).await {
            let failure = failure.while_doing(job);
            match &first {
                None => first = Some(failure),
                Some(_) => say(&failure.to_string()),
            }
        }
    }
    match first {
        Some(failure) => Err(failure),
        None => Ok(Exit::Done),
    }
}
