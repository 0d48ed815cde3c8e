//! Copies by the service: asked for, looked at in each format, watched, canceled.

use anyhow::ensure;
use futures::future::try_join_all;
use serde_json::Value;

use crate::stage::{application_credential, command, document, finish, printed, run, text, turn};

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_by_names_is_waited_for_and_looked_at() -> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.image("by name", 2).await?;
    let words = [
        "copy", "by name", "--to", "proj-ot2", "--wait", "-f", "json",
    ];
    let copied = run(&turn, "one", &words).await?;
    ensure!(copied.code == Some(0), "{copied:?}");
    // Not a terminal: lines.
    ensure!(
        copied.told.contains("by name: replicated 100%"),
        "{copied:?}"
    );
    let job: Value = serde_json::from_str(&copied.printed)?;
    let (id, made) = (text(&job, "job_id")?, text(&job, "destination_image_id")?);
    ensure!(
        turn.there().sha512_of(&made).await? == image.sha512,
        "{job}"
    );

    let value = printed(
        &turn,
        "one",
        &[
            "show",
            &id,
            "-f",
            "value",
            "-c",
            "status",
            "-c",
            "source_image_name",
        ],
    )
    .await?;
    ensure!(value == "replicated\nby name\n", "{value}");
    let yaml = printed(
        &turn,
        "one",
        &["show", &id, "-f", "yaml", "-c", "copy_progress"],
    )
    .await?;
    ensure!(yaml == "copy_progress: 100\n", "{yaml}");
    let table = printed(&turn, "one", &["list", "--limit", "1"]).await?;
    ensure!(
        table.contains("| job_id ") && table.contains(&format!("| {id} |")),
        "{table}"
    );
    let list = document(
        &turn,
        "one",
        &["list", "--status", "replicated", "-c", "job_id"],
    )
    .await?;
    ensure!(list[0]["job_id"] == id.as_str(), "{list}");
    ensure!(
        list[0].as_object().map(serde_json::Map::len) == Some(1),
        "{list}"
    );
    turn.leave(&[made]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn several_are_copied_at_once_with_an_application_credential() -> anyhow::Result<()> {
    let turn = turn().await?;
    let (one, two) = (
        turn.image("first of two", 1).await?,
        turn.image("second", 1).await?,
    );
    let (id, secret) = application_credential(&turn).await?;
    let words = [
        "copy",
        &one.id,
        "second",
        "--to",
        turn.tenant(),
        "--wait",
        "--debug",
    ];
    let words = [
        &words[..],
        &[
            "-f",
            "json",
            "-c",
            "destination_image_id",
            "-c",
            "source_image_id",
        ],
    ]
    .concat();
    let mut command = command(&turn, &words)?;
    for (name, value) in [
        ("OS_AUTH_URL", turn.here().keystone_url.as_str()),
        ("OS_AUTH_TYPE", "v3applicationcredential"),
        ("OS_APPLICATION_CREDENTIAL_ID", &id),
        ("OS_APPLICATION_CREDENTIAL_SECRET", &secret),
        ("OS_REGION_NAME", "ot1"),
    ] {
        command.env(name, value);
    }
    let run = finish(command).await?;
    ensure!(
        run.code == Some(0) && !run.told.contains(&secret),
        "{run:?}"
    );
    ensure!(run.told.contains("/image_replicator/jobs"), "{run:?}");
    let jobs: Vec<Value> = serde_json::from_str(&run.printed)?;
    let sources: Vec<&Value> = jobs.iter().map(|job| &job["source_image_id"]).collect();
    ensure!(sources == [one.id.as_str(), two.id.as_str()], "{jobs:?}");
    let made: anyhow::Result<Vec<String>> = jobs
        .iter()
        .map(|job| text(job, "destination_image_id"))
        .collect();
    turn.leave(&made?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_canceled_ends_who_watches_it() -> anyhow::Result<()> {
    let turn = turn().await?;
    let (hold, job) = turn.hold_a_copy().await?;
    let watching = run(&turn, "one", &["watch"]);
    let canceling = async {
        printed(&turn, "one", &["cancel", &job]).await?;
        hold.release();
        anyhow::Ok(())
    };
    let (watched, canceled) = tokio::join!(watching, canceling);
    canceled?;
    let watched = watched?;
    // Whoever comes too late finds nothing under way.
    ensure!(
        watched.code == Some(8) || watched.told.contains("No copy is under way"),
        "{watched:?}"
    );
    let again = run(&turn, "one", &["watch", &job]).await?;
    ensure!(again.code == Some(8), "{again:?}");
    let late = run(&turn, "one", &["cancel", &job]).await?;
    ensure!(
        late.code == Some(5) && late.told.contains("can't be canceled"),
        "{late:?}"
    );
    turn.leave(&[]).await
}

/// So many event streams may a project have open.
const STREAMS: usize = 128;

#[tokio::test(flavor = "multi_thread")]
async fn where_events_are_refused_it_is_asked_again_and_again() -> anyhow::Result<()> {
    let turn = turn().await?;
    turn.image("polled", 1).await?;
    let copies = turn.copies();
    let streams = try_join_all((0..STREAMS).map(|_| copies.events("/events"))).await?;
    let words = ["copy", "polled", "--to", "proj-ot2", "--wait", "--debug"];
    let words = [&words[..], &["-f", "json"]].concat();
    let copied = run(&turn, "one", &words).await?;
    drop(streams);
    ensure!(copied.code == Some(0), "{copied:?}");
    ensure!(
        copied.told.contains("429") && copied.told.contains("polled: replicated"),
        "{copied:?}"
    );
    let job: Value = serde_json::from_str(&copied.printed)?;
    turn.leave(&[text(&job, "destination_image_id")?]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_regions_are_listed_and_the_rest_is_generated() -> anyhow::Result<()> {
    let turn = turn().await?;
    let regions = document(&turn, "one", &["regions"]).await?;
    ensure!(
        regions[0]["region"] == "ot1" && regions[0]["copies_from_here"] == true,
        "{regions}"
    );
    ensure!(regions[1]["region"] == "ot2", "{regions}");
    let completion = printed(&turn, "one", &["completion", "bash"]).await?;
    ensure!(
        completion.contains("complete -F _image__replicator"),
        "{completion}"
    );
    let page = printed(&turn, "one", &["man"]).await?;
    ensure!(page.contains(".TH image-replicator"), "{page}");
    turn.leave(&[]).await
}
