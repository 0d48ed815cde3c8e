//! The system in one runtime: starts it, lets the scenario happen, waits until it is quiet, gathers the evidence.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::{
    CopySpec, Destination, IfIdentical, ImageDigest, ImageId, RegionId, Source, TenantId, UserId,
};
use job_scheduler::reconciler;
use job_scheduler::store::memory::MemoryStore;
use job_scheduler::store::{PageQuery, Scope, Store as _, Stored};
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use crate::caller::{Caller, Request};
use crate::clock::SimulatedClock;
use crate::cloud::{Cloud, DESTINATION, Glance, SOURCE, Status};
use crate::evidence::{Ending, Evidence, Replica};
use crate::flaw::Flaw;
use crate::network::Network;
use crate::process::Process;
use crate::queue::{Broker, PublishingEnd};
use crate::scenario::{Op, Role, SCHEDULERS, Scenario, Setting, Side, seconds};
use crate::scheduler::{KEEP_FINISHED, RunningScheduler, shape};
use crate::standby::Standby;
use crate::store::RemoteStore;
use crate::weather::{Trouble, Weather};
use crate::worker::RunningWorker;

/// Images that can be copied.
const IMAGES: usize = 3;
/// The longest that a quiet system may take to end all its jobs: their deadline, and the clean-up after it.
const QUIET: Duration = Duration::from_secs(45 * 60);
/// The longest that a worker may take to hear that its unit is another's.
const REST: Duration = Duration::from_secs(60);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_secs(5);
/// Keys whose entries say nothing of any one job; or, as idempotency keys, go by themselves.
const STANDING: [&str; 4] = [
    "memory:regions ",
    "memory:serving ",
    "memory:virtual:",
    "memory:key:",
];
/// Keys whose entries stay for as long as a finished job is kept.
const OF_FINISHED: [&str; 3] = ["memory:list:", "memory:changed:", "memory:finished "];

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

/// The end of a trouble.
enum Relief {
    Start(Role),
    Thaw(Process),
    /// The store's replica takes over.
    FailOver,
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
        let mut reliefs = Vec::new();
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

    /// Ends the troubles whose time is over by then, each at its time.
    async fn relieve(&mut self, reliefs: &mut Vec<(Instant, Relief)>, by: Instant) {
        reliefs.sort_by_key(|(at, _)| *at);
        let due = reliefs.partition_point(|(at, _)| *at <= by);
        for (at, relief) in reliefs.drain(..due) {
            sleep_until(at).await;
            match relief {
                Relief::Start(role) => self.start(role),
                Relief::Thaw(process) => process.thaw(),
                Relief::FailOver => self.fail_over().await,
            }
        }
    }

    fn happen(&mut self, op: &Op, reliefs: &mut Vec<(Instant, Relief)>) {
        let weather = self.weather.clone();
        let now = Instant::now();
        match op {
            Op::Create { tenant, image, key } => self.create(*tenant, *image, *key),
            Op::Cancel { job } => {
                if let Some(caller) = self.callers.get(*job) {
                    caller.cancel();
                }
            }
            Op::Crash { who, down } => {
                self.is_troubled(*who, None);
                self.crash(*who);
                reliefs.push((now + seconds(*down), Relief::Start(*who)));
            }
            Op::Stop { who } => {
                self.is_troubled(*who, None);
                self.stop(*who);
            }
            Op::Freeze { who, lasts } => {
                self.is_troubled(*who, Some(now + seconds(*lasts)));
                if let Some(process) = self.process(*who) {
                    process.freeze();
                    reliefs.push((now + seconds(*lasts), Relief::Thaw(process)));
                }
            }
            Op::Partition { worker, lasts } => {
                self.is_troubled(Role::Worker(*worker), Some(now + seconds(*lasts)));
                weather.begin(Trouble::Partition(*worker), seconds(*lasts));
            }
            Op::DropMessages => self.broker.lose_all(),
            Op::DoubleMessages => self.broker.double_all(),
            Op::DelayMessages { lasts } => weather.begin(Trouble::MessagesLate, seconds(*lasts)),
            Op::BrokerAway { lasts } => weather.begin(Trouble::BrokerAway, seconds(*lasts)),
            Op::StoreAway { lasts } => {
                weather.witness.trouble(now + seconds(*lasts));
                weather.begin(Trouble::StoreAway, seconds(*lasts));
            }
            Op::FailOver { lag } => {
                self.standby.fall_behind(&self.store);
                weather.witness.trouble(now + seconds(*lag));
                reliefs.push((now + seconds(*lag), Relief::FailOver));
            }
            Op::LoseNotices => self.hang_up.notify_waiters(),
            Op::LoseAnswers { lasts } => weather.begin(Trouble::AnswersLost, seconds(*lasts)),
            Op::GlanceKeeps { lasts } => weather.begin(Trouble::GlanceKeeps, seconds(*lasts)),
            Op::GlanceCorrupts { lasts } => {
                weather.begin(Trouble::GlanceCorrupts, seconds(*lasts));
            }
            Op::GlanceAway { side, lasts } => {
                weather.begin(Trouble::GlanceAway(*side), seconds(*lasts));
                self.glance(*side).disconnect();
            }
            Op::GlanceDies { side } => self.glance(*side).die(),
            Op::GlanceLate { side, lasts } => {
                weather.begin(Trouble::GlanceLate(*side), seconds(*lasts));
            }
            Op::GlanceRefuses { side, lasts } => {
                weather.begin(Trouble::GlanceRefuses(*side), seconds(*lasts));
            }
            Op::ClockJumps { scheduler, by } => {
                if let Some(Some(scheduler)) = self.schedulers.get(*scheduler) {
                    scheduler.clock.set_ahead(*by);
                }
            }
        }
    }

    /// A trouble begins that may cost leases: a scheduler's anybody's, a worker's its own. None: it never ends.
    fn is_troubled(&self, who: Role, until: Option<Instant>) {
        let witness = &self.weather.witness;
        match (who, self.process(who)) {
            (Role::Scheduler(_), _) => witness.trouble(until.unwrap_or_else(Instant::now)),
            (Role::Worker(_), Some(worker)) => witness.trouble_of(&worker, until),
            (Role::Worker(_), None) => {}
        }
    }

    /// The store is what its replica was; who subscribed to it has lost its connection.
    async fn fail_over(&mut self) {
        if self.standby.take_over(&self.store) {
            let jobs = self.all_jobs().await;
            let witness = &self.weather.witness;
            witness.fell_back(jobs.into_iter().map(|stored| stored.record));
            self.weather.journal.note("the store fell back");
            self.hang_up.notify_waiters();
        }
    }

    fn create(&mut self, tenant: usize, image: usize, key: Option<u8>) {
        let number = self.callers.len();
        let image = source_image(image % IMAGES);
        let images = self.cloud.source.all();
        let source = &images[&image.to_string()];
        let text = |attribute: &str| source.text(attribute).map(str::to_owned);
        let spec = CopySpec {
            source: Source {
                region: RegionId::new(SOURCE),
                tenant: source_tenant(tenant),
                image,
            },
            source_image_name: String::new(),
            source_digest: ImageDigest {
                size_bytes: source.data.len() as u64,
                checksum: text("checksum"),
                os_hash_algo: text("os_hash_algo"),
                os_hash_value: text("os_hash_value"),
            },
            destination: Destination {
                region: RegionId::new(DESTINATION),
                tenant: destination_tenant(tenant),
            },
            if_identical: IfIdentical::Copy,
            requested_by: UserId::new("alice"),
            traceparent: None,
            plan_id: None,
            retry_of: None,
        };
        let gateway = Process::new(format!("gateway {number}"));
        let queue = PublishingEnd {
            broker: self.broker.clone(),
            process: gateway.clone(),
        };
        let link = self.network.link(gateway, None);
        let (clock, weather) = (self.clock.clone(), self.weather.clone());
        let destination = self.cloud.destination.clone();
        let request = Request {
            number,
            spec,
            key: key.map(|key| format!("key {key}")),
        };
        let caller = Caller::start(request, link, queue, clock, weather, destination);
        self.callers.push(caller);
    }

    fn start(&mut self, role: Role) {
        self.started += 1;
        match role {
            Role::Scheduler(number) if self.schedulers[number].is_none() => {
                let store = RemoteStore {
                    store: self.store.clone(),
                    scheduler: Process::new(format!("scheduler {number}/{}", self.started)),
                    weather: self.weather.clone(),
                    clock: self.clock.clone(),
                    hang_up: self.hang_up.clone(),
                    standby: self.standby.clone(),
                };
                let clock = self.clock.another();
                let (running, endpoint) =
                    RunningScheduler::start(store, clock, &self.broker, &self.setting);
                self.network.attach(number, endpoint);
                self.schedulers[number] = Some(running);
            }
            Role::Worker(number) if self.workers[number].is_none() => {
                let worker = RunningWorker::start(
                    Process::new(format!("worker {number}/{}", self.started)),
                    number,
                    &self.network,
                    &self.broker,
                    &self.cloud,
                    &self.setting,
                );
                self.workers[number] = Some(worker);
            }
            // Somebody started it meanwhile.
            Role::Scheduler(_) | Role::Worker(_) => {}
        }
    }

    fn start_missing(&mut self) {
        for number in 0..self.schedulers.len() {
            self.start(Role::Scheduler(number));
        }
        for number in 0..self.workers.len() {
            self.start(Role::Worker(number));
        }
    }

    fn crash(&mut self, role: Role) {
        match role {
            Role::Scheduler(number) => {
                self.network.detach(number);
                if let Some(scheduler) = self.schedulers[number].take() {
                    scheduler.kill();
                }
            }
            Role::Worker(number) => {
                if let Some(worker) = self.workers[number].take() {
                    worker.kill();
                }
            }
        }
    }

    /// As in a rolling restart: the next one is there while this one ends.
    fn stop(&mut self, role: Role) {
        match role {
            Role::Scheduler(number) => {
                self.network.detach(number);
                if let Some(scheduler) = self.schedulers[number].take() {
                    tokio::spawn(scheduler.stop());
                }
            }
            Role::Worker(number) => {
                if let Some(worker) = self.workers[number].take() {
                    tokio::spawn(worker.stop());
                }
            }
        }
        self.start(role);
    }

    fn process(&self, role: Role) -> Option<Process> {
        match role {
            Role::Scheduler(number) => {
                let scheduler = self.schedulers.get(number)?.as_ref()?;
                Some(scheduler.process.clone())
            }
            Role::Worker(number) => {
                let worker = self.workers.get(number)?.as_ref()?;
                Some(worker.process.clone())
            }
        }
    }

    fn glance(&self, side: Side) -> &Glance {
        match side {
            Side::Source => &self.cloud.source,
            Side::Destination => &self.cloud.destination,
        }
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

    async fn gather(&self) -> Evidence {
        let mut evidence = Evidence {
            stories: self.callers.iter().map(Caller::story).collect(),
            commits: self.weather.journal.commits(),
            broken: self.broken(),
            found: self.weather.witness.found(),
            restless: self.restless(),
            ..Evidence::default()
        };
        (evidence.taken_back, evidence.fell_back) = self.weather.witness.taken_back();
        for (id, image) in self.cloud.source.all() {
            let id = id.parse().expect("only such ids are created");
            evidence.sources.insert(id, hash(&image.data));
        }
        for stored in self.all_jobs().await {
            let record = stored.record;
            let ending = Ending {
                status: record.status,
                image: record.image,
                leased: record.lease.is_some(),
                leftovers: record.leftovers,
                error: record.error.map(|error| error.to_string()),
            };
            let journal = &self.weather.journal;
            journal.meet(record.status.as_str(), format_args!("{ending:?}"));
            evidence.jobs.insert(record.id, ending);
        }
        for (id, image) in self.cloud.destination.all() {
            let size = image.attributes.get("size");
            let replica = Replica {
                active: image.has_status(Status::Active),
                hidden: image.is("os_hidden"),
                owner: image.text("owner").map(TenantId::new),
                size: size.and_then(serde_json::Value::as_u64),
                hash: Some(hash(&image.data)),
            };
            let id = id.parse().expect("only such ids are created");
            evidence.images.insert(id, replica);
        }
        evidence.index_entries = self.entries_but(&[&STANDING[..], &OF_FINISHED[..]].concat());
        evidence.remains = self.remains().await;
        evidence
    }

    /// What stays when the time has come for the janitor.
    async fn remains(&self) -> BTreeSet<String> {
        for scheduler in self.schedulers.iter().flatten() {
            scheduler.end_tasks().await;
        }
        let scheduler = self.schedulers.iter().flatten().next();
        let scheduler = scheduler.expect("all were started again");
        let later = KEEP_FINISHED + Duration::from_secs(60);
        let later = i64::try_from(later.as_millis()).expect("a month");
        scheduler.clock.set_ahead(later);
        let ticked = reconciler::tick(scheduler.jobs()).await;
        ticked.expect("all is well");
        self.entries_but(&STANDING)
    }

    fn entries_but(&self, expected: &[&str]) -> BTreeSet<String> {
        let entries = self.store.entries().into_iter();
        entries
            .filter(|entry| !expected.iter().any(|key| entry.starts_with(key)))
            .collect()
    }

    /// Workers that are still at something.
    fn restless(&self) -> Vec<String> {
        let workers = self.workers.iter().flatten();
        let restless = workers.filter(|worker| worker.is_at_work());
        restless
            .map(|worker| worker.process.name().to_owned())
            .collect()
    }

    fn broken(&self) -> Vec<String> {
        let schedulers = self.schedulers.iter().flatten();
        let schedulers = schedulers
            .filter(|scheduler| scheduler.is_broken())
            .map(|scheduler| scheduler.process.name().to_owned());
        let workers = self.workers.iter().flatten();
        let workers = workers
            .filter(|worker| worker.is_broken())
            .map(|worker| worker.process.name().to_owned());
        schedulers.chain(workers).collect()
    }
}

/// What the checker compares bytes by, whatever Glances say of them.
fn hash(data: &[u8]) -> String {
    let digest = Sha256::digest(data);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn source_image(number: usize) -> ImageId {
    ImageId::from_uuid(Uuid::from_u128(0xB000 + number as u128))
}

/// A few pieces of bytes that differ.
fn bytes(number: usize, weather: &Weather) -> Bytes {
    let length = weather.chance.within(1..=40_000);
    let byte = |at: u64| {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        // The upper byte of a product by a large odd number: no short period.
        at.wrapping_mul(2_654_435_761).to_be_bytes()[0] ^ u8::try_from(number).unwrap_or(0)
    };
    (0..length).map(byte).collect()
}

fn source_tenant(number: usize) -> TenantId {
    TenantId::new(format!("{:032x}", 0xC000 + number))
}

fn destination_tenant(number: usize) -> TenantId {
    TenantId::new(format!("{:032x}", 0xD000 + number))
}
