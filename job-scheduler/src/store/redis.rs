//! The store in Redis: records and indexes change together in one script, by version.
//!
//! Any number of schedulers share it; none keeps anything of it. Every call is bounded by the
//! configured response timeout and fails fast while Redis is away.

mod admin;
mod connection;
mod durability;
mod identity;
mod plans;
mod record;
mod scripts;
mod servers;
mod subscription;
mod view;
mod writer;

use std::time::Duration;

use async_trait::async_trait;
use domain::{ClaimId, JobId, RegionId};
use futures::stream::BoxStream;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::watch;

use self::connection::Connection;
pub use self::durability::{Concern, ConcernKind, Durability};
use self::identity::Promised;
pub use self::identity::{Sequences, Standing};
use self::plans::PlanScripts;
use self::scripts::Scripts;
pub use self::servers::{Servers, UnusableServers};
use self::writer::Awaited;
use super::change::Planner;
use super::keys::{Keys, escape};
use super::lane::Lane;
use super::lasting::must_last;
use super::shape::Shape;
use super::{
    Census, ChangeNotice, Created, Due, IntakeTerms, OpenJobs, PageQuery, Place, Scope, Store,
    StoreError, Stored, TicketPace, open_statuses,
};
use crate::fairness::RegionView;
use crate::job_record::{JobRecord, Owner};
use crate::metrics::StoreCalls;

/// Lanes that are put into their place at once.
const LANES_PER_SCAN: usize = 200;

/// The store in Redis.
pub struct RedisStore {
    servers: Servers,
    keys: Keys,
    shape: Shape,
    scripts: Scripts,
    plans: PlanScripts,
    /// For everything but what must reach a replica.
    connection: Connection,
    /// For writes that wait for a replica: `WAIT` holds up whatever shares its connection.
    durable: Connection,
    awaited: Awaited,
    promised: Promised,
    calls: StoreCalls,
}

// === impl RedisStore ===

impl RedisStore {
    /// Some lanes of a region, and where the next ones begin; 0 when these were the last.
    async fn scan_lanes(
        &self,
        region: &RegionId,
        cursor: u64,
    ) -> Result<(u64, Vec<Lane>), StoreError> {
        let mut command = redis::cmd("SSCAN");
        command
            .arg(self.keys.lanes(region))
            .arg(cursor)
            .arg("COUNT")
            .arg(LANES_PER_SCAN);
        let (next, names): (u64, Vec<String>) = self.connection.command(&command).await?;
        let lanes = names.iter().filter_map(|name| Lane::parse(name));
        Ok((next, lanes.collect()))
    }

    /// Units of all lanes of a region. A lane that a scan shows twice counts twice, for once.
    async fn count_waiting(&self, region: &RegionId) -> Result<usize, StoreError> {
        let (mut waiting, mut cursor) = (0, 0_u64);
        loop {
            let (next, lanes) = self.scan_lanes(region, cursor).await?;
            if !lanes.is_empty() {
                let mut pipeline = redis::pipe();
                for lane in &lanes {
                    pipeline.cmd("ZCARD").arg(self.keys.eligible(region, lane));
                }
                let sizes: Vec<usize> = self.connection.pipeline(&pipeline).await?;
                waiting += sizes.iter().sum::<usize>();
            }
            cursor = next;
            if cursor == 0 {
                return Ok(waiting);
            }
        }
    }

    /// The jobs on each way to a region.
    async fn count_open(&self, region: &RegionId) -> Result<Vec<OpenJobs>, StoreError> {
        let sources = self.shape.regions.iter();
        let ways: Vec<_> = sources
            .flat_map(|source| open_statuses().map(move |status| (source, status)))
            .collect();
        if ways.is_empty() {
            return Ok(Vec::new());
        }
        let (mut counts, mut firsts) = (redis::pipe(), redis::pipe());
        for (source, status) in &ways {
            let key = self.keys.pair(source, region, *status);
            counts.cmd("ZCARD").arg(&key);
            let first = firsts.cmd("ZRANGE").arg(&key).arg(0).arg(0);
            first.arg("WITHSCORES");
        }
        let counts: Vec<usize> = self.connection.pipeline(&counts).await?;
        let firsts: Vec<Vec<(String, i64)>> = self.connection.pipeline(&firsts).await?;
        let found = ways.into_iter().zip(counts).zip(firsts);
        let open = found.map(|(((source, status), count), first)| {
            let oldest = first.first().map(|(_, accepted)| *accepted);
            OpenJobs {
                source: source.clone(),
                status,
                count,
                oldest: oldest.and_then(|at| Timestamp::from_millisecond(at).ok()),
            }
        });
        Ok(open.collect())
    }

    /// Prepares the store at one server; the first call connects.
    ///
    /// # Errors
    /// [`UnusableServers`].
    pub fn new(
        url: &SecretString,
        key_prefix: &str,
        response_timeout: Duration,
        shape: Shape,
    ) -> Result<Self, UnusableServers> {
        let servers = Servers::fixed(url)?;
        Ok(Self::at(servers, key_prefix, response_timeout, shape))
    }

    /// Prepares the store wherever the servers are.
    #[must_use]
    pub fn at(
        servers: Servers,
        key_prefix: &str,
        response_timeout: Duration,
        shape: Shape,
    ) -> Self {
        let connect = |calls: &StoreCalls| {
            Connection::prepare(servers.clone(), response_timeout, calls.clone())
        };
        let calls = StoreCalls::default();
        let keys = Keys::new(key_prefix);
        Self {
            connection: connect(&calls),
            durable: connect(&calls.durable()),
            calls,
            scripts: Scripts::new(keys.clone()),
            plans: PlanScripts::new(),
            servers,
            keys,
            shape,
            awaited: Awaited::new(None),
            promised: Promised::default(),
        }
    }

    /// The same, with so many replicas that must have what is accepted; none: as many as are seen.
    #[must_use]
    pub fn waiting_for(mut self, replicas: Option<u64>) -> Self {
        self.awaited = Awaited::new(replicas);
        self
    }

    /// What is counted of calls to Redis.
    #[must_use]
    pub const fn calls(&self) -> &StoreCalls {
        &self.calls
    }

    /// Hears of each connection that is made: it may lead to another server, or to one that was started anew.
    #[must_use]
    pub fn connections(&self) -> watch::Receiver<u64> {
        self.connection.made()
    }

    fn planner(&self) -> Planner<'_> {
        Planner {
            keys: &self.keys,
            shape: &self.shape,
        }
    }

    /// Jobs of a sorted set of times, up to one.
    async fn up_to(
        &self,
        key: String,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<JobId>, StoreError> {
        let mut command = redis::cmd("ZRANGEBYSCORE");
        command
            .arg(key)
            .arg("-inf")
            .arg(now.as_millisecond())
            .arg("LIMIT")
            .arg(0)
            .arg(limit);
        self.connection
            .command(&command)
            .await
            .map(record::parse_ids)
    }

    /// The time of Redis, which all schedulers share.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn time(&self) -> Result<Timestamp, StoreError> {
        let (seconds, micros): (i64, i32) = self.connection.command(&redis::cmd("TIME")).await?;
        Timestamp::new(seconds, micros.saturating_mul(1_000))
            .map_err(|error| StoreError::Unavailable(error.to_string()))
    }
}

#[async_trait]
impl Store for RedisStore {
    async fn load(&self, id: JobId) -> Result<Option<Stored>, StoreError> {
        let fields = self
            .connection
            .command(&record::read_command(&self.keys, id))
            .await?;
        record::read(id, fields)
    }

    async fn load_many(&self, ids: &[JobId]) -> Result<Vec<Stored>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipeline = redis::pipe();
        for id in ids {
            pipeline.add_command(record::read_command(&self.keys, *id));
        }
        let rows: Vec<record::Fields> = self.connection.pipeline(&pipeline).await?;
        let records = ids.iter().zip(rows);
        Ok(records
            .filter_map(|(id, fields)| {
                record::read(*id, fields).unwrap_or_else(|error| {
                    tracing::error!(error = %error, "left a job out");
                    None
                })
            })
            .collect())
    }

    async fn job_of_claim(&self, claim: ClaimId) -> Result<Option<JobId>, StoreError> {
        let mut command = redis::cmd("HGET");
        command.arg(self.keys.claims()).arg(claim.to_string());
        let job: Option<String> = self.connection.command(&command).await?;
        Ok(job.and_then(|job| job.parse().ok()))
    }

    async fn job_of_key(
        &self,
        owner: &Owner,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<JobId>, StoreError> {
        let mut command = redis::cmd("HMGET");
        command
            .arg(self.keys.idempotency(owner, key))
            .arg("job")
            .arg("until");
        let (job, until): (Option<String>, Option<i64>) = self.connection.command(&command).await?;
        let stands = until.is_some_and(|until| until > now.as_millisecond());
        Ok(job.filter(|_| stands).and_then(|job| job.parse().ok()))
    }

    async fn create(
        &self,
        record: &JobRecord,
        terms: &IntakeTerms,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        let change = self.planner().create(record, terms.first_ticket_at, now);
        let created = self
            .scripts
            .create(self.durable().await?, record, &change, terms)
            .await?;
        match created {
            Created::New { version } => self.promised.job(version),
            // The call that made it may have died waiting for a replica.
            Created::Exists | Created::KeyTaken(_) => self.barrier(now).await?,
        }
        Ok(created)
    }

    async fn commit(
        &self,
        before: &Stored,
        after: &JobRecord,
        now: Timestamp,
    ) -> Result<Stored, StoreError> {
        let change = self.planner().commit(&before.record, after, now);
        let must_last = must_last(&before.record, after);
        let writer = if must_last {
            self.durable().await?
        } else {
            self.plain()
        };
        let version = self
            .scripts
            .commit(writer, before, Some(after), &change)
            .await?;
        if must_last {
            self.promised.job(version);
        }
        Ok(Stored {
            record: after.clone(),
            version,
        })
    }

    async fn remove(&self, stored: &Stored, now: Timestamp) -> Result<(), StoreError> {
        let change = self.planner().remove(&stored.record, now);
        let commit = self.scripts.commit(self.plain(), stored, None, &change);
        commit.await.map(drop)
    }

    async fn region_view(&self, region: &RegionId) -> Result<RegionView, StoreError> {
        let view = self
            .scripts
            .region_view(&self.connection, &self.shape, region);
        view.await
    }

    async fn due(&self, what: Due, now: Timestamp, limit: usize) -> Result<Vec<JobId>, StoreError> {
        self.up_to(self.keys.due(what), now, limit).await
    }

    async fn take_tickets(
        &self,
        region: &RegionId,
        now: Timestamp,
        pace: &TicketPace,
    ) -> Result<Vec<JobId>, StoreError> {
        let (connection, shape) = (&self.connection, &self.shape);
        self.scripts
            .take_tickets(connection, shape, region, now, pace)
            .await
    }

    async fn set_aside(
        &self,
        id: JobId,
        place: &Place,
        now: Timestamp,
        again: Timestamp,
    ) -> Result<(), StoreError> {
        let lane = self.planner().lane_of_place(place);
        let (connection, lane) = (&self.connection, lane.as_ref());
        self.scripts
            .set_aside(connection, id, place, lane, now, again)
            .await
    }

    async fn aside(&self, now: Timestamp, limit: usize) -> Result<Vec<JobId>, StoreError> {
        self.up_to(self.keys.aside(), now, limit).await
    }

    async fn put_back(
        &self,
        id: JobId,
        found: Option<&Stored>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let found = found.map(|it| (it, self.planner().put_back(&it.record, now)));
        let found = found.as_ref().map(|(stored, change)| (*stored, change));
        self.scripts.put_back(&self.connection, id, found).await
    }

    async fn page(&self, query: &PageQuery) -> Result<Vec<JobId>, StoreError> {
        self.scripts.page(&self.connection, query).await
    }

    async fn changed_since(
        &self,
        scope: &Scope,
        sequence: u64,
        limit: usize,
    ) -> Result<Vec<(JobId, u64)>, StoreError> {
        let mut command = redis::cmd("ZRANGEBYSCORE");
        command
            .arg(self.keys.changed(scope))
            .arg(format!("({sequence}"))
            .arg("+inf")
            .arg("WITHSCORES")
            .arg("LIMIT")
            .arg(0)
            .arg(limit);
        let changed: Vec<(String, u64)> = self.connection.command(&command).await?;
        let changed = changed.into_iter();
        Ok(changed
            .filter_map(|(id, version)| Some((id.parse().ok()?, version)))
            .collect())
    }

    async fn sequence(&self) -> Result<u64, StoreError> {
        let mut command = redis::cmd("GET");
        command.arg(self.keys.sequence());
        let sequence: Option<u64> = self.connection.command(&command).await?;
        Ok(sequence.unwrap_or(0))
    }

    async fn mark_serving(&self, now: Timestamp, gap: Duration) -> Result<Timestamp, StoreError> {
        self.scripts.mark_serving(&self.connection, now, gap).await
    }

    async fn regions_in_use(&self) -> Result<Vec<RegionId>, StoreError> {
        let mut command = redis::cmd("SMEMBERS");
        command.arg(self.keys.regions());
        let mut regions: Vec<String> = self.connection.command(&command).await?;
        regions.sort();
        let mut used = Vec::new();
        for region in regions.into_iter().map(RegionId::new) {
            let mut command = redis::cmd("SCARD");
            command.arg(self.keys.using(&region));
            if self.connection.command::<u64>(&command).await? > 0 {
                used.push(region);
            }
        }
        Ok(used)
    }

    async fn reseat(&self, region: &RegionId, now: Timestamp) -> Result<(), StoreError> {
        let mut cursor = 0_u64;
        loop {
            let (next, lanes) = self.scan_lanes(region, cursor).await?;
            let lanes: Vec<_> = lanes
                .iter()
                .map(|lane| self.planner().lane_of_region(region, lane, None))
                .collect();
            self.scripts.reseat(&self.connection, &lanes, now).await?;
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        loop {
            let scan = self.scripts.forget_paid(&self.connection, region, cursor);
            cursor = scan.await?;
            if cursor == 0 {
                return Ok(());
            }
        }
    }

    async fn running_between(
        &self,
        pairs: &[(RegionId, RegionId)],
    ) -> Result<Vec<u32>, StoreError> {
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipeline = redis::pipe();
        for (source, destination) in pairs {
            let source = escape(source.as_str());
            pipeline
                .cmd("SCARD")
                .arg(self.keys.running_pair(&source, destination));
        }
        self.connection.pipeline(&pipeline).await
    }

    async fn census(&self, region: &RegionId) -> Result<Census, StoreError> {
        let mut pipeline = redis::pipe();
        pipeline
            .cmd("SCARD")
            .arg(self.keys.running_destination(region))
            .cmd("SCARD")
            .arg(self.keys.leftovers(region));
        let (running, leftovers) = self.connection.pipeline(&pipeline).await?;
        Ok(Census {
            running,
            leftovers,
            waiting: self.count_waiting(region).await?,
            open: self.count_open(region).await?,
        })
    }

    async fn subscribe(&self) -> Result<BoxStream<'static, ChangeNotice>, StoreError> {
        subscription::subscribe(&self.servers, &self.keys.channel()).await
    }

    async fn barrier(&self, now: Timestamp) -> Result<(), StoreError> {
        let writer = self.durable().await?;
        if writer.replicas > 0 {
            self.scripts.barrier(writer, now).await?;
        }
        Ok(())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // A command that a read-only replica refuses, and one without enough replicas too, and that
        // a full memory does not; the key never exists.
        let mut write = redis::cmd("DEL");
        write.arg(self.keys.ping());
        self.connection.command(&write).await
    }
}
