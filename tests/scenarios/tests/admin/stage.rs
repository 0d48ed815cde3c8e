//! The test bed of this binary, and how an operator's commands are run on it.

use anyhow::{Context, ensure};
use reqwest::Method;
use scenarios::{PATIENCE, Stage, Turn, quick_bed};
use serde_json::Value;
use testbed::{MadeImage, Part, Region, eventually};

/// The only worker.
pub(crate) const WORKER: Part = Part::Worker(Region::Ot2, 1);
/// A worker makes one copy at a time, so that a second job waits.
const CONFIG: &str = "
[worker]
copies = 1
";

static STAGE: Stage = Stage::new();

/// This test's turn on the test bed.
pub(crate) async fn turn() -> anyhow::Result<Turn> {
    let build = || quick_bed(1).config(CONFIG).start();
    let turn = STAGE.turn(build).await?;
    for region in ["ot1", "ot2"] {
        admin(&turn, &["region", "undrain", region]).await?;
    }
    Ok(turn)
}

/// What a command printed; it must have done all that it was asked for.
pub(crate) async fn admin(turn: &Turn, words: &[&str]) -> anyhow::Result<String> {
    let (code, printed, complained) = run(turn, words).await?;
    ensure!(
        code == Some(0),
        "{words:?} ends with {code:?}: {printed}{complained}"
    );
    Ok(printed)
}

/// The same as a document.
pub(crate) async fn document(turn: &Turn, words: &[&str]) -> anyhow::Result<Value> {
    let words = [words, &["--json"]].concat();
    Ok(serde_json::from_str(&admin(turn, &words).await?)?)
}

/// Why a command was refused.
pub(crate) async fn refusal(turn: &Turn, words: &[&str]) -> anyhow::Result<String> {
    let (code, printed, complained) = run(turn, words).await?;
    ensure!(
        code == Some(1),
        "{words:?} ends with {code:?}: {printed}{complained}"
    );
    Ok(complained)
}

async fn run(turn: &Turn, words: &[&str]) -> anyhow::Result<(Option<i32>, String, String)> {
    let mut command = turn.bed.admin()?;
    let output = command.args(words).output().await?;
    Ok((
        output.status.code(),
        String::from_utf8(output.stdout)?,
        String::from_utf8(output.stderr)?,
    ))
}

/// A copy that fails for good: its image is deactivated before a worker reads it, and usable again afterwards.
pub(crate) async fn failed_job(turn: &Turn) -> anyhow::Result<(MadeImage, String)> {
    let image = turn.image("deactivated for a while", 1).await?;
    turn.bed.freeze(WORKER).await?;
    let job = turn.start(&image).await?;
    act(turn, &image, "deactivate").await?;
    turn.bed.thaw(WORKER).await?;
    let ended = turn.copies().until_final(&job).await?;
    ensure!(ended["status"] == "error", "{ended}");
    act(turn, &image, "reactivate").await?;
    Ok((image, job))
}

async fn act(turn: &Turn, image: &MadeImage, action: &str) -> anyhow::Result<()> {
    let path = format!("/v2/images/{}/actions/{action}", image.id);
    let answer = turn.here().glance(Method::POST, &path).send().await?;
    answer.error_for_status()?;
    Ok(())
}

/// Waits until nobody works for `ot2`, by the word of `limits`.
pub(crate) async fn until_nothing_runs(turn: &Turn) -> anyhow::Result<()> {
    eventually(PATIENCE, "the lapse of a lease", || async {
        let usage = document(turn, &["limits"]).await?;
        let running = &region(&usage, "ot2")?["running_into"];
        ensure!(*running == 0, "{usage}");
        Ok(())
    })
    .await
}

/// What `limits` tells of a region.
pub(crate) fn region<'a>(usage: &'a Value, region: &str) -> anyhow::Result<&'a Value> {
    let regions = usage["regions"].as_array().context("no regions")?;
    let found = regions.iter().find(|it| it["region_id"] == region);
    found.context("no such region")
}

/// Wipes Redis altogether.
pub(crate) async fn wipe_redis(turn: &Turn) -> anyhow::Result<()> {
    let mut redis = turn.bed.redis().await?;
    redis::cmd("FLUSHALL").query_async::<()>(&mut redis).await?;
    Ok(())
}

/// Fails unless the audit trail of one scheduler has a line with each of these words: an operator's act is written down once.
pub(crate) fn expect_audited(turn: &Turn, words: &[&str]) -> anyhow::Result<()> {
    let mut lines = Vec::new();
    for scheduler in turn.schedulers() {
        let log = turn.bed.log(scheduler)?;
        let audited = log.lines().filter(|line| {
            line.contains(" audit: ") && words.iter().all(|word| line.contains(word))
        });
        lines.extend(audited.map(str::to_owned));
    }
    ensure!(lines.len() == 1, "{words:?} expected once: {lines:#?}");
    Ok(())
}
