//! The ways of an image from the source's Glance to the destination's, and what of them is measured.
//!
//! All go through the regions' fronts, as the catalog says, so that none has a shorter way than another.

mod client;
pub(crate) mod curl;
mod import;
pub(crate) mod job;

use std::time::Duration;

use anyhow::{Context, ensure};
use futures::future::try_join_all;
use tokio::time::timeout;
use tokio::try_join;

use crate::reading::{Mover, Reading, measure};
use crate::stage::{SourceImage, Stage};

/// How long anything that is measured may take.
const PATIENCE: Duration = Duration::from_secs(1800);

/// A way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The floor: only the second half of a copy, from a file in memory into an image that is there already.
    Upload,
    /// Only the first half, to nowhere.
    Download,
    /// Both halves at once, and nothing between them: what both Glances cost each other on one machine.
    Beside,
    /// Both halves at once, through a pipe.
    Pipe,
    /// `openstack image save`, then `openstack image create`.
    Client,
    /// Glance's own import method `glance-download`.
    Import,
    /// A job of ours, from POST to `replicated`.
    Job,
}

/// What one image's way has left behind.
#[derive(Default)]
struct Done {
    /// The image that was made in the destination region.
    replica: Option<String>,
    /// The most memory that its programs had at once, in bytes.
    peak: u64,
}

impl Way {
    /// As a row of a table is named.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Upload => "raw upload",
            Self::Download => "raw download",
            Self::Beside => "raw upload beside a raw download",
            Self::Pipe => "`curl GET \\| curl PUT`",
            Self::Client => "`openstack image save`, `create`",
            Self::Import => "Glance's `glance-download`",
            Self::Job => "a job of ours",
        }
    }

    /// Who moves the bytes.
    pub(crate) fn mover(self) -> Mover {
        match self {
            Self::Upload | Self::Download | Self::Beside | Self::Pipe | Self::Client => {
                Mover::Programs
            }
            Self::Import => Mover::Glance,
            Self::Job => Mover::Worker,
        }
    }

    /// Whether it needs an image that is there already, without data.
    fn fills_an_image(self) -> bool {
        match self {
            Self::Upload | Self::Beside | Self::Pipe => true,
            Self::Download | Self::Client | Self::Import | Self::Job => false,
        }
    }

    async fn go(self, stage: &Stage, image: &SourceImage, target: &str) -> anyhow::Result<Done> {
        match self {
            Self::Upload => Ok(Done {
                replica: Some(target.to_owned()),
                peak: curl::upload(stage, image, target).await?,
            }),
            Self::Download => Ok(Done {
                replica: None,
                peak: curl::download(stage, image).await?,
            }),
            Self::Beside => {
                let upload = curl::upload(stage, image, target);
                let (up, down) = try_join!(upload, curl::download(stage, image))?;
                Ok(Done {
                    replica: Some(target.to_owned()),
                    peak: up + down,
                })
            }
            Self::Pipe => Ok(Done {
                replica: Some(target.to_owned()),
                peak: curl::pipe(stage, image, target).await?,
            }),
            Self::Client => client::copy(stage, image).await,
            Self::Import => Ok(Done {
                replica: Some(import::copy(stage, image).await?),
                peak: 0,
            }),
            Self::Job => Ok(Done {
                replica: Some(job::copy(stage, image).await?),
                peak: 0,
            }),
        }
    }
}

/// Sends `image` the way, so many times at once, and removes what came of it. Images that have to be there before
/// are made before the clock starts.
///
/// # Errors
/// When one of them fails or has made an image that is not `active` or has another size.
pub(crate) async fn measured(
    stage: &Stage,
    way: Way,
    image: &SourceImage,
    at_once: usize,
) -> anyhow::Result<Reading> {
    let mut targets = vec![String::new(); at_once];
    if way.fills_an_image() {
        for target in &mut targets {
            *target = curl::empty_image(&stage.destination).await?;
        }
    }
    let mut replicas = Vec::new();
    let work = async {
        let all = targets.iter().map(|target| way.go(stage, image, target));
        let done = try_join_all(all).await?;
        let peak = done.iter().map(|done| done.peak).sum();
        replicas.extend(done.into_iter().filter_map(|done| done.replica));
        Ok(peak)
    };
    let reading = timeout(PATIENCE, measure(stage, way.mover(), work)).await;
    let reading = reading.with_context(|| format!("{} does not end", way.name()))??;
    for replica in &replicas {
        let seen = stage.replica(replica).await?;
        ensure!(
            seen["status"] == "active" && seen["size"] == image.size,
            "{} made {seen}",
            way.name()
        );
        stage.remove_replica(replica).await?;
    }
    Ok(reading)
}
