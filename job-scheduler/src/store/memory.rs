//! The store in memory: for tests of the services and as the model of the Redis store.
//!
//! It keeps the same indexes under the same keys and carries out the same changes, under one lock.

mod admin;
mod apply;
mod plans;
mod read;
mod tables;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::{ClaimId, JobId, RegionId};
use futures::StreamExt;
use futures::stream::BoxStream;
use jiff::Timestamp;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use self::tables::Tables;
use super::change::Planner;
use super::keys::{Keys, escape};
use super::lane::Lane;
use super::shape::Shape;
use super::{
    Census, ChangeNotice, Created, Due, IntakeTerms, OpenJobs, PageQuery, Place, Scope, Store,
    StoreError, Stored, TicketPace, open_statuses,
};
use crate::fairness::RegionView;
use crate::job_record::{JobRecord, Owner};

/// How many notices a subscriber may lie behind before its subscription ends.
const NOTICES: usize = 1024;

/// A store in memory. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    keys: Keys,
    shape: Shape,
    state: Arc<Mutex<State>>,
    notices: broadcast::Sender<ChangeNotice>,
}

/// What a store holds at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot(State);

#[derive(Debug, Clone, Default)]
struct State {
    records: HashMap<JobId, Stored>,
    sequence: u64,
    tables: Tables,
    plans: plans::Plans,
    barriers: usize,
}

// === impl MemoryStore ===

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(shape: Shape) -> Self {
        Self {
            keys: Keys::new("memory"),
            shape,
            state: Arc::default(),
            notices: broadcast::channel(NOTICES).0,
        }
    }

    /// The same jobs seen with another configuration.
    #[must_use]
    pub fn with_shape(&self, shape: Shape) -> Self {
        Self {
            shape,
            ..self.clone()
        }
    }

    /// What is in the indexes, as `key member` with the names of [`keys`](super::keys): for tests that nothing stays.
    #[must_use]
    pub fn entries(&self) -> BTreeSet<String> {
        let contents = self.state().tables.contents();
        let named = contents.iter().flat_map(|(key, members)| {
            let members = members.keys();
            members.map(move |member| format!("{key} {member}"))
        });
        named.collect()
    }

    /// Every record and index entry under its key, as text, as Redis holds it: for tests that compare stores.
    #[must_use]
    pub fn contents(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let state = self.state();
        let mut contents = state.tables.contents();
        let hash = |record: serde_json::Result<String>| {
            let text = record.expect("records are plain data");
            BTreeMap::from([("r".to_owned(), text)])
        };
        for (id, stored) in &state.records {
            let text = serde_json::to_string(&stored.record);
            contents.insert(self.keys.job(*id), hash(text));
        }
        for stored in state.plans.all() {
            let text = serde_json::to_string(&stored.record);
            contents.insert(self.keys.plan(stored.record.id), hash(text));
        }
        contents
    }

    /// A store that holds these jobs in all their places and under these versions, with nothing else known: what a model
    /// goes on from. Tenants stand in line as newcomers.
    #[must_use]
    pub fn holding(shape: Shape, jobs: impl IntoIterator<Item = Stored>, now: Timestamp) -> Self {
        let store = Self::new(shape);
        let mut state = store.state();
        for stored in jobs {
            let change = store.planner().put_back(&stored.record, now);
            apply::apply(&mut state.tables, &change);
            state.sequence = state.sequence.max(stored.version);
            state.records.insert(stored.record.id, stored);
        }
        drop(state);
        store
    }

    /// What it holds now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.state().clone())
    }

    /// Forgets everything since the snapshot, as a store does whose replica was behind and takes over. Who subscribed is told
    /// nothing of it.
    pub fn fall_back(&self, to: Snapshot) {
        *self.state() = to.0;
    }

    /// How often an answer waited for what was written before: memory loses nothing, but a model of what does asks.
    #[must_use]
    pub fn barriers(&self) -> usize {
        self.state().barriers
    }

    /// A panic elsewhere is a failed test; the state behind it is whole, for nothing here panics
    /// half-way.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn planner(&self) -> Planner<'_> {
        Planner {
            keys: &self.keys,
            shape: &self.shape,
        }
    }

    /// Nobody listening is no failure.
    fn tell(&self, record: &JobRecord, version: u64) {
        if let Some(owner) = record.owner() {
            let _ = self.notices.send(ChangeNotice {
                job: record.id,
                version,
                owner,
            });
        }
    }
}

impl State {
    fn put(&mut self, record: &JobRecord, changed: &[String]) -> Stored {
        self.sequence += 1;
        let stored = Stored {
            record: record.clone(),
            version: self.sequence,
        };
        self.records.insert(record.id, stored.clone());
        let (member, score) = (record.id.to_string(), score(self.sequence));
        for key in changed {
            self.tables.score(key, &member, score);
        }
        stored
    }
}

/// As `apply.lua` asks.
fn is_what_was_read(current: Option<&Stored>, read: &Stored) -> bool {
    current.is_some_and(|current| {
        current.version == read.version && current.record.updated_at == read.record.updated_at
    })
}

fn score(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

fn millis(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self, id: JobId) -> Result<Option<Stored>, StoreError> {
        Ok(self.state().records.get(&id).cloned())
    }

    async fn load_many(&self, ids: &[JobId]) -> Result<Vec<Stored>, StoreError> {
        let state = self.state();
        let records = ids.iter().filter_map(|id| state.records.get(id));
        Ok(records.cloned().collect())
    }

    async fn job_of_claim(&self, claim: ClaimId) -> Result<Option<JobId>, StoreError> {
        let state = self.state();
        let job = state.tables.field(&self.keys.claims(), &claim.to_string());
        Ok(job.and_then(|job| job.parse().ok()))
    }

    async fn job_of_key(
        &self,
        owner: &Owner,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<JobId>, StoreError> {
        let key = self.keys.idempotency(owner, key);
        Ok(read::job_of_key(&self.state().tables, &key, now))
    }

    async fn create(
        &self,
        record: &JobRecord,
        terms: &IntakeTerms,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        let mut state = self.state();
        if state.records.contains_key(&record.id) {
            return Ok(Created::Exists);
        }
        if terms.not_after.is_some_and(|until| until < now) {
            return Err(StoreError::TooLate);
        }
        if terms
            .wished_by
            .is_some_and(|wish| !state.plans.stands(wish))
        {
            return Err(StoreError::Conflict);
        }
        let owner = record.owner();
        let key = owner.as_ref().zip(record.idempotency.as_ref());
        let key = key.map(|(owner, it)| self.keys.idempotency(owner, &it.key));
        if let Some(job) = key
            .as_ref()
            .and_then(|key| read::job_of_key(&state.tables, key, now))
        {
            return Ok(Created::KeyTaken(job));
        }
        let open = owner.map(|owner| state.tables.size(&self.keys.open(&owner)));
        if open
            .zip(terms.queued_per_tenant)
            .is_some_and(|(open, limit)| open >= limit)
        {
            return Err(StoreError::LimitReached);
        }
        let change = self.planner().create(record, terms.first_ticket_at, now);
        let stored = state.put(record, &change.changed);
        if let Some(key) = key {
            let until = now
                .as_millisecond()
                .saturating_add(millis(terms.idempotency_window));
            state.tables.set_field(&key, "job", &record.id.to_string());
            state.tables.set_field(&key, "until", &until.to_string());
        }
        apply::apply(&mut state.tables, &change);
        self.tell(record, stored.version);
        Ok(Created::New {
            version: stored.version,
        })
    }

    async fn commit(
        &self,
        before: &Stored,
        after: &JobRecord,
        now: Timestamp,
    ) -> Result<Stored, StoreError> {
        let mut state = self.state();
        let current = state.records.get(&after.id);
        if !is_what_was_read(current, before) {
            return Err(StoreError::Conflict);
        }
        let change = self.planner().commit(&before.record, after, now);
        if let Some(refusal) = apply::refusal(&state.tables, &change, &after.id.to_string()) {
            return Err(refusal);
        }
        let stored = state.put(after, &change.changed);
        apply::apply(&mut state.tables, &change);
        self.tell(after, stored.version);
        Ok(stored)
    }

    async fn remove(&self, stored: &Stored, now: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state();
        let id = stored.record.id;
        let current = state.records.get(&id);
        if !is_what_was_read(current, stored) {
            return Err(StoreError::Conflict);
        }
        let change = self.planner().remove(&stored.record, now);
        state.records.remove(&id);
        state.sequence += 1;
        for key in &change.changed {
            state.tables.unscore(key, &id.to_string());
        }
        apply::apply(&mut state.tables, &change);
        let version = state.sequence;
        self.tell(&stored.record, version);
        Ok(())
    }

    async fn region_view(&self, region: &RegionId) -> Result<RegionView, StoreError> {
        let state = self.state();
        Ok(read::region_view(
            &state.tables,
            &self.keys,
            &self.shape,
            region,
        ))
    }

    async fn due(&self, what: Due, now: Timestamp, limit: usize) -> Result<Vec<JobId>, StoreError> {
        let tables = &self.state().tables;
        Ok(read::up_to(tables, &self.keys.due(what), now, limit))
    }

    async fn take_tickets(
        &self,
        region: &RegionId,
        now: Timestamp,
        pace: &TicketPace,
    ) -> Result<Vec<JobId>, StoreError> {
        let tables = &mut self.state().tables;
        Ok(read::take_tickets(
            tables,
            &self.keys,
            &self.shape,
            region,
            now,
            pace,
        ))
    }

    async fn set_aside(
        &self,
        id: JobId,
        place: &Place,
        now: Timestamp,
        again: Timestamp,
    ) -> Result<(), StoreError> {
        let lane = self.planner().lane_of_place(place);
        let (place, aside, id) = (self.keys.place(place), self.keys.aside(), id.to_string());
        let tables = &mut self.state().tables;
        tables.unscore(&place, &id);
        tables.score(&aside, &id, again.as_millisecond());
        if let Some(lane) = lane {
            apply::seat(tables, &lane, now.as_millisecond());
        }
        Ok(())
    }

    async fn aside(&self, now: Timestamp, limit: usize) -> Result<Vec<JobId>, StoreError> {
        Ok(read::up_to(
            &self.state().tables,
            &self.keys.aside(),
            now,
            limit,
        ))
    }

    async fn put_back(
        &self,
        id: JobId,
        found: Option<&Stored>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        let current = state.records.get(&id);
        if found.map_or(current.is_none(), |read| is_what_was_read(current, read)) {
            if let Some(stored) = found {
                let change = self.planner().put_back(&stored.record, now);
                apply::apply(&mut state.tables, &change);
            }
            state.tables.unscore(&self.keys.aside(), &id.to_string());
        }
        Ok(())
    }

    async fn page(&self, query: &PageQuery) -> Result<Vec<JobId>, StoreError> {
        Ok(read::page(&self.state().tables, &self.keys, query))
    }

    async fn changed_since(
        &self,
        scope: &Scope,
        sequence: u64,
        limit: usize,
    ) -> Result<Vec<(JobId, u64)>, StoreError> {
        let state = self.state();
        let ranked = state.tables.ranked(&self.keys.changed(scope));
        let newer = ranked.filter(|(version, _)| *version > score(sequence));
        Ok(newer
            .take(limit)
            .filter_map(|(version, id)| Some((id.parse().ok()?, version.unsigned_abs())))
            .collect())
    }

    async fn sequence(&self) -> Result<u64, StoreError> {
        Ok(self.state().sequence)
    }

    async fn mark_serving(&self, now: Timestamp, gap: Duration) -> Result<Timestamp, StoreError> {
        let tables = &mut self.state().tables;
        Ok(read::mark_serving(tables, &self.keys.serving(), now, gap))
    }

    async fn regions_in_use(&self) -> Result<Vec<RegionId>, StoreError> {
        let state = self.state();
        let regions = state.tables.members(&self.keys.regions()).into_iter();
        let used = regions
            .map(RegionId::new)
            .filter(|region| state.tables.size(&self.keys.using(region)) > 0);
        Ok(used.collect())
    }

    async fn reseat(&self, region: &RegionId, now: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state();
        for name in state.tables.members(&self.keys.lanes(region)) {
            if let Some(lane) = Lane::parse(&name) {
                let lane = self.planner().lane_of_region(region, &lane, None);
                apply::seat(&mut state.tables, &lane, now.as_millisecond());
            }
        }
        apply::forget_paid(&mut state.tables, &self.keys.virtual_times(region));
        Ok(())
    }

    async fn running_between(
        &self,
        pairs: &[(RegionId, RegionId)],
    ) -> Result<Vec<u32>, StoreError> {
        let state = self.state();
        let running = pairs.iter().map(|(source, destination)| {
            let source = escape(source.as_str());
            let running = self.keys.running_pair(&source, destination);
            u32::try_from(state.tables.size(&running)).unwrap_or(u32::MAX)
        });
        Ok(running.collect())
    }

    async fn census(&self, region: &RegionId) -> Result<Census, StoreError> {
        let state = self.state();
        let lanes = state.tables.members(&self.keys.lanes(region));
        let lanes = lanes.iter().filter_map(|name| Lane::parse(name));
        let waiting = lanes.map(|lane| state.tables.count(&self.keys.eligible(region, &lane)));
        let sources = self.shape.regions.iter();
        let ways = sources.flat_map(|source| open_statuses().map(move |status| (source, status)));
        let open = ways.map(|(source, status)| {
            let key = self.keys.pair(source, region, status);
            let oldest = state.tables.ranked(&key).next().map(|(at, _)| *at);
            OpenJobs {
                source: source.clone(),
                status,
                count: state.tables.count(&key),
                oldest: oldest.and_then(|at| Timestamp::from_millisecond(at).ok()),
            }
        });
        Ok(Census {
            running: state.tables.size(&self.keys.running_destination(region)),
            leftovers: state.tables.size(&self.keys.leftovers(region)),
            waiting: waiting.sum(),
            open: open.collect(),
        })
    }

    async fn subscribe(&self) -> Result<BoxStream<'static, ChangeNotice>, StoreError> {
        let notices = BroadcastStream::new(self.notices.subscribe());
        // Who lags has missed something: the stream ends, as a lost connection's does.
        Ok(notices
            .take_while(|notice| std::future::ready(notice.is_ok()))
            .filter_map(|notice| std::future::ready(notice.ok()))
            .boxed())
    }

    async fn barrier(&self, _now: Timestamp) -> Result<(), StoreError> {
        self.state().barriers += 1;
        Ok(())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
