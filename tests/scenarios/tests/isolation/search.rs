//! Tokens and passwords that a run has left behind: in log lines, exported spans, Redis (its keys, its values and its file)
//! and the broker (messages and files).

use std::io::Write;
use std::path::Path;

use anyhow::{Context, ensure};
use lapin::BasicProperties;
use lapin::options::{BasicGetOptions, BasicNackOptions, BasicPublishOptions};
use redis::aio::MultiplexedConnection;
use scenarios::{Copies, Plans};
use serde_json::json;
use testbed::{Part, Region, USERS};

use crate::world::{SERVICES, World};

/// How every token of Keystone's begins: a Fernet token is of version 0x80, and the first bytes of its time are zeros.
const FERNET: &str = "gAAAAA";

/// The broker's user and password, in a URL and as they are sent to it (RFC 4616), plain or quoted.
const BROKERS: [&str; 3] = ["guest:guest", "\0guest\0guest", "\\0guest\\0guest"];

/// The queues in which messages wait.
const QUEUES: [&str; 3] = ["copy.ot1", "copy.ot2", "copy.dead-letter"];

/// A token that nobody has, to be found where it is put.
const PLANTED: &str = "gAAAAABplanted-for-the-search-to-find";

/// A place that was searched, and all that there is in it.
type Place = (String, String);

/// Searches everything that the run has left for passwords and tokens.
pub(crate) async fn find_nothing(world: &World) -> anyhow::Result<()> {
    let job = a_whole_run(world).await?;
    every_token_looks_like_one(world)?;
    let places = places(world).await?;
    let with_the_job = places
        .iter()
        .filter(|(_, text)| text.contains(&job))
        .map(|(place, _)| place.as_str())
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

/// Every token that the callers have, or that Keystone was asked for or about, begins as [`FERNET`] says: a search for that
/// finds each of them.
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
    let other = tokens.iter().find(|token| !token.starts_with(FERNET));
    ensure!(other.is_none(), "{other:?} is no Fernet token");
    Ok(())
}

/// Places with something secret in them, and what it is.
fn found(places: &[Place]) -> Vec<String> {
    let passwords = USERS.iter().map(|user| user.password);
    let secrets: Vec<&str> = passwords.chain(BROKERS).chain([FERNET]).collect();
    let mut found = Vec::new();
    for (place, text) in places {
        for secret in &secrets {
            if let Some(at) = text.find(secret) {
                let before: Vec<char> = text[..at].chars().rev().take(100).collect();
                let around = before.into_iter().rev().chain(text[at..].chars().take(200));
                found.push(format!(
                    "{place}: {secret:?} in {:?}",
                    around.collect::<String>()
                ));
            }
        }
    }
    found
}

/// All that the run has written, said and stored.
async fn places(world: &World) -> anyhow::Result<Vec<Place>> {
    let mut places = queues(world).await?;
    // What is still to be logged and exported is, when a service ends.
    for service in SERVICES {
        world.bed.stop(service).await?;
    }
    for service in SERVICES.into_iter().chain([Part::Balancer]) {
        places.push((format!("{service}.log"), world.bed.log(service)?));
    }
    places.push(("spans".to_owned(), lossy(&world.spans.exported())));
    let mut redis = world.bed.redis().await?;
    redis::cmd("SAVE").exec_async(&mut redis).await?;
    for key in world.bed.redis_keys("*").await? {
        let value = value(&mut redis, &key).await?;
        places.push((format!("redis: {key}"), format!("{key} {value}")));
    }
    for part in [Part::Redis, Part::Rabbitmq] {
        let name = part.to_string();
        files(&world.bed.directory().join(&name), &name, &mut places)?;
    }
    for service in SERVICES {
        world.bed.start(service).await?;
    }
    Ok(places)
}

/// What is in a key, whatever its type.
async fn value(redis: &mut MultiplexedConnection, key: &str) -> anyhow::Result<String> {
    let kind: String = redis::cmd("TYPE").arg(key).query_async(redis).await?;
    let mut read = match kind.as_str() {
        "string" => redis::cmd("GET"),
        "hash" => redis::cmd("HGETALL"),
        "set" => redis::cmd("SMEMBERS"),
        "zset" | "list" => {
            let mut range = redis::cmd(if kind == "list" { "LRANGE" } else { "ZRANGE" });
            range.arg(key).arg(0).arg(-1);
            let value: redis::Value = range.query_async(redis).await?;
            return Ok(text_of(&value));
        }
        "stream" => {
            let mut range = redis::cmd("XRANGE");
            range.arg(key).arg("-").arg("+");
            let value: redis::Value = range.query_async(redis).await?;
            return Ok(text_of(&value));
        }
        other => anyhow::bail!("{key} is a {other}, which is not read"),
    };
    let value: redis::Value = read.arg(key).query_async(redis).await?;
    Ok(text_of(&value))
}

fn text_of(value: &redis::Value) -> String {
    match value {
        redis::Value::BulkString(bytes) => lossy(bytes),
        redis::Value::Array(values) | redis::Value::Set(values) => {
            values.iter().map(text_of).collect::<Vec<_>>().join(" ")
        }
        redis::Value::Map(pairs) => {
            let pairs = pairs
                .iter()
                .map(|(key, value)| text_of(key) + " " + &text_of(value));
            pairs.collect::<Vec<_>>().join(" ")
        }
        other => format!("{other:?}"),
    }
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
                lossy(&got.delivery.data)
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
        places.push((format!("queue {queue}"), text));
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

/// Every file below a directory.
fn files(directory: &Path, name: &str, places: &mut Vec<Place>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            files(&entry.path(), &name, places)?;
        } else if entry.file_type()?.is_file() {
            let bytes = std::fs::read(entry.path()).with_context(|| name.clone())?;
            places.push((name, lossy(&bytes)));
        }
    }
    Ok(())
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
