//! `docs/api.md` as a caller would follow it: every `sh` block is typed into one shell, in order, and what it prints is
//! compared with the `json` or `text` block that comes next.
//!
//! Comments that readers don't see drive it: `<!-- NAME=key -->` sets a variable to that key of the answer before it, as
//! the text then tells readers to do, and `<!-- as USER in REGION -->` goes on as somebody else, with the variables that
//! the page presumes.

mod page;
mod sample;
mod shell;

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use testbed::{Cloud, ForeignClient, NewImage, Region, TestBed};

use crate::bed;
use page::{Answer, Piece};
use shell::Shell;

const PAGE: &str = include_str!("../../../../docs/api.md");

#[tokio::test(flavor = "multi_thread")]
async fn every_example_of_the_page_answers_as_it_says() -> anyhow::Result<()> {
    let bed = bed().await?;
    let client = bed
        .client(ForeignClient::Openstackclient, "", "alice", Region::Ot1)
        .await?;
    let mut shell = Shell::start(client)?;
    become_somebody(bed, &mut shell, "alice", Region::Ot1).await?;
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
                become_somebody(bed, &mut shell, user, region).await?;
            }
            Piece::Set(name, key) => {
                let value = last[key].as_str().context("no such key in the answer")?;
                shell.set(name, value).await?;
            }
            Piece::Example(commands, answer) => {
                let printed = shell.run(commands).await?;
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
    ensure!(compared >= 9, "only {compared} examples have an answer");
    Ok(())
}

/// Sets the variables that the page presumes.
async fn become_somebody(
    bed: &TestBed,
    shell: &mut Shell,
    user: &str,
    region: Region,
) -> anyhow::Result<()> {
    let cloud: Cloud = bed.cloud(user, region).await?;
    let destination = match region {
        Region::Ot1 => bed.project_id(Region::Ot2, "proj-ot2")?,
        Region::Ot2 => bed.project_id(Region::Ot1, "proj-ot1")?,
    };
    let image = cloud
        .make_image(&NewImage::named("ubuntu-24.04", 1))
        .await?;
    for (name, value) in [
        ("IMAGE_ENDPOINT", cloud.front_url.as_str()),
        ("IMAGE", &image.id),
        ("TENANT", &destination),
        ("TOKEN", &cloud.token),
    ] {
        shell.set(name, value).await?;
    }
    // What the page has set by now follows the endpoint.
    shell
        .run("JOBS=\"$IMAGE_ENDPOINT/v2/extension/image_replicator/jobs\"")
        .await?;
    Ok(())
}
