//! The master is killed, or frozen and let go on as if nothing had happened, while callers ask for copies.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use scenarios::Turn;
use testbed::{MadeImage, Part};

use crate::load::Load;
use crate::servers::{master, turn, until_follower, until_noted, until_replaced, until_whole};

/// The environment variable for more failovers.
const HOW_OFTEN: &str = "IMAGE_REPLICATOR_FAILOVERS";
/// Jobs that are accepted before and after each.
const SOME: usize = 4;

/// What happens to the master.
#[derive(Debug, Clone, Copy)]
enum Blow {
    /// It comes back with its data and takes itself for the master.
    Killed,
    /// It goes on where it was, with connections that are still open.
    Frozen,
}

#[tokio::test(flavor = "multi_thread")]
async fn failovers_under_load_lose_nothing_that_was_accepted() -> anyhow::Result<()> {
    let turn = turn().await?;
    let times = match std::env::var(HOW_OFTEN) {
        Ok(text) => text.parse().context(HOW_OFTEN)?,
        Err(_) => 2,
    };
    let image = turn.image("asked for in a storm", 1).await?;
    for blow in [Blow::Killed, Blow::Frozen].into_iter().cycle().take(times) {
        let jobs = fail_over(&turn, &image, blow).await?;
        let known: BTreeSet<&String> = jobs.iter().collect();
        ensure!(known.len() == jobs.len(), "two keys, one job: {jobs:?}");
        for job in &jobs {
            let document = turn.copies().until_replicated(job).await?;
            let replica = turn.replicas().expect_whole(&document, &image).await?;
            turn.there().delete_image(&replica).await?;
        }
        until_whole(turn.bed).await?;
    }
    turn.leave(&[]).await
}

/// One failover and the return of the old master; gives the jobs that were accepted all the while.
async fn fail_over(turn: &Turn, image: &MadeImage, blow: Blow) -> anyhow::Result<Vec<String>> {
    let load = Load::default();
    let storm = async {
        let struck = strike(turn, &load, blow).await;
        load.stop();
        struck
    };
    let (asked, struck) = tokio::join!(load.run(turn, image), storm);
    struck.with_context(|| format!("{blow:?}"))?;
    asked?;
    Ok(load.accepted())
}

async fn strike(turn: &Turn, load: &Load, blow: Blow) -> anyhow::Result<()> {
    let bed = turn.bed;
    let old: Part = master(bed).await?;
    load.until_more(SOME).await?;
    match blow {
        Blow::Killed => bed.kill(old).await?,
        Blow::Frozen => bed.freeze(old).await?,
    }
    until_replaced(bed, old).await?;
    until_noted(bed, "1 of 2 replicas are connected").await?;
    match blow {
        Blow::Killed => bed.start(old).await?,
        Blow::Frozen => bed.thaw(old).await?,
    }
    until_follower(bed, old).await?;
    load.until_more(SOME).await
}
