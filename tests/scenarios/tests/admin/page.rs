//! `docs/admin.md` as an operator would follow it: every `sh` block is typed into one shell, in order, and what it prints
//! is compared with the block that comes next. What happens between two examples stands in a comment, `<!-- then … -->`.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use scenarios::page::{Answer, Piece, pieces};
use scenarios::sample::{compare, compare_text};
use scenarios::shell::Shell;
use scenarios::{Hold, PATIENCE, Turn};
use testbed::eventually;
use tokio::process::Command;

use crate::stage::{WORKER, admin, failed_job, turn, until_nothing_runs, wipe_redis};

const PAGE: &str = include_str!("../../../../docs/admin.md");

/// Begins a comment that says what happens next.
const THEN: &str = "<!-- then ";

#[tokio::test(flavor = "multi_thread")]
async fn every_example_of_the_page_prints_what_it_says() -> anyhow::Result<()> {
    let turn = turn().await?;
    // Other tests' jobs would be in the lists, and their images among the orphans.
    wipe_redis(&turn).await?;
    let (image, failed) = failed_job(&turn).await?;
    let (hold, _) = turn.hold_a_copy().await?;
    let mut hold = Some(hold);
    let waiting = turn.start(&image).await?;

    let beside = turn.bed.admin()?;
    let beside = beside.as_std();
    let programs = Path::new(beside.get_program()).parent();
    let mut scheduler = Command::new(programs.context("no folder")?);
    for (name, value) in beside.get_envs() {
        if let Some(value) = value {
            scheduler.env(name, value);
        }
    }
    scheduler.env("IMAGE_REPLICATOR_OPERATOR", "olga@node-7");
    let mut shell = Shell::start(scheduler)?;
    for (name, value) in [("FAILED", &failed), ("WAITING", &waiting)] {
        shell.set(name, value).await?;
    }
    let mut differences = Vec::new();
    let mut compared = 0;
    let mut rest = PAGE;
    loop {
        let (section, after) = match rest.split_once(THEN) {
            Some((section, after)) => (section, Some(after)),
            None => (rest, None),
        };
        for piece in pieces(section)? {
            let Piece::Example(commands, answer) = piece else {
                bail!("{piece:?}");
            };
            let printed = shell.run(commands).await?;
            let same = match answer {
                None if printed.is_empty() => Ok(()),
                None => Err("it prints something".to_owned()),
                Some(Answer::Text(text)) => compare_text(text, &printed),
                Some(Answer::Json(text)) => compare(
                    &serde_json::from_str(text)?,
                    &serde_json::from_str(&printed)?,
                ),
            };
            compared += 1;
            if let Err(difference) = same {
                differences.push(format!("{commands}\nprints:\n{printed}\n{difference}"));
            }
        }
        let Some(after) = after else {
            break;
        };
        let (what, after) = after.split_once(" -->\n").context("no end")?;
        happen(&turn, what, &mut hold).await?;
        rest = after;
    }
    ensure!(differences.is_empty(), "{}", differences.join("\n\n"));
    ensure!(compared >= 11, "only {compared} examples");
    admin(&turn, &["region", "undrain", "ot2"]).await?;
    turn.leave(&[]).await
}

async fn happen(turn: &Turn, what: &str, hold: &mut Option<Hold<'_>>) -> anyhow::Result<()> {
    match what {
        "the worker dies" => {
            turn.bed.kill(WORKER).await?;
            until_nothing_runs(turn).await
        }
        "redis is wiped" => {
            wipe_redis(turn).await?;
            *hold = None;
            turn.bed.start(WORKER).await?;
            eventually(PATIENCE, "the end of the upload", || async {
                let images = turn.there().images().await?;
                let fills = images.iter().any(|image| image["status"] == "saving");
                ensure!(!fills, "an image is still being filled");
                Ok(())
            })
            .await
        }
        _ => bail!("what is {what:?}?"),
    }
}
