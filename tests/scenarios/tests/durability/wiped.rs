//! Redis loses everything that it had, or what it was told last. The service says so and goes on, and no image is
//! removed for it: neither those that were copied before, nor one that only looks as if it had been.

use std::path::Path;

use anyhow::{Context, ensure};
use reqwest::Method;
use scenarios::{AdminPort, EventStream, Hold, PATIENCE, Turn, image_of_attempt};
use serde_json::Value;
use testbed::{MadeImage, NewImage, Part, Region, eventually};

use crate::stage::{start_redis_empty, turn, until_accepted};

/// What Glance tells of the images that must survive.
struct Survivors(Vec<Value>);

impl Survivors {
    async fn of(turn: &Turn, ids: &[&str]) -> anyhow::Result<Self> {
        let mut images = Vec::new();
        for id in ids {
            let image = turn.there().image(id).await?;
            images.push(image.with_context(|| format!("image {id} is gone"))?);
        }
        Ok(Self(images))
    }

    async fn expect_unchanged(&self, turn: &Turn) -> anyhow::Result<()> {
        for before in &self.0 {
            let id = before["id"].as_str().context("no id")?;
            let now = turn.there().image(id).await?;
            ensure!(now.as_ref() == Some(before), "it was {before}, now {now:?}");
        }
        Ok(())
    }
}

/// How often each of some services has found, or heard, that Redis forgot something.
struct Losses(Vec<(Part, f64)>);

impl Losses {
    async fn of(turn: &Turn, services: Vec<Part>) -> anyhow::Result<Self> {
        let mut counts = Vec::new();
        for service in services {
            counts.push((service, Self::at(turn, service).await?));
        }
        Ok(Self(counts))
    }

    /// Waits until every one has found it once more.
    async fn until_more(&self, turn: &Turn) -> anyhow::Result<()> {
        for (service, before) in &self.0 {
            eventually(PATIENCE, format!("{service} counts a loss"), || async {
                let now = Self::at(turn, *service).await?;
                ensure!(now > *before, "{now} losses");
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    async fn at(turn: &Turn, service: Part) -> anyhow::Result<f64> {
        let found =
            |kind| format!("image_replicator_scheduler_store_losses_total{{kind=\"{kind}\"}}");
        let series = match service {
            Part::Gateway(_) => vec!["image_replicator_gateway_store_losses_total".to_owned()],
            Part::Worker(..) => vec!["image_replicator_worker_store_losses_total".to_owned()],
            _ => ["wiped", "fell_back", "replaced"].map(found).to_vec(),
        };
        let mut all = 0.0;
        for series in series {
            all += turn.metric(service, &series).await?;
        }
        Ok(all)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_was_flushed_is_noticed_and_new_copies_are_made() -> anyhow::Result<()> {
    let turn = turn().await?;
    let wipe = async || {
        let mut redis = turn.bed.redis_of(Part::Redis).await?;
        let flush = redis::cmd("FLUSHALL");
        anyhow::Ok(flush.query_async::<()>(&mut redis).await?)
    };
    forget(&turn, wipe).await?;
    turn.leave(&[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_whose_disk_was_lost_is_noticed_and_new_copies_are_made() -> anyhow::Result<()> {
    let turn = turn().await?;
    forget(&turn, async || start_redis_empty(turn.bed, &[]).await).await?;
    turn.leave(&[]).await
}

/// As when a backup is brought back: one job is known as it was, another not at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_fell_back_is_noticed_and_what_it_knows_is_done() -> anyhow::Result<()> {
    let turn = turn().await?;
    let losses = Losses::of(&turn, turn.schedulers()).await?;
    let heard = Losses::of(&turn, listeners(&turn)).await?;
    let image = turn.image("done twice", 1).await?;
    turn.freeze(&turn.workers()).await?;
    let early = until_accepted(&turn, &image).await?;
    let data = turn.bed.directory().join("redis/appendonlydir");
    let backup = turn.bed.directory().join("backup");
    turn.bed.kill(Part::Redis).await?;
    copy_files(&data, &backup)?;
    turn.bed.start(Part::Redis).await?;
    turn.thaw(&turn.workers()).await?;
    let document = turn.copies().until_replicated(&early).await?;
    let replica = turn.replicas().expect_whole(&document, &image).await?;
    let (late, unknown) = copy(&turn, &image).await?;
    let survivors = Survivors::of(&turn, &[&unknown]).await?;

    turn.bed.kill(Part::Redis).await?;
    std::fs::remove_dir_all(&data)?;
    copy_files(&backup, &data)?;
    std::fs::remove_dir_all(&backup)?;
    turn.bed.start(Part::Redis).await?;
    losses.until_more(&turn).await?;
    turn.until_noted("store", "redis").await?;
    let gone = turn.copies().get(&late).await?;
    gone.expect_fault(404, "Not Found", "There is no such copy job.")?;
    let document = turn.copies().until_replicated(&early).await?;
    expect_said_by_all(&turn, &heard).await?;
    let again = turn.replicas().expect_whole(&document, &image).await?;
    ensure!(again == replica, "the image is {again}, was {replica}");
    survivors.expect_unchanged(&turn).await?;
    turn.leave(&[replica, unknown]).await
}

fn copy_files(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for file in std::fs::read_dir(from)? {
        let file = file?;
        std::fs::copy(file.path(), to.join(file.file_name()))?;
    }
    Ok(())
}

async fn forget(turn: &Turn, wipe: impl AsyncFn() -> anyhow::Result<()>) -> anyhow::Result<()> {
    // A wipe before may have been noticed; what counts is the next one.
    let losses = Losses::of(turn, turn.schedulers()).await?;
    let heard = Losses::of(turn, listeners(turn)).await?;
    let image = turn.image("remembered", Hold::MEBIBYTES).await?;
    let (old, replica) = copy(turn, &image).await?;
    let snapshot = snapshot_of(turn, &old).await?;
    let survivors = Survivors::of(turn, &[&replica, &snapshot.id]).await?;
    let mut watch = turn.copies().events("/events").await?;
    let hold = Hold::on(turn.bed)?;
    let running = until_accepted(turn, &image).await?;
    hold.until_held(&turn.copies(), &running).await?;
    let last = last_event_of(&mut watch, &running).await?;

    wipe().await?;
    losses.until_more(turn).await?;
    turn.until_noted("store", "redis").await?;
    let mut said = false;
    for scheduler in turn.schedulers() {
        said |= turn.logged(scheduler, &["redis was wiped"])?.is_some();
    }
    ensure!(said, "no scheduler says that redis was wiped");
    hold.release();
    for job in [&old, &running] {
        let gone = turn.copies().get(job).await?;
        gone.expect_fault(404, "Not Found", "There is no such copy job.")?;
    }
    let list = turn.copies().list("").await?.json(200)?;
    ensure!(list == serde_json::json!([]), "{list}");

    // Both ways of listening hear of what is new, whatever numbers they have seen.
    let request = turn.copies().request(Method::GET, "/events");
    let mut resumed = EventStream::open(request.header("last-event-id", &last)).await?;
    let (new, fresh) = copy(turn, &image).await?;
    for stream in [&mut watch, &mut resumed] {
        last_event_of(stream, &new).await?;
    }
    expect_said_by_all(turn, &heard).await?;
    cancel_in_mid_copy(turn, &image).await?;
    survivors.expect_unchanged(turn).await?;

    // Nobody knows whose it is, so nobody but its owner removes it.
    let orphan = image_of_attempt(&running, 1)?;
    for id in [&orphan, &replica, &snapshot.id, &fresh] {
        turn.there().delete_image(id).await?;
    }
    Ok(())
}

/// Services that hear of it from the schedulers, since they ask them.
fn listeners(turn: &Turn) -> Vec<Part> {
    [vec![Part::Gateway(Region::Ot1)], turn.workers()].concat()
}

/// They have heard of it once more than `before`, and say so.
async fn expect_said_by_all(turn: &Turn, before: &Losses) -> anyhow::Result<()> {
    before.until_more(turn).await?;
    for part in listeners(turn) {
        let note = AdminPort::of(turn.bed, part)?.note("store").await?;
        let (log, words) = (turn.bed.log(part)?, "the schedulers' redis was wiped");
        ensure!(note.starts_with(words), "{part}: {note}");
        ensure!(log.contains(words), "{part}: {log}");
    }
    Ok(())
}

/// A whole copy: its job and its image.
async fn copy(turn: &Turn, image: &MadeImage) -> anyhow::Result<(String, String)> {
    let job = until_accepted(turn, image).await?;
    let document = turn.copies().until_replicated(&job).await?;
    let replica = turn.replicas().expect_whole(&document, image).await?;
    Ok((job, replica))
}

/// A clean-up, as a canceled copy needs one.
async fn cancel_in_mid_copy(turn: &Turn, image: &MadeImage) -> anyhow::Result<()> {
    let hold = Hold::on(turn.bed)?;
    let job = until_accepted(turn, image).await?;
    hold.until_held(&turn.copies(), &job).await?;
    turn.copies().cancel(&job).await?.expect_no_content()?;
    let copies = turn.copies();
    let canceled = copies.until(&job, "canceled", |document| {
        document["status"] == "canceled"
    });
    canceled.await?;
    hold.release();
    turn.replicas()
        .expect_gone(&image_of_attempt(&job, 1)?)
        .await
}

/// As Nova makes one of a machine that was booted from a copy: it inherits the copy's properties.
async fn snapshot_of(turn: &Turn, job: &str) -> anyhow::Result<MadeImage> {
    let replica = turn.there().image(&image_of_attempt(job, 1)?).await?;
    let replica = replica.context("no replica")?;
    let mut snapshot = NewImage::named("snapshot of a machine", 1);
    for name in [
        "replicated_from_region",
        "replicated_from_image",
        "replicated_by_job",
    ] {
        let value = replica[name].clone();
        ensure!(value.is_string(), "no {name}: {replica}");
        snapshot = snapshot.with(name, value);
    }
    turn.there().make_image(&snapshot).await
}

/// Reads until an event is about a job; gives the event's id.
async fn last_event_of(stream: &mut EventStream, job: &str) -> anyhow::Result<String> {
    loop {
        let event = stream.next().await?.context("the stream has ended")?;
        let document: Value = serde_json::from_str(&event.data)?;
        if document["job_id"] == job {
            return Ok(event.id);
        }
    }
}
