//! The test beds of this binary, how long its outages last, and whether anybody was started anew.

use std::time::Duration;

use anyhow::{Context, ensure};
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use scenarios::{Stage, Turn, quick_bed};
use testbed::{Part, TestBed, eventually};

/// How long a broker or store is away.
///
/// Longer than everything in our services that is counted or has an end, one after the other: a connection attempt
/// (10 s), a call of the scheduler (10 s), a confirmation (5 s), a dead connection's heartbeats (twice 2 s); and the
/// pauses between attempts (250 ms, doubling) have been at their longest, 10 s, since second 16. Whoever would give up
/// has given up by then.
pub(crate) const OUTAGE: Duration = Duration::from_secs(40);
/// How long those who were cut off may take to come back, when the longest pause is 10 s.
pub(crate) const RETURN: Duration = Duration::from_secs(60);
/// How many workers copy into `ot2`.
const WORKERS: u16 = 2;

/// The queue of `ot2`.
pub(crate) const QUEUE: &str = "copy.ot2";

/// A lease outlives what an outage of Redis costs at its beginning and end.
const CONFIG: &str = "
[scheduler]
lease_length = '10s'
serving_gap = '5s'
[scheduler.limits]
copies_per_tenant = 3
[rabbitmq]
heartbeat = '2s'
";

static STAGE: Stage<2> = Stage::new();

/// This test's turn on the test bed.
pub(crate) async fn turn() -> anyhow::Result<Turn> {
    let build = async || {
        let bed = quick_bed(WORKERS).config(CONFIG).start().await?;
        settle_queue(&bed).await?;
        Ok(bed)
    };
    STAGE.turn(build).await
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
