//! What befalls the system, and how each trouble ends.

use domain::{CopySpec, Destination, IfIdentical, ImageDigest, RegionId, Source, UserId};
use tokio::time::{Instant, sleep_until};

use super::World;
use super::images::{IMAGES, destination_tenant, source_image, source_tenant};
use crate::caller::{Caller, Request};
use crate::cloud::{DESTINATION, Glance, SOURCE};
use crate::process::Process;
use crate::queue::PublishingEnd;
use crate::scenario::{Op, Role, Side, seconds};
use crate::weather::Trouble;

/// The end of a trouble.
pub(super) enum Relief {
    Start(Role),
    Thaw(Process),
    /// The store's replica takes over.
    FailOver,
}

impl World {
    /// Ends the troubles whose time is over by then, each at its time.
    pub(super) async fn relieve(&mut self, reliefs: &mut Vec<(Instant, Relief)>, by: Instant) {
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

    pub(super) fn happen(&mut self, op: &Op, reliefs: &mut Vec<(Instant, Relief)>) {
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

    fn glance(&self, side: Side) -> &Glance {
        match side {
            Side::Source => &self.cloud.source,
            Side::Destination => &self.cloud.destination,
        }
    }
}
