//! Who works on what right now, read from the store directly: whom to hit so that it matters.

use std::time::Duration;

use serde_json::Value;
use testbed::{Part, TestBed};
use tokio::time::timeout;

/// A store that does not answer within this is itself being broken.
const PATIENCE: Duration = Duration::from_secs(1);

/// A job that a worker holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) job: String,
    /// The worker's process.
    pub(crate) pid: Option<u32>,
}

/// Every job that is under a lease; none while the store cannot be read.
pub(crate) async fn held(bed: &TestBed) -> Vec<Held> {
    match timeout(PATIENCE, read(bed)).await {
        Ok(Ok(held)) => held,
        _ => Vec::new(),
    }
}

/// The workers among `parts` that hold a job.
pub(crate) fn busy(held: &[Held], parts: &[(Part, Option<u32>)]) -> Vec<Part> {
    let holds = |pid: &Option<u32>| pid.is_some() && held.iter().any(|held| held.pid == *pid);
    parts
        .iter()
        .filter(|(part, pid)| matches!(part, Part::Worker(..)) && holds(pid))
        .map(|(part, _)| *part)
        .collect()
}

async fn read(bed: &TestBed) -> anyhow::Result<Vec<Held>> {
    let mut connection = bed.redis().await?;
    let jobs: Vec<String> = redis::cmd("ZRANGE")
        .arg("image-replicator:leases")
        .arg(0)
        .arg(-1)
        .query_async(&mut connection)
        .await?;
    let mut held = Vec::new();
    for job in jobs {
        let record: Option<String> = redis::cmd("HGET")
            .arg(format!("image-replicator:job:{job}"))
            .arg("r")
            .query_async(&mut connection)
            .await?;
        let record: Value = serde_json::from_str(&record.unwrap_or_default()).unwrap_or_default();
        // "host/process", as the worker names itself.
        let worker = record["lease"]["worker"].as_str().unwrap_or_default();
        let pid = worker.rsplit('/').next().and_then(|pid| pid.parse().ok());
        held.push(Held { job, pid });
    }
    Ok(held)
}
