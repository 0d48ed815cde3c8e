//! The system in one runtime: starts it, lets the scenario happen, waits until it is quiet, gathers the evidence.

mod gather;
mod happen;
mod images;
mod processes;

use std::sync::Arc;
use std::time::Duration;

use job_scheduler::store::memory::MemoryStore;
use job_scheduler::store::{PageQuery, Scope, Store as _, Stored};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use self::happen::Relief;
use self::images::{IMAGES, bytes, source_image, source_tenant};
use crate::caller::Caller;
use crate::clock::SimulatedClock;
use crate::cloud::Cloud;
use crate::evidence::Evidence;
use crate::flaw::Flaw;
use crate::network::Network;
use crate::queue::Broker;
use crate::scenario::{SCHEDULERS, Scenario, Setting, seconds};
use crate::scheduler::{RunningScheduler, shape};
use crate::standby::Standby;
use crate::weather::Weather;
use crate::worker::RunningWorker;

/// The longest that a quiet system may take to end all its jobs: their deadline, and the clean-up after it.
const QUIET: Duration = Duration::from_secs(45 * 60);
/// The longest that a worker may take to hear that its unit is another's.
const REST: Duration = Duration::from_secs(60);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_secs(5);

/// Everything there is.
pub(crate) struct World {
    setting: Setting,
    pub(crate) weather: Arc<Weather>,
    store: MemoryStore,
    /// The store's own.
    clock: SimulatedClock,
    hang_up: Arc<Notify>,
    standby: Standby,
    broker: Broker,
    network: Network,
    cloud: Cloud,
    schedulers: Vec<Option<RunningScheduler>>,
    workers: Vec<Option<RunningWorker>>,
    callers: Vec<Caller>,
    /// Processes started so far.
    started: usize,
}

impl World {
    pub(crate) fn new(setting: Setting, flaw: Flaw) -> Self {
        let weather = Arc::new(Weather::new(&setting, flaw));
        let cloud = Cloud::new(weather.clone(), setting.half_uploads, setting.hashes);
        for number in 0..IMAGES {
            let (id, data) = (source_image(number), bytes(number, &weather));
            cloud
                .source
                .put(id, source_tenant(0).as_str(), data.clone());
            weather.witness.source(id, data);
        }
        let mut world = Self {
            store: MemoryStore::new(shape(&setting)),
            clock: SimulatedClock::new(),
            hang_up: Arc::default(),
            standby: Standby::default(),
            broker: Broker::new(weather.clone()),
            network: Network::new(weather.clone(), SCHEDULERS),
            cloud,
            schedulers: (0..SCHEDULERS).map(|_| None).collect(),
            workers: (0..setting.workers).map(|_| None).collect(),
            callers: Vec::new(),
            started: 0,
            setting,
            weather,
        };
        world.start_missing();
        world
    }

    /// Lets everything happen, and then be quiet.
    pub(crate) async fn live(mut self, scenario: &Scenario) -> Evidence {
        let mut reliefs: Vec<(Instant, Relief)> = Vec::new();
        for step in &scenario.steps {
            let at = Instant::now() + seconds(step.after);
            self.relieve(&mut reliefs, at).await;
            sleep_until(at).await;
            let op = serde_json::to_string(&step.op).expect("plain data");
            self.weather.journal.meet(step.op.kind(), op);
            self.happen(&step.op, &mut reliefs);
        }
        let last = reliefs.iter().map(|(at, _)| *at).max();
        let last = last.unwrap_or_else(Instant::now);
        self.relieve(&mut reliefs, last).await;
        self.calm_down().await;
        self.gather().await
    }

    /// Waits until no worker is at anything: who has lost its unit to another hears of it soon.
    async fn rest(&self) {
        let begun_at = Instant::now();
        while begun_at.elapsed() < REST && self.workers.iter().flatten().any(|it| it.is_at_work()) {
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// Ends all troubles and waits until nothing is left to do, or too long.
    async fn calm_down(&mut self) {
        self.weather.clear();
        self.start_missing();
        self.weather.journal.note("quiet");
        let begun_at = Instant::now();
        while begun_at.elapsed() < QUIET {
            sleep(LOOK).await;
            if self.is_over().await {
                break;
            }
        }
        self.rest().await;
    }

    async fn is_over(&self) -> bool {
        let callers_know = self.callers.iter().all(|caller| {
            let story = caller.story();
            let last = story.observed.last();
            last.is_some_and(|seen| seen.status.is_final())
                || story.cancel.is_some()
                || story.is_refused
        });
        let jobs = self.all_jobs().await;
        callers_know && jobs.iter().all(|stored| stored.record.is_over())
    }

    async fn all_jobs(&self) -> Vec<Stored> {
        let everything = PageQuery {
            scope: Scope::All,
            statuses: Vec::new(),
            after: None,
            oldest_first: true,
            limit: usize::MAX,
        };
        let ids = self.store.page(&everything).await.expect("in memory");
        self.store.load_many(&ids).await.expect("in memory")
    }
}
