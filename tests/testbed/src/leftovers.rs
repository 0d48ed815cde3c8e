//! What a test may not leave behind: open jobs, half-made images, files without image, messages, processes; and secrets
//! in what our services have written.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::Value;

use crate::bed::TestBed;
use crate::parts::Part;
use crate::region::Region;
use crate::supervisor;
use crate::wait::eventually;

/// Time for what is just about to be cleaned: last acknowledgements, files of images just deleted.
const PATIENCE: Duration = Duration::from_secs(20);

/// Statuses of a job that is over.
const FINAL: [&str; 3] = ["replicated", "canceled", "error"];

/// Queues that are empty when nothing is to be done.
const QUEUES: [&str; 3] = ["copy.ot1", "copy.ot2", "copy.dead-letter"];

/// Something that was left behind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leftover {
    /// A job that is not over: id and status.
    OpenJob(String, String),
    /// An image of a copy that is not finished, or any image in `saving`: region, id and status.
    HalfMadeImage(Region, String, String),
    /// A file in a store (or staging) that belongs to no image: region and name.
    OrphanFile(Region, String),
    /// Messages in a queue: its name and their number.
    Messages(String, u32),
    /// A part that should run and does not.
    MissingPart(Part),
    /// A part that was frozen and not thawed.
    FrozenPart(Part),
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenJob(id, status) => write!(f, "job {id} is {status}"),
            Self::HalfMadeImage(region, id, status) => {
                write!(f, "half-made image {id} in {region}, {status}")
            }
            Self::OrphanFile(region, name) => write!(f, "file {name} in {region} has no image"),
            Self::Messages(queue, count) => write!(f, "{count} messages in {queue}"),
            Self::MissingPart(part) => write!(f, "{part} does not run"),
            Self::FrozenPart(part) => write!(f, "{part} is frozen"),
        }
    }
}

impl TestBed {
    /// Everything that is left behind right now.
    ///
    /// # Errors
    /// When the test bed cannot be looked at, for example because a Glance is down.
    pub async fn leftovers(&self) -> anyhow::Result<Vec<Leftover>> {
        let mut left = self.missing_and_frozen().await?;
        if !left.is_empty() {
            // The rest can only be seen while everything runs.
            return Ok(left);
        }
        let jobs = self.jobs().await?;
        left.extend(open_jobs(&jobs));
        for region in Region::ALL {
            let images = self.cloud("admin", region).await?.images().await?;
            left.extend(half_made(region, &images, &jobs));
            let known: BTreeSet<&str> = images
                .iter()
                .filter_map(|image| image["id"].as_str())
                .collect();
            let files = self
                .store_files(region)?
                .into_iter()
                .map(|file| file.image_id());
            left.extend(
                files
                    .filter(|id| !known.contains(id.as_str()))
                    .map(|id| Leftover::OrphanFile(region, id)),
            );
        }
        for queue in QUEUES {
            if let Some(count @ 1..) = self.messages(queue).await? {
                left.push(Leftover::Messages(queue.to_owned(), count));
            }
        }
        Ok(left)
    }

    /// Fails when something stays behind, or when a password or a token stands in a log, in Redis or in a message.
    ///
    /// # Errors
    /// Names everything that is still there after twenty seconds, or each secret and where it is.
    pub async fn check_leftovers(&self) -> anyhow::Result<()> {
        eventually(PATIENCE, "a clean test bed", || async {
            let left = self.describe_leftovers().await?;
            ensure!(left.is_empty(), "left behind: {left}");
            Ok(())
        })
        .await?;
        let secrets = self.secrets().await?;
        let secrets: Vec<String> = secrets.iter().map(ToString::to_string).collect();
        ensure!(secrets.is_empty(), "secrets stay:\n{}", secrets.join("\n"));
        Ok(())
    }

    /// What is left behind right now, as one line for a message; empty when nothing is.
    ///
    /// # Errors
    /// As [`TestBed::leftovers`].
    pub async fn describe_leftovers(&self) -> anyhow::Result<String> {
        let lines: Vec<String> = self
            .leftovers()
            .await?
            .iter()
            .map(ToString::to_string)
            .collect();
        Ok(lines.join("; "))
    }

    /// The end of a test with a private test bed: nothing may be left behind, and every process must end.
    ///
    /// # Errors
    /// Names what is left; the test bed is ended in any case.
    pub async fn finish(self) -> anyhow::Result<()> {
        let check = self.check_leftovers().await;
        let directory = self.directory();
        self.end().await?;
        let survivors = supervisor::processes_of(&directory);
        ensure!(
            survivors.is_empty(),
            "processes {survivors:?} survive the test bed"
        );
        check
    }

    /// Every job of every tenant and region, as either gateway lists them for an administrator; none without services.
    ///
    /// # Errors
    /// When the gateway does not answer with a list.
    pub async fn jobs(&self) -> anyhow::Result<Vec<Value>> {
        let mut jobs = Vec::new();
        if !self.options().services {
            return Ok(jobs);
        }
        let admin = self.cloud("admin", Region::Ot1).await?;
        let list = "/v2/extension/image_replicator/jobs?all_tenants=true";
        let mut path = list.to_owned();
        loop {
            let answer = admin
                .front(Method::GET, &path)
                .send()
                .await?
                .error_for_status()?;
            let page: Vec<Value> = answer.json().await.context("the jobs are no list")?;
            let Some(last) = page.last() else {
                return Ok(jobs);
            };
            path = format!("{list}&marker={}", text(last, "job_id"));
            jobs.extend(page);
        }
    }

    async fn missing_and_frozen(&self) -> anyhow::Result<Vec<Leftover>> {
        let parts = self.parts().await?.into_iter();
        Ok(parts
            .filter_map(|(part, pid)| match pid {
                None => Some(Leftover::MissingPart(part)),
                Some(pid) if supervisor::is_frozen(pid) => Some(Leftover::FrozenPart(part)),
                Some(_) => None,
            })
            .collect())
    }
}

fn open_jobs(jobs: &[Value]) -> impl Iterator<Item = Leftover> {
    jobs.iter().filter_map(|job| {
        let status = text(job, "status");
        let open = !FINAL.contains(&status.as_str());
        open.then(|| Leftover::OpenJob(text(job, "job_id"), status))
    })
}

/// Images that a copy has begun and not finished. Hidden ones are finished only as a finished job's destination.
fn half_made(region: Region, images: &[Value], jobs: &[Value]) -> Vec<Leftover> {
    let finished: BTreeSet<String> = jobs
        .iter()
        .filter(|job| job["status"] == "replicated")
        .map(|job| text(job, "destination_image_id"))
        .collect();
    images
        .iter()
        .filter(|image| {
            let ours = image["replicated_by_job"].is_string();
            let done = finished.contains(&text(image, "id"));
            image["status"] == "saving"
                || (ours && image["status"] != "active" && !done)
                || (ours && image["os_hidden"] == true && !done)
        })
        .map(|image| Leftover::HalfMadeImage(region, text(image, "id"), text(image, "status")))
        .collect()
}

fn text(object: &Value, key: &str) -> String {
    object[key].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_unfinished_copies_and_uploads_are_half_made() {
        let image = |id: &str, status: &str, hidden: bool, ours: bool| {
            let mut image = json!({"id": id, "status": status, "os_hidden": hidden});
            if ours {
                image["replicated_by_job"] = json!("some job");
            }
            image
        };
        let images = [
            image("tenant-queued", "queued", false, false),
            image("upload", "saving", false, false),
            image("begun", "queued", true, true),
            image("unrevealed", "active", true, true),
            image("hidden-like-its-source", "active", true, true),
            image("copy", "active", false, true),
        ];
        let jobs =
            [json!({"status": "replicated", "destination_image_id": "hidden-like-its-source"})];
        let ids: Vec<String> = half_made(Region::Ot2, &images, &jobs)
            .into_iter()
            .map(|left| match left {
                Leftover::HalfMadeImage(_, id, _) => id,
                other => panic!("{other}"),
            })
            .collect();
        assert_eq!(ids, ["upload", "begun", "unrevealed"]);
    }

    #[test]
    fn a_job_is_open_until_its_status_is_final() {
        let jobs = [
            "replicating",
            "replicated",
            "canceling",
            "canceled",
            "error",
        ]
        .map(|status| json!({"job_id": "j", "status": status}));
        let open: Vec<Leftover> = open_jobs(&jobs).collect();
        assert_eq!(open.len(), 2);
    }
}
