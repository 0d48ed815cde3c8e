//! Looks at everything once.

use std::path::Path;

use anyhow::Context;
use reqwest::Method;
use scenarios::JOBS;
use serde_json::Value;
use sha2::{Digest, Sha512};
use testbed::{Cloud, Region, StoreFile, TestBed};

use super::redis_dump::dump;
use super::{Evidence, File};

/// The queues that services declare, which are empty when nothing is to be done.
const QUEUES: [&str; 3] = ["copy.ot1", "copy.ot2", "copy.dead-letter"];

/// Looks at the cloud, the store and the broker, past all services, and at the jobs as the gateways list them; adds
/// that to what the run itself `knows`. With `hashes`, every stored byte is read too, and everything that the services wrote is searched
/// for secrets.
///
/// # Errors
/// When something does not answer.
pub async fn collect(bed: &TestBed, knows: Evidence, hashes: bool) -> anyhow::Result<Evidence> {
    let mut evidence = Evidence {
        redis: dump(bed).await?,
        ..knows
    };
    for region in Region::ALL {
        let admin = bed.cloud("admin", region).await?;
        evidence.listed.insert(region, list_jobs(&admin).await?);
        evidence.images.insert(region, admin.images().await?);
        for file in bed.store_files(region)? {
            evidence.files.push(look_at(region, file, hashes).await?);
        }
    }
    for queue in QUEUES {
        if let Some(count) = bed.messages(queue).await? {
            evidence.queues.insert(queue.to_owned(), count);
        }
    }
    if hashes {
        evidence.secrets = bed.secrets().await?;
    }
    Ok(evidence)
}

/// Every job of every tenant, page by page.
async fn list_jobs(admin: &Cloud) -> anyhow::Result<Vec<Value>> {
    let mut jobs: Vec<Value> = Vec::new();
    loop {
        let marker = jobs.last().and_then(|job| job["job_id"].as_str());
        let marker = marker
            .map(|job| format!("&marker={job}"))
            .unwrap_or_default();
        let path = format!("{JOBS}?all_tenants=true{marker}");
        let answer = admin.gateway(Method::GET, &path).send().await?;
        let page: Vec<Value> = answer
            .error_for_status()?
            .json()
            .await
            .context("the jobs are no list")?;
        if page.is_empty() {
            return Ok(jobs);
        }
        jobs.extend(page);
    }
}

async fn look_at(region: Region, file: StoreFile, hash: bool) -> anyhow::Result<File> {
    let parent = file.path.parent().and_then(Path::file_name);
    let staged = parent.is_some_and(|name| name == "staging");
    let (image, size) = (file.image_id(), file.size);
    let sha512 = if hash {
        Some(tokio::task::spawn_blocking(move || sha512_of(&file.path)).await??)
    } else {
        None
    };
    Ok(File {
        region,
        staged,
        image,
        size,
        sha512,
    })
}

/// SHA-512 of a file in lower-case hex, as Glance writes it.
fn sha512_of(path: &Path) -> anyhow::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let mut hash = Sha512::new();
    let mut piece = vec![0; 1024 * 1024];
    loop {
        let read = std::io::Read::read(&mut file, &mut piece)?;
        if read == 0 {
            break;
        }
        hash.update(&piece[..read]);
    }
    Ok(hash
        .finalize()
        .iter()
        .fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
            text
        }))
}
