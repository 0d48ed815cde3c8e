//! Direct copies: no service has a part in them.

use std::process::Stdio;

use anyhow::{Context, ensure};
use reqwest::Method;
use scenarios::{Hold, PATIENCE, Turn};
use serde_json::Value;
use testbed::{Behaviour, Part, Region, eventually};

use crate::stage::{command, document, finish, text, turn};

const CLOUDS: [&str; 5] = ["--direct", "--to", "proj-ot2", "--to-cloud", "two"];

/// Images at the destination that nobody is to see yet.
async fn hidden(turn: &Turn) -> anyhow::Result<Vec<Value>> {
    let list = turn
        .there()
        .glance(Method::GET, "/v2/images?os_hidden=true");
    let mut list: Value = list.send().await?.error_for_status()?.json().await?;
    let images = list["images"].as_array_mut().context("no list")?;
    Ok(std::mem::take(images))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_copied_between_two_clouds_without_the_service() -> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.image("directly", 3).await?;
    let without = [
        Part::Gateway(Region::Ot1),
        Part::Scheduler(1),
        Part::Scheduler(2),
    ];
    for part in without {
        turn.bed.stop(part).await?;
    }
    let words = [
        &[
            "copy",
            "directly",
            "--from-cloud",
            "one",
            "--name",
            "renamed",
        ],
        &CLOUDS[..],
    ]
    .concat();
    let made = document(&turn, "one", &words).await;
    for part in without {
        turn.bed.start(part).await?;
    }
    let made = made?;
    let id = text(&made, "image_id")?;
    ensure!(made["os_hash_value"] == image.sha512.as_str(), "{made}");
    ensure!(turn.there().sha512_of(&id).await? == image.sha512, "{made}");
    let shown = turn.there().image(&id).await?.context("no image")?;
    ensure!(
        shown["name"] == "renamed" && shown["os_hidden"] == false,
        "{shown}"
    );
    turn.leave(&[id]).await
}

/// Less than an image that is held has for each of the most streams that read it.
const CUT: Behaviour = Behaviour::Cut { after: 2 << 20 };

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_breaks_off_goes_on_where_it_was() -> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.large_image().await?;
    let words = [
        &["copy", &image.id, "--from-cloud", "held", "-f", "json"],
        &CLOUDS[..],
    ]
    .concat();
    let command = command(&turn, &words)?;
    let way = turn.bed.link(Hold::LINK)?;
    way.set(CUT);
    let copied = finish(command).await;
    way.set(Behaviour::Pass);
    let copied = copied?;
    ensure!(copied.code == Some(0), "{copied:?}");
    ensure!(!copied.told.contains("Attempt"), "{copied:?}");
    let id = text(&serde_json::from_str(&copied.printed)?, "image_id")?;
    ensure!(
        turn.there().sha512_of(&id).await? == image.sha512,
        "{copied:?}"
    );
    turn.leave(&[id]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_interrupted_leaves_no_image() -> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.large_image().await?;
    let hold = Hold::on(turn.bed)?;
    let words = [
        &["copy", image.id.as_str(), "--from-cloud", "held"],
        &CLOUDS[..],
    ]
    .concat();
    let mut command = command(&turn, &words)?;
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let copying = command.spawn()?;
    let pid = copying.id().to_string();
    let began = eventually(PATIENCE, "an image that is being filled", || async {
        let images = hidden(&turn).await?;
        ensure!(!images.is_empty(), "none yet");
        Ok(())
    });
    began.await?;
    let sent = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status()?;
    ensure!(sent.success(), "{sent}");
    let ended = tokio::task::spawn_blocking(move || copying.wait_with_output()).await??;
    hold.release();
    ensure!(ended.status.code() == Some(8), "{ended:?}");
    ensure!(
        String::from_utf8_lossy(&ended.stderr).contains("Canceled"),
        "{ended:?}"
    );
    let left = hidden(&turn).await?;
    ensure!(left.is_empty(), "{left:?}");
    turn.leave(&[]).await
}
