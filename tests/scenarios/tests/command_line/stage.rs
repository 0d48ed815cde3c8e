//! The test bed of this binary, and how the command line is run on it.

use std::process::{Command, Output};

use anyhow::{Context, ensure};
use reqwest::Method;
use scenarios::{Hold, Stage, Turn, quick_bed};
use serde_json::{Value, json};

static STAGE: Stage = Stage::new();

/// This test's turn on the test bed.
pub(crate) async fn turn() -> anyhow::Result<Turn> {
    STAGE.turn(|| quick_bed(1).start()).await
}

/// What a run of the command line came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) printed: String,
    pub(crate) told: String,
}

/// The command line with a `clouds.yaml` in which alice has the clouds `one` (`ot1`), `two` (`ot2`), `held` (as `one`, with
/// Glance behind what holds copies) and `wrong` (with another's password).
pub(crate) fn command(turn: &Turn, words: &[&str]) -> anyhow::Result<Command> {
    let folder = turn.bed.directory().join("command-line");
    std::fs::create_dir_all(&folder)?;
    let cloud = |region: &str, project: &str| {
        json!({"region_name": region, "auth": {"auth_url": turn.here().keystone_url,
            "username": "alice", "user_domain_id": "default", "project_name": project,
            "project_domain_id": "default"}})
    };
    let mut held = cloud("ot1", "proj-ot1");
    let port = turn.bed.link(Hold::LINK)?.port();
    held["image_endpoint_override"] = format!("http://127.0.0.1:{port}").into();
    let clouds = json!({"clouds": {"one": cloud("ot1", "proj-ot1"), "two": cloud("ot2", "proj-ot2"),
        "held": held, "wrong": cloud("ot1", "proj-ot1")}});
    let secret = |password: &str| json!({"auth": {"password": password}});
    let alice = secret("alice-password");
    let secure = json!({"clouds": {"one": alice, "two": alice, "held": alice,
        "wrong": secret("carol-password")}});
    // JSON is YAML.
    std::fs::write(folder.join("clouds.yaml"), clouds.to_string())?;
    std::fs::write(folder.join("secure.yaml"), secure.to_string())?;
    let mut command = turn.bed.command_line()?;
    command.current_dir(folder).args(words);
    Ok(command)
}

/// Runs the command line to its end, as `cloud`.
pub(crate) async fn run(turn: &Turn, cloud: &str, words: &[&str]) -> anyhow::Result<Run> {
    let mut command = command(turn, words)?;
    command.env("OS_CLOUD", cloud);
    finish(command).await
}

/// Runs a command to its end. No password may be in what it says.
pub(crate) async fn finish(mut command: Command) -> anyhow::Result<Run> {
    let Output {
        status,
        stdout,
        stderr,
    } = tokio::task::spawn_blocking(move || command.output()).await??;
    let run = Run {
        code: status.code(),
        printed: String::from_utf8(stdout)?,
        told: String::from_utf8(stderr)?,
    };
    ensure!(
        !format!("{run:?}").contains("-password"),
        "a password is told: {run:?}"
    );
    Ok(run)
}

/// What a command that must succeed prints.
pub(crate) async fn printed(turn: &Turn, cloud: &str, words: &[&str]) -> anyhow::Result<String> {
    let run = run(turn, cloud, words).await?;
    ensure!(run.code == Some(0), "{words:?}: {run:?}");
    Ok(run.printed)
}

/// The same as JSON.
pub(crate) async fn document(turn: &Turn, cloud: &str, words: &[&str]) -> anyhow::Result<Value> {
    let words = [words, &["-f", "json"]].concat();
    let printed = printed(turn, cloud, &words).await?;
    serde_json::from_str(&printed).context(printed)
}

/// A key of a document, which must be a text.
pub(crate) fn text(document: &Value, key: &str) -> anyhow::Result<String> {
    let text = document[key].as_str();
    Ok(text
        .with_context(|| format!("no {key}: {document}"))?
        .to_owned())
}

/// Alice's new application credential: its id and its secret.
pub(crate) async fn application_credential(turn: &Turn) -> anyhow::Result<(String, String)> {
    let user = turn.bed.user_id(testbed::Region::Ot1, "alice")?;
    let path = format!("/users/{user}/application_credentials");
    let body = json!({"application_credential": {"name": "copies"}});
    let answer = turn
        .here()
        .keystone(Method::POST, &path)
        .json(&body)
        .send()
        .await?;
    let made: Value = answer.error_for_status()?.json().await?;
    let made = &made["application_credential"];
    Ok((text(made, "id")?, text(made, "secret")?))
}
