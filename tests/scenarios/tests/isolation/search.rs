//! Tokens and passwords that a run has left behind: in log lines, exported spans, Redis (its keys, its values and its file)
//! and the broker (messages and files).

use std::io::Write;

use anyhow::ensure;
use lapin::BasicProperties;
use lapin::options::{BasicGetOptions, BasicNackOptions, BasicPublishOptions};
use scenarios::{Copies, Plans};
use serde_json::json;
use testbed::{Place, Region, is_searched_for};

use crate::world::{SERVICES, World};

/// The queues in which messages wait.
const QUEUES: [&str; 3] = ["copy.ot1", "copy.ot2", "copy.dead-letter"];

/// A token that nobody has, to be found where it is put.
const PLANTED: &str = "gAAAAABplanted-for-the-search-to-find";

/// Searches everything that the run has left for passwords and tokens.
pub(crate) async fn find_nothing(world: &World) -> anyhow::Result<()> {
    let job = a_whole_run(world).await?;
    every_token_looks_like_one(world)?;
    let places = places(world).await?;
    let with_the_job = places
        .iter()
        .filter(|place| place.text.contains(&job))
        .map(|place| place.name.as_str())
        .collect::<Vec<_>>();
    // What is no secret is everywhere, as the search sees it: so would a secret be.
    for place in [
        "scheduler-1.log",
        "gateway-1.log",
        "worker-1.log",
        "spans",
        "redis: ",
        "redis/",
    ] {
        let is_read = with_the_job.iter().any(|name| name.starts_with(place));
        ensure!(
            is_read,
            "{place} does not tell of job {job}: {with_the_job:?}"
        );
    }
    let found = found(&places);
    ensure!(found.is_empty(), "secrets stay:\n{}", found.join("\n"));
    Ok(())
}

/// A token that is put into a place is found there.
pub(crate) async fn find_what_is_planted(world: &World) -> anyhow::Result<()> {
    let log = world.bed.directory().join("log/gateway-1.log");
    let mut log = std::fs::OpenOptions::new().append(true).open(log)?;
    writeln!(log, "DEBUG a header: x-auth-token={PLANTED}")?;
    let mut redis = world.bed.redis().await?;
    let mut plant = redis::cmd("HSET");
    plant.arg("planted").arg("field").arg(PLANTED);
    plant.exec_async(&mut redis).await?;
    publish(world, PLANTED).await?;

    let found = found(&places(world).await?);
    redis::cmd("DEL")
        .arg("planted")
        .exec_async(&mut redis)
        .await?;
    for place in [
        "gateway-1.log",
        "redis: planted",
        "redis/",
        "queue copy.ot1",
        "rabbitmq/",
    ] {
        let is_found = found.iter().any(|line| line.starts_with(place));
        ensure!(is_found, "not found in {place}: {found:#?}");
    }
    Ok(())
}

/// A copy that was asked for and one that a plan has made, both to their end; the id of the former's job.
async fn a_whole_run(world: &World) -> anyhow::Result<String> {
    let alice = world.bed.cloud("alice", Region::Ot1).await?;
    let job = world.markers[&alice.project_id].clone();
    Copies::of(&alice).until_replicated(&job).await?;
    let mut plan = world.plan_of(&alice.project_id, "once, now");
    plan["job_schedule"] = json!({});
    let plans = Plans::of(&alice);
    let plan = plans.create(&plan).await?;
    plans.until_result(&plan, "success").await?;
    Ok(job)
}

/// Every token that the callers have, or that Keystone was asked for or about, is of the kind that the search finds.
fn every_token_looks_like_one(world: &World) -> anyhow::Result<()> {
    let callers = world
        .callers
        .iter()
        .filter_map(|caller| caller.token.clone());
    let mut tokens: Vec<String> = callers.collect();
    let mut of_the_services = 0;
    for text in world.tap.everything() {
        for line in text.split("\r\n") {
            if let Some((name, value)) = line.split_once(": ")
                && ["x-auth-token", "x-subject-token"]
                    .iter()
                    .any(|header| name.eq_ignore_ascii_case(header))
            {
                tokens.push(value.to_owned());
                of_the_services += 1;
            }
        }
    }
    ensure!(of_the_services > 0, "the services have no tokens");
    tokens.iter().try_for_each(|token| is_searched_for(token))
}

/// What is secret, and where it is.
fn found(places: &[Place]) -> Vec<String> {
    let secrets = places.iter().flat_map(Place::secrets);
    secrets.map(|secret| secret.to_string()).collect()
}

/// All that the run has written, said and stored.
async fn places(world: &World) -> anyhow::Result<Vec<Place>> {
    let mut places = queues(world).await?;
    // What is still to be logged and exported is, when a service ends.
    for service in SERVICES {
        world.bed.stop(service).await?;
    }
    places.push(place("spans", world.spans.text().as_bytes()));
    let mut redis = world.bed.redis().await?;
    redis::cmd("SAVE").exec_async(&mut redis).await?;
    places.extend(world.bed.places().await?);
    for service in SERVICES {
        world.bed.start(service).await?;
    }
    Ok(places)
}

/// Messages that wait, with their headers; they are put back.
async fn queues(world: &World) -> anyhow::Result<Vec<Place>> {
    let connection = world.bed.amqp().await?;
    let channel = connection.create_channel().await?;
    let mut places = Vec::new();
    for queue in QUEUES {
        let mut text = String::new();
        let mut last = None;
        while let Some(got) = channel
            .basic_get(queue.into(), BasicGetOptions::default())
            .await?
        {
            text += &format!(
                "{:?} {}\n",
                got.delivery.properties,
                String::from_utf8_lossy(&got.delivery.data)
            );
            last = Some(got.delivery.delivery_tag);
        }
        if let Some(tag) = last {
            let back = BasicNackOptions {
                multiple: true,
                requeue: true,
            };
            channel.basic_nack(tag, back).await?;
        }
        places.push(place(&format!("queue {queue}"), text.as_bytes()));
    }
    connection.close(200, "done".into()).await?;
    Ok(places)
}

/// Has a message with this text wait.
async fn publish(world: &World, text: &str) -> anyhow::Result<()> {
    let connection = world.bed.amqp().await?;
    let channel = connection.create_channel().await?;
    let persistent = BasicProperties::default().with_delivery_mode(2);
    let options = BasicPublishOptions::default();
    channel
        .confirm_select(lapin::options::ConfirmSelectOptions::default())
        .await?;
    channel
        .basic_publish(
            "".into(),
            QUEUES[0].into(),
            options,
            text.as_bytes(),
            persistent,
        )
        .await?
        .await?;
    Ok(connection.close(200, "done".into()).await?)
}

fn place(name: &str, bytes: &[u8]) -> Place {
    Place {
        name: name.to_owned(),
        text: String::from_utf8_lossy(bytes).into_owned(),
    }
}
