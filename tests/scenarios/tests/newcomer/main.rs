//! The ten minutes of the README, as a newcomer would spend them: every command is typed into one shell, in order, on a
//! cloud that knows nothing of the service, until two copies are made. Nothing is replaced but addresses.
//!
//! What a command prints comes last, so that its progress may come before; where the page shows an answer, it is compared.

mod addresses;
mod cloud;
mod started;

use std::path::Path;

use anyhow::{Context, bail, ensure};
use scenarios::page::{Answer, Piece, pieces};
use scenarios::sample::compare_text;
use scenarios::shell::Shell;
use testbed::{ForeignClient, NewImage, Part, Region, TestBed};

use crate::addresses::Addresses;
use crate::started::Started;

const PAGE: &str = include_str!("../../../../README.md");
/// Begins the part that is followed; the next heading ends it.
const HEADING: &str = "\n## Use it with your cloud, in ten minutes\n";

#[tokio::test(flavor = "multi_thread")]
async fn ten_minutes_lead_to_a_copy() -> anyhow::Result<()> {
    let (_, section) = PAGE.split_once(HEADING).context("no such heading")?;
    let section = section.split("\n## ").next().unwrap_or(section);

    let bed = TestBed::builder()
        .workers(Region::Ot1, 0)
        .workers(Region::Ot2, 0)
        .start()
        .await?;
    let here = bed.cloud("alice", Region::Ot1).await?;
    let addresses = Addresses::of(&bed, &here)?;
    // The page starts its own, where these were.
    for part in [
        Part::Gateway(Region::Ot1),
        Part::Gateway(Region::Ot2),
        Part::Scheduler(1),
        Part::Front(Region::Ot1),
    ] {
        bed.stop(part).await?;
    }
    cloud::forget_the_service(&bed).await?;
    let image = here.make_image(&NewImage::named("cirros", 2)).await?;

    let mut shell = shell(&bed).await?;
    for (name, value) in &addresses.environment {
        shell.run(&format!("export {name}='{value}'")).await?;
    }
    let mut started = Started::default();
    let mut compared = 0;
    for piece in pieces(section)? {
        match piece {
            Piece::As(user, "ot1") => become_somebody(&bed, &mut shell, user).await?,
            Piece::Example(commands, answer) => {
                let printed = shell.run(&addresses.put_into(commands)).await;
                started.note(&shell.run("jobs -p").await?)?;
                let printed = printed.with_context(|| last_words(&bed))?;
                match answer {
                    None => {}
                    Some(Answer::Text(text)) => {
                        compared += 1;
                        let lines: Vec<&str> = printed.trim_end().lines().collect();
                        let last = lines.len().saturating_sub(text.lines().count());
                        if let Err(why) = compare_text(text, &lines[last..].join("\n")) {
                            bail!("{commands}\nprints:\n{printed}\n{why}");
                        }
                    }
                    Some(Answer::Json(_)) => bail!("{commands} has an answer that is a document"),
                }
            }
            piece => bail!("what is {piece:?}?"),
        }
    }
    shell.run("wait").await?;
    started.are_over();
    ensure!(compared >= 4, "only {compared} answers are compared");
    for address in addresses.names() {
        ensure!(section.contains(address), "the page has no {address}");
    }

    let there = bed.cloud_in("alice", Region::Ot2, "proj-ot2").await?;
    let mut copies = 0;
    for copy in there.images().await? {
        let id = copy["id"].as_str().context("no id")?;
        let is_whole = copy["name"] == "cirros" && copy["os_hidden"] == false;
        ensure!(
            is_whole && there.sha512_of(id).await? == image.sha512,
            "{copy}"
        );
        copies += 1;
    }
    ensure!(copies == 2, "{copies} copies");
    Ok(())
}

/// A shell with the services, the command line and the `openstack` client in its path, in a folder of its own.
async fn shell(bed: &TestBed) -> anyhow::Result<Shell> {
    let client = ForeignClient::Openstackclient;
    let client = bed.client(client, "", "admin", Region::Ot1).await?;
    let mut shell = Shell::start(client)?;
    let programs = bed.command_line()?;
    let programs = Path::new(programs.get_program()).parent();
    let programs = programs.context("no folder")?.display();
    let folder = folder(bed);
    std::fs::create_dir(&folder)?;
    let folder = folder.display();
    let begin = format!("export PATH=\"{programs}:$PATH:/usr/sbin\"; cd '{folder}'");
    shell.run(&begin).await?;
    Ok(shell)
}

fn folder(bed: &TestBed) -> std::path::PathBuf {
    bed.directory().join("trial")
}

/// Has the shell sign in as `user`.
async fn become_somebody(bed: &TestBed, shell: &mut Shell, user: &str) -> anyhow::Result<()> {
    let client = ForeignClient::Openstackclient;
    let client = bed.client(client, "", user, Region::Ot1).await?;
    for (name, value) in client.as_std().get_envs() {
        let name = name.to_string_lossy();
        if let (true, Some(value)) = (name.starts_with("OS_"), value) {
            let value = value.to_string_lossy();
            shell.run(&format!("export {name}='{value}'")).await?;
        }
    }
    Ok(())
}

/// What was logged by what the page has started, for whoever looks at a failure.
fn last_words(bed: &TestBed) -> String {
    let names = ["job-scheduler", "api-gateway", "copy-worker", "front"];
    let log = |name: &str| {
        let log = folder(bed).join(format!("{name}.log"));
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(8)..].join("\n");
        format!("{name}:\n{last}")
    };
    names.map(log).join("\n")
}
