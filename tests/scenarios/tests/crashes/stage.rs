//! The test bed of this binary, one test at a time, and what its tests do to copies and parts.

use std::time::Duration;

use anyhow::{Context, ensure};
use scenarios::{Copies, Replicas};
use serde_json::Value;
use testbed::{Cloud, MadeImage, NewImage, Part, Region, TestBed, eventually};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

/// How long a lease lasts here.
pub(crate) const LEASE: Duration = Duration::from_secs(6);
/// How many workers copy into `ot2`.
pub(crate) const WORKERS: u16 = 3;
/// How many schedulers there are.
pub(crate) const SCHEDULERS: u16 = 2;
/// The Glance that is read, which has no part in cleaning a destination.
pub(crate) const SOURCE: Part = Part::Glance(Region::Ot1);

/// What takes minutes or hours in production takes seconds here, in the same proportions.
const CONFIG: &str = "
[gateway]
requests_per_second = 2000
request_burst = 10000
[scheduler]
lease_length = '6s'
heartbeat = '1s'
serving_gap = '3s'
reconcile_every = '250ms'
retry_first = '500ms'
retry_longest = '2s'
[worker]
poll_shortest = '1s'
poll_longest = '2s'
report_every = '200ms'
drain = '9s'
";

/// Longer than any single step of a scenario takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

static BED: OnceCell<TestBed> = OnceCell::const_new();
static TURN: Mutex<()> = Mutex::const_new(());
static LARGE: OnceCell<MadeImage> = OnceCell::const_new();

/// The test bed, for as long as it is this test's turn.
pub(crate) struct Stage {
    pub(crate) bed: &'static TestBed,
    /// Who asks for copies, in `ot1`.
    alice: Cloud,
    /// The same, where the copies go.
    there: Cloud,
    tenant: String,
    _turn: MutexGuard<'static, ()>,
}

impl Stage {
    /// Waits for this test's turn; whatever the one before left broken runs again.
    pub(crate) async fn enter() -> anyhow::Result<Self> {
        let turn = TURN.lock().await;
        let builder = TestBed::builder()
            .schedulers(SCHEDULERS)
            .workers(Region::Ot1, 0)
            .workers(Region::Ot2, WORKERS)
            .config(CONFIG);
        let bed = BED.get_or_try_init(|| builder.start()).await?;
        for (part, pid) in bed.parts().await? {
            match pid {
                Some(_) => bed.thaw(part).await?,
                None => bed.start(part).await?,
            }
        }
        Ok(Self {
            bed,
            alice: bed.cloud("alice", Region::Ot1).await?,
            there: bed.cloud_in("alice", Region::Ot2, "proj-ot2").await?,
            tenant: bed.project_id(Region::Ot2, "proj-ot2")?,
            _turn: turn,
        })
    }

    /// The end of a test: the images that it names go, and nothing else may be left.
    pub(crate) async fn leave(self, images: &[String]) -> anyhow::Result<()> {
        for image in images {
            self.there.delete_image(image).await?;
        }
        self.bed.check_leftovers().await
    }

    /// The API, as alice calls it.
    pub(crate) fn copies(&self) -> Copies<'_> {
        Copies::of(&self.alice)
    }

    /// The destination, as alice sees it.
    pub(crate) fn replicas(&self) -> Replicas<'_> {
        Replicas::of(self.bed, &self.there)
    }

    /// The destination itself.
    pub(crate) fn there(&self) -> &Cloud {
        &self.there
    }

    /// A source image of this test's own.
    pub(crate) async fn image(&self, name: &str, mebibytes: u64) -> anyhow::Result<MadeImage> {
        self.alice
            .make_image(&NewImage::named(name, mebibytes))
            .await
    }

    /// A source image that takes seconds to copy; the same for all tests.
    pub(crate) async fn large_image(&self) -> anyhow::Result<&'static MadeImage> {
        LARGE.get_or_try_init(|| self.image("large", 256)).await
    }

    /// Asks for a copy of an image.
    pub(crate) async fn start(&self, image: &MadeImage) -> anyhow::Result<String> {
        self.copies().start(&image.id, &self.tenant).await
    }

    /// Starts a copy of the large image and freezes the source's Glance while its bytes move. The
    /// copy then lasts until the source is thawed, and the destination answers all the time.
    pub(crate) async fn hold_a_copy(&self) -> anyhow::Result<String> {
        let image = self.large_image().await?;
        let job = self.start(image).await?;
        let copying = self.copies().until_copying(&job).await?;
        self.bed.freeze(SOURCE).await?;
        let held = self.copies().show(&job).await?;
        ensure!(
            held["status"] == "replicating" && held["attempt"] == 1,
            "the copy got away: {copying}, then {held}"
        );
        Ok(job)
    }

    /// Waits until the job's attempt `attempt` is granted; it may have gone further.
    pub(crate) async fn until_attempt(&self, job: &str, attempt: u64) -> anyhow::Result<Value> {
        let copies = self.copies();
        let granted = copies.until(job, "granted", |document| {
            document["attempt"].as_u64() >= Some(attempt)
        });
        granted.await
    }

    /// The worker that was granted attempt `attempt` of a job, as its log says.
    pub(crate) fn worker_of(&self, job: &str, attempt: u64) -> anyhow::Result<Part> {
        let attempt = format!("job.attempt={attempt}");
        for part in workers() {
            let granted = |line: &&str| {
                line.contains("a unit is granted") && line.contains(job) && line.contains(&attempt)
            };
            if self.bed.log(part)?.lines().find(granted).is_some() {
                return Ok(part);
            }
        }
        anyhow::bail!("no worker's log says that it was granted {attempt} of job {job}")
    }

    /// Fails when a scheduler has seen a lease of the job run out.
    pub(crate) fn expect_no_lost_lease(&self, job: &str) -> anyhow::Result<()> {
        for number in 1..=SCHEDULERS {
            let log = self.bed.log(Part::Scheduler(number))?;
            let lost = log
                .lines()
                .find(|line| line.contains("a lease ran out") && line.contains(job));
            ensure!(lost.is_none(), "{lost:?}");
        }
        Ok(())
    }

    /// Waits until a part's log has a line with each of `words`.
    pub(crate) async fn until_logged(&self, part: Part, words: &[&str]) -> anyhow::Result<()> {
        eventually(
            PATIENCE,
            format!("{words:?} in the log of {part}"),
            || async {
                let log = self.bed.log(part)?;
                let found = log
                    .lines()
                    .any(|line| words.iter().all(|word| line.contains(word)));
                ensure!(found, "{part} says no such thing");
                Ok(())
            },
        )
        .await
    }

    /// Waits until Glance has an image whole, whatever the API says.
    pub(crate) async fn until_active(&self, image: &str) -> anyhow::Result<()> {
        eventually(PATIENCE, format!("image {image} being whole"), || async {
            let image = self.there.image(image).await?.context("not there")?;
            ensure!(image["status"] == "active", "{image}");
            Ok(())
        })
        .await
    }

    /// Kills all schedulers.
    pub(crate) async fn kill_schedulers(&self) -> anyhow::Result<()> {
        for number in 1..=SCHEDULERS {
            self.bed.kill(Part::Scheduler(number)).await?;
        }
        Ok(())
    }

    /// Starts them again.
    pub(crate) async fn start_schedulers(&self) -> anyhow::Result<()> {
        for number in 1..=SCHEDULERS {
            self.bed.start(Part::Scheduler(number)).await?;
        }
        Ok(())
    }
}

/// All workers that copy into `ot2`.
pub(crate) fn workers() -> impl Iterator<Item = Part> {
    (1..=WORKERS).map(|number| Part::Worker(Region::Ot2, number))
}
