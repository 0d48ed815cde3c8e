//! The wall clocks of a scheduler and a worker jump by an hour, ahead and back, in the middle of copies: nobody notices.
//!
//! What an hour could end, an outlived lease, a deadline, a pause before another attempt or the life of a token, is counted by
//! Redis' clock or by one that nobody can set.

use std::time::Duration;

use anyhow::{Context, ensure};
use jiff::Timestamp;
use scenarios::{Copies, Replicas};
use testbed::{Behaviour, Link, NewImage, Part, Region, TestBed, eventually, may_have_own_disk};

const SCHEDULER: Part = Part::Scheduler(1);
const WORKER: Part = Part::Worker(Region::Ot2, 1);

/// The deadlines are far shorter than the jumps, and the leases are shorter still.
const CONFIG: &str = "
[scheduler]
lease_length = '6s'
heartbeat = '1s'
serving_gap = '3s'
reconcile_every = '250ms'
retry_first = '500ms'
retry_longest = '2s'
queue_deadline = '20m'
job_deadline = '20m'
[worker]
poll_shortest = '1s'
poll_longest = '2s'
report_every = '200ms'
drain = '9s'
";

/// Where the clocks are set to, in seconds ahead of the true time.
const JUMPS: [i64; 3] = [3600, -3600, 0];

/// How fast bytes move, and how many move between two jumps: for longer than a lease lasts.
const BYTES_PER_SECOND: u64 = 512 * 1024;
const BETWEEN_JUMPS: u64 = 8 * BYTES_PER_SECOND;

/// In MiB; it is not copied before the last jump has been sat out.
const LARGE: u64 = 96;

const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn wall_clocks_that_jump_by_an_hour_end_nothing() -> anyhow::Result<()> {
    if let Err(refusal) = may_have_own_disk().await {
        testbed::say(format_args!(
            "nothing shown: libfaketime's shared memory can't be kept apart on this machine: {refusal:#}"
        ));
        return Ok(());
    }
    let bed = TestBed::builder()
        .workers(Region::Ot1, 0)
        .faulty_links()
        .movable_wall_clock()
        .config(CONFIG)
        .start()
        .await?;
    let alice = bed.cloud("alice", Region::Ot1).await?;
    let there = bed.cloud("alice", Region::Ot2).await?;
    let copies = Copies::of(&alice);
    let large = alice.make_image(&NewImage::named("large", LARGE)).await?;
    let small = alice.make_image(&NewImage::named("small", 1)).await?;
    let glances = [Link::Glance(Region::Ot1), Link::Glance(Region::Ot2)];
    for glance in glances {
        let slow = Behaviour::Slow {
            bytes_per_second: BYTES_PER_SECOND,
        };
        bed.link(glance)?.set(slow);
    }

    let long = copies.start(&large.id, &there.project_id).await?;
    let mut moved = bytes_copied(&copies.until_copying(&long).await?);
    let mut jobs = vec![(long.clone(), &large)];
    for ahead in JUMPS {
        bed.set_wall_clock(ahead)?;
        // It begins and ends at this time of the clock.
        let job = copies.start(&small.id, &there.project_id).await?;
        copies.until_replicated(&job).await?;
        jobs.push((job, &small));
        let enough = moved + BETWEEN_JUMPS;
        let has_moved = |document: &_| bytes_copied(document) >= enough;
        moved = bytes_copied(&copies.until(&long, "more bytes", has_moved).await?);
        ensure!(
            moved < large.size,
            "the copy is over before the clock has jumped for the last time"
        );
        for part in [SCHEDULER, WORKER] {
            shows(&bed, part, ahead).await?;
        }
    }
    for glance in glances {
        bed.link(glance)?.set(Behaviour::Pass);
    }

    let replicas = Replicas::of(&bed, &there);
    for (job, image) in &jobs {
        let document = copies.until_replicated(job).await?;
        ensure!(document["attempt"] == 1, "a lease was lost: {document}");
        let replica = replicas.expect_whole(&document, image).await?;
        there.delete_image(&replica).await?;
    }
    let log = bed.log(SCHEDULER)?;
    ensure!(
        log.contains("the clocks of redis and of this machine differ"),
        "the scheduler has not noticed: {log}"
    );
    bed.finish().await
}

fn bytes_copied(document: &serde_json::Value) -> u64 {
    document["bytes_copied"].as_u64().unwrap_or_default()
}

/// Waits until a part writes a line at the time that its clock is set to; so the jump has reached it.
async fn shows(bed: &TestBed, part: Part, ahead: i64) -> anyhow::Result<()> {
    eventually(
        PATIENCE,
        format!("{part}'s clock {ahead} s ahead"),
        || async {
            let log = bed.log(part)?;
            let mut stamps = log
                .lines()
                .rev()
                .filter_map(|line| line.split_whitespace().next()?.parse().ok());
            let last: Timestamp = stamps.next().context("it says nothing")?;
            let off = last.as_second() - now().as_second() - ahead;
            ensure!(off.abs() < 1200, "its last line is {off} s off");
            Ok(())
        },
    )
    .await
}

#[expect(
    clippy::disallowed_methods,
    reason = "what a clock that was set shows is compared with the true time"
)]
fn now() -> Timestamp {
    Timestamp::now()
}
