//! Event streams: of one job from POST to its end, and of all jobs of a project, resumed where they broke.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use scenarios::{Copies, Event, EventStream, Witness, is_final};
use serde_json::Value;
use testbed::{NewImage, Region};

use crate::bed;
use crate::waiting::{start_waiting, tiny_image};

#[tokio::test(flavor = "multi_thread")]
async fn one_jobs_events_lead_from_the_request_to_the_end() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let image = alice.make_image(&NewImage::named("watched", 128)).await?;
    let copies = Copies::of(&alice);
    let job = copies.start(&image.id, &tenant).await?;
    let path = format!("/{job}/events");
    let mut stream = copies.events(&path).await?;
    let witness = Witness::default();
    let mut seen: Vec<Value> = Vec::new();
    while let Some(event) = stream.next().await? {
        ensure!(event.name.is_empty(), "{event:?}");
        let document: Value = serde_json::from_str(&event.data)?;
        witness.see(&document)?;
        ensure!(document["job_id"] == job.as_str(), "{document}");
        ensure!(seen.last() != Some(&document), "twice: {document}");
        seen.push(document);
    }
    let last = seen.last().context("no event")?;
    ensure!(last["status"] == "replicated", "the last was {last}");
    let moving = |document: &&Value| document["status"] == "replicating";
    ensure!(seen.iter().any(|seen| moving(&seen)), "{seen:?}");
    ensure!(copies.show(&job).await? == *last, "{last}");

    // A stream of a job that is over: its document, and the end.
    let mut late = copies.events(&path).await?;
    ensure!(late.next_document().await? == *last, "{last}");
    ensure!(late.next().await?.is_none(), "an open end");
    let copy = last["destination_image_id"].as_str().context("none")?;
    let owner = bed.cloud("carol", Region::Ot2).await?;
    owner.delete_image(copy).await?;
    alice.delete_image(&image.id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_stream_is_kept_alive_and_told_of_the_cancel() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot1, "proj-ot2")?;
    let image = tiny_image(&alice, "watched in vain").await?;
    let copies = Copies::of(&alice);
    let job = start_waiting(&copies, &image.id, &tenant).await?;
    let path = format!("/{job}/events");

    // Not even that the job exists is told to another project.
    let carol = bed.cloud("carol", Region::Ot1).await?;
    let foreign = Copies::of(&carol).list(&path).await?;
    foreign.expect_fault(404, "Not Found", "There is no such copy job.")?;
    let admin = bed.cloud("admin", Region::Ot1).await?;
    let mut administrators = Copies::of(&admin).events(&path).await?;
    let mut stream = copies.events(&path).await?;
    for stream in [&mut stream, &mut administrators] {
        let first = stream.next_document().await?;
        ensure!(first["status"] == "replicate_requested", "{first}");
        stream.comments(2).await?;
    }

    copies.cancel(&job).await?.expect_no_content()?;
    for stream in [&mut stream, &mut administrators] {
        let canceled = stream.next_document().await?;
        ensure!(canceled["status"] == "canceled", "{canceled}");
        ensure!(stream.next().await?.is_none(), "an open end");
    }
    alice.delete_image(&image.id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_events_are_resumed_without_gap() -> anyhow::Result<()> {
    let bed = bed().await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let tenant = bed.project_id(Region::Ot1, "proj-ot2")?;
    let image = tiny_image(&alice, "of many jobs").await?;
    let copies = Copies::of(&alice);
    let mut stream = copies.events("/events").await?;
    let mut seen = Seen::default();
    let mut jobs = Vec::new();
    for _ in 0..4 {
        jobs.push(start_waiting(&copies, &image.id, &tenant).await?);
    }
    seen.read(&mut stream, |seen| {
        jobs.iter().all(|job| seen.status(job).is_some())
    })
    .await?;
    drop(stream);

    // Nobody listens while two jobs end and another begins.
    for job in &jobs[..2] {
        copies.cancel(job).await?.expect_no_content()?;
    }
    jobs.push(start_waiting(&copies, &image.id, &tenant).await?);
    let last = seen.last.to_string();
    let request = copies
        .request(reqwest::Method::GET, "/events")
        .header("last-event-id", &last);
    let mut resumed = EventStream::open(request).await?;
    seen.read(&mut resumed, |seen| {
        let ended = jobs[..2].iter().all(|job| seen.is_over(job));
        ended && seen.status(&jobs[4]).is_some()
    })
    .await?;
    for job in &jobs[2..] {
        copies.cancel(job).await?.expect_no_content()?;
    }
    seen.read(&mut resumed, |seen| {
        jobs.iter().all(|job| seen.is_over(job))
    })
    .await?;

    // Another project's stream, resumed from the very first change, tells of none of them.
    let carol = bed.cloud("carol", Region::Ot1).await?;
    let theirs = Copies::of(&carol);
    let request = theirs
        .request(reqwest::Method::GET, "/events")
        .header("last-event-id", "0");
    let mut others = EventStream::open(request).await?;
    let own = {
        let alice = bed.cloud_in("alice", Region::Ot1, "proj-ot2").await?;
        let image = tiny_image(&alice, "of the other project").await?;
        let copies = Copies::of(&alice);
        let home = bed.project_id(Region::Ot1, "proj-ot1")?;
        let job = start_waiting(&copies, &image.id, &home).await?;
        copies.cancel(&job).await?.expect_no_content()?;
        alice.delete_image(&image.id).await?;
        job
    };
    let mut foreign = Seen::default();
    foreign.read(&mut others, |seen| seen.is_over(&own)).await?;
    for document in foreign.documents.values() {
        ensure!(
            document["source_tenant_id"] == carol.project_id.as_str(),
            "{document}"
        );
    }
    alice.delete_image(&image.id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_event_id_that_is_none_is_refused() -> anyhow::Result<()> {
    let alice = bed().await?.cloud("alice", Region::Ot1).await?;
    let copies = Copies::of(&alice);
    for id in ["yesterday", "-1", "9223372036854775808"] {
        let request = copies.request(reqwest::Method::GET, "/events");
        let refused = copies.send(request.header("last-event-id", id)).await?;
        refused.expect_fault_naming(400, "Bad Request", &["Last-Event-ID"])?;
    }
    let refused = copies.list("/events?status=error").await?;
    refused.expect_fault_naming(400, "Bad Request", &["query"])
}

/// What a reader of all events knows, over any number of streams.
#[derive(Default)]
struct Seen {
    last: u64,
    documents: BTreeMap<String, Value>,
    witnesses: BTreeMap<String, Witness>,
}

impl Seen {
    /// Reads until `enough`. Ids only grow, and no job goes back.
    async fn read(
        &mut self,
        stream: &mut EventStream,
        enough: impl Fn(&Self) -> bool,
    ) -> anyhow::Result<()> {
        while !enough(self) {
            let event = stream.next().await?.context("the stream has ended")?;
            self.take(&event)
                .with_context(|| format!("after {}: {event:?}", self.last))?;
        }
        Ok(())
    }

    fn take(&mut self, event: &Event) -> anyhow::Result<()> {
        let id: u64 = event.id.parse().context("no id")?;
        ensure!(event.name.is_empty() && id > self.last, "an older id");
        self.last = id;
        let document: Value = serde_json::from_str(&event.data)?;
        let job = document["job_id"].as_str().context("no job")?.to_owned();
        self.witnesses
            .entry(job.clone())
            .or_default()
            .see(&document)?;
        self.documents.insert(job, document);
        Ok(())
    }

    fn status(&self, job: &str) -> Option<&str> {
        self.documents.get(job)?["status"].as_str()
    }

    fn is_over(&self, job: &str) -> bool {
        self.documents.get(job).is_some_and(is_final)
    }
}
