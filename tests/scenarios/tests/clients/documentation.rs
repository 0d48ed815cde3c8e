//! `docs/api.md` as a caller would follow it: every `sh` block is typed into one shell, in order, and what it prints is
//! compared with the `json` or `text` block that comes next.
//!
//! Comments that readers don't see drive it: `<!-- NAME=key -->` sets a variable to that key of the answer before it, as
//! the text then tells readers to do, and `<!-- as USER in REGION -->` goes on as somebody else, with the variables that
//! the page presumes.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use testbed::{ForeignClient, NewImage, Region, TestBed};

use crate::bed;
use crate::catalog::endpoint;
use scenarios::page::{self, Answer, Piece};
use scenarios::sample;
use scenarios::shell::Shell;

const PAGE: &str = include_str!("../../../../docs/api.md");

#[tokio::test(flavor = "multi_thread")]
async fn every_example_of_the_page_answers_as_it_says() -> anyhow::Result<()> {
    let bed = bed().await?;
    let client = bed
        .client(ForeignClient::Openstackclient, "", "alice", Region::Ot1)
        .await?;
    let mut reader = Reader {
        bed,
        shell: Shell::start(client)?,
        images: BTreeMap::new(),
    };
    reader.become_somebody("alice", Region::Ot1).await?;
    let mut last = Value::Null;
    let mut compared = 0;
    for piece in page::pieces(PAGE)? {
        match piece {
            Piece::As(user, region) => {
                let region = if region == "ot1" {
                    Region::Ot1
                } else {
                    Region::Ot2
                };
                reader.become_somebody(user, region).await?;
            }
            Piece::Set(name, key) => {
                let value = last[key].as_str().context("no such key in the answer")?;
                reader.shell.set(name, value).await?;
            }
            Piece::Example(commands, answer) => {
                let printed = reader.shell.run(commands).await?;
                match answer {
                    None => ensure!(printed.is_empty(), "{commands}\nprints:\n{printed}"),
                    Some(Answer::Text(text)) => {
                        compared += 1;
                        ensure!(
                            printed.trim() == text.trim(),
                            "{commands}\nprints:\n{printed}"
                        );
                    }
                    Some(Answer::Json(text)) => {
                        compared += 1;
                        last = serde_json::from_str(&printed)
                            .with_context(|| format!("{commands}\nprints:\n{printed}"))?;
                        let sample = serde_json::from_str(text)
                            .with_context(|| format!("{text}\n{printed}"))?;
                        if let Err(difference) = sample::compare(&sample, &last) {
                            bail!("{commands}\nprints:\n{printed}\n{difference}");
                        }
                    }
                }
            }
        }
    }
    ensure!(compared >= 20, "only {compared} examples have an answer");
    Ok(())
}

/// Whom the page is followed as.
struct Reader {
    bed: &'static TestBed,
    shell: Shell,
    /// The image of each region, made when it is first needed.
    images: BTreeMap<Region, String>,
}

impl Reader {
    /// Sets the variables that the page presumes.
    async fn become_somebody(&mut self, user: &str, region: Region) -> anyhow::Result<()> {
        let cloud = self.bed.cloud(user, region).await?;
        let destination = match region {
            Region::Ot1 => self.bed.project_id(Region::Ot2, "proj-ot2")?,
            Region::Ot2 => self.bed.project_id(Region::Ot1, "proj-ot1")?,
        };
        let image = match self.images.get(&region) {
            Some(image) => image.clone(),
            None => {
                let image = NewImage::named("ubuntu-24.04", 1).with("architecture", "x86_64");
                let image = cloud.make_image(&image).await?;
                self.images.entry(region).or_insert(image.id).clone()
            }
        };
        let (compute, backup) = (
            endpoint(&cloud, "compute").await?,
            endpoint(&cloud, "backup").await?,
        );
        for (name, value) in [
            ("IMAGE_ENDPOINT", &cloud.front_url),
            ("COMPUTE_ENDPOINT", &compute),
            ("BACKUP_ENDPOINT", &backup),
            ("PROJECT", &cloud.project_id),
            ("IMAGE", &image),
            ("TENANT", &destination),
            ("TOKEN", &cloud.token),
        ] {
            self.shell.set(name, value).await?;
        }
        // What the page has set by now follows the endpoint.
        let jobs = "JOBS=\"$IMAGE_ENDPOINT/v2/extension/image_replicator/jobs\"";
        self.shell.run(jobs).await?;
        Ok(())
    }
}
