//! The test bed of this binary, how long its outages last, and whether anybody was started anew.

use std::time::Duration;

use anyhow::{Context, ensure};
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use scenarios::{Hold, Turn};
use testbed::{Part, Region, TestBed, eventually};
use tokio::sync::{Mutex, OnceCell};

/// How long a broker or store is away.
///
/// Longer than everything in our services that is counted or has an end: a connection attempt (10 s),
/// a call of the scheduler (10 s), a confirmation (5 s), a dead connection's heartbeats (twice 2 s);
/// and the pauses between attempts (250 ms, doubling) have long been at their longest, 10 s. Whoever
/// would give up has given up by then.
pub(crate) const OUTAGE: Duration = Duration::from_secs(60);
/// How long those who were cut off may take to come back, when the longest pause is 10 s.
pub(crate) const RETURN: Duration = Duration::from_secs(60);
/// How many workers copy into `ot2`.
pub(crate) const WORKERS: u16 = 2;

/// The queue of `ot2`.
pub(crate) const QUEUE: &str = "copy.ot2";

const CONFIG: &str = "
[gateway]
requests_per_second = 2000
request_burst = 10000
[scheduler]
lease_length = '10s'
heartbeat = '1s'
serving_gap = '5s'
reconcile_every = '250ms'
ticket_first = '2s'
ticket_longest = '5s'
retry_first = '500ms'
retry_longest = '2s'
[scheduler.limits]
copies_per_tenant = 3
[worker]
poll_shortest = '1s'
poll_longest = '2s'
report_every = '200ms'
[rabbitmq]
heartbeat = '2s'
";

static BED: OnceCell<TestBed> = OnceCell::const_new();
static TURNS: Mutex<()> = Mutex::const_new(());

/// This test's turn on the test bed.
pub(crate) async fn turn() -> anyhow::Result<Turn> {
    let builder = TestBed::builder()
        .schedulers(2)
        .workers(Region::Ot1, 0)
        .workers(Region::Ot2, WORKERS)
        .faulty_link(Hold::LINK)
        .config(CONFIG);
    let bed = BED
        .get_or_try_init(async || {
            let bed = builder.start().await?;
            settle_queue(&bed).await?;
            anyhow::Ok(bed)
        })
        .await?;
    Turn::take(bed, &TURNS).await
}

/// Has RabbitMQ write down what it knows.
///
/// A broker (3.10) that is killed within moments of a quorum queue's declaration may come back with a
/// queue that can be declared, but neither consumed nor published to, by anybody, until it is deleted.
/// That is a fault of the broker; these tests are about outages of one that keeps its word.
pub(crate) async fn settle_queue(bed: &TestBed) -> anyhow::Result<()> {
    until_consumed(bed).await?;
    bed.restart(Part::Rabbitmq).await?;
    until_consumed(bed).await
}

/// Waits until every worker consumes the region's queue.
pub(crate) async fn until_consumed(bed: &TestBed) -> anyhow::Result<()> {
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    eventually(RETURN, "the workers' return to the queue", || async {
        let connection = bed.amqp().await?;
        let channel = connection.create_channel().await?;
        let queue = channel
            .queue_declare(QUEUE.into(), passive, FieldTable::default())
            .await
            .context("no queue")?;
        let consumers = queue.consumer_count();
        connection.close(200, "done".into()).await?;
        ensure!(
            consumers == u32::from(WORKERS),
            "{consumers} consume {QUEUE}"
        );
        Ok(())
    })
    .await
}

/// All workers that copy into `ot2`.
pub(crate) fn workers() -> impl Iterator<Item = Part> {
    (1..=WORKERS).map(|number| Part::Worker(Region::Ot2, number))
}

/// Our services as they run now.
pub(crate) struct Crew(Vec<(Part, Option<u32>)>);

impl Crew {
    /// Remembers who runs.
    pub(crate) async fn of(turn: &Turn) -> anyhow::Result<Self> {
        let parts = turn.bed.parts().await?.into_iter();
        Ok(Self(parts.filter(|(part, _)| part.is_service()).collect()))
    }

    /// Fails unless the same processes run still.
    pub(crate) async fn expect_unchanged(&self, turn: &Turn) -> anyhow::Result<()> {
        let now = Self::of(turn).await?.0;
        ensure!(now == self.0, "{:?} were running, now {now:?}", self.0);
        Ok(())
    }
}
