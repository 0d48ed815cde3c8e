//! The product under the model: its own services, reconciler, decisions and store, called for real.
//!
//! A state of the model names what the store holds by a number. Each call is made on a fresh [`MemoryStore`] that
//! holds just that, and completes at once; what the store holds afterwards gets a number again. The product is a function
//! of the store, the call and the time (its random numbers are replaced by small ones afterwards), so a call
//! that was made before in the same circumstances is answered from memory.
//!
//! Time is abstract: everything that may become due lies in the far future, until the model says that it is due now.

use std::collections::HashMap;
use std::sync::Arc;

use domain::{Finish, FinishVerdict, JobId, JobStatus, LeaseToken, UnitKind};
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use job_scheduler::acceptance::Acceptance;
use job_scheduler::job_record::JobRecord;
use job_scheduler::job_service::JobApi;
use job_scheduler::jobs::{Decision, Jobs};
use job_scheduler::metrics::Metrics;
use job_scheduler::pair_count::PairCount;
use job_scheduler::settings::Settings;
use job_scheduler::status::CallError;
use job_scheduler::store::lasting::must_last;
use job_scheduler::store::memory::MemoryStore;
use job_scheduler::store::{Store, StoreError, Stored};
use job_scheduler::watch::ChangeFeed;
use job_scheduler::work_service::Work;
use job_scheduler::{lifecycle, reconciler};
use prometheus_client::registry::Registry;
use proto::v1;
use proto::v1::job_service_server::JobService;
use proto::v1::work_service_server::WorkService;
use service_kit::ManualClock;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Request;
use uuid::Uuid;

use crate::calls::{Answer, Call, DueNow, Granted, When};
use crate::flaw::Flaw;
use crate::sample::{self, REGION, far, start};
use crate::tidy;
use crate::view::{JobView, images_of, number_of};

/// What a store holds, by number.
pub(crate) type StoreId = u32;

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Called {
    pub(crate) store: StoreId,
    pub(crate) answer: Answer,
    /// Whether the answer waits until a replica has what was written.
    pub(crate) lasts: bool,
}

/// The scheduler, whichever replica of it.
pub(crate) struct Scheduler {
    flaw: Flaw,
    settings: Arc<Settings>,
    metrics: Arc<Metrics>,
    jobs: Vec<JobId>,
    contents: Vec<Vec<Option<Stored>>>,
    views: Vec<Vec<Option<JobView>>>,
    numbers: HashMap<String, StoreId>,
    called: HashMap<(StoreId, Call, When), Called>,
    tidied: HashMap<(StoreId, tidy::Live), StoreId>,
}

impl Scheduler {
    pub(crate) fn new(settings: Settings, jobs: usize, flaw: Flaw) -> Self {
        Self {
            flaw,
            settings: Arc::new(settings),
            metrics: Arc::new(Metrics::register(&mut Registry::default())),
            jobs: (1..=jobs as u128)
                .map(|number| JobId::from_uuid(Uuid::from_u128(number)))
                .collect(),
            contents: Vec::new(),
            views: Vec::new(),
            numbers: HashMap::new(),
            called: HashMap::new(),
            tidied: HashMap::new(),
        }
    }

    /// A store without any job.
    pub(crate) fn empty(&mut self) -> StoreId {
        self.number(vec![None; self.jobs.len()])
    }

    /// What a store says of a job.
    pub(crate) fn view(&self, store: StoreId, job: u8) -> Option<&JobView> {
        self.views[store as usize][usize::from(job)].as_ref()
    }

    pub(crate) fn version(&self, store: StoreId, job: u8) -> u64 {
        let stored = self.contents[store as usize][usize::from(job)].as_ref();
        stored.map_or(0, |stored| stored.version)
    }

    /// How many different calls were really made.
    pub(crate) fn calls(&self) -> usize {
        self.called.len()
    }

    /// Makes a call.
    pub(crate) fn call(&mut self, store: StoreId, call: Call, when: When) -> Called {
        if let Some(known) = self.called.get(&(store, call, when)) {
            return known.clone();
        }
        let before = self.contents[store as usize].clone();
        let memory = self.memory(before.iter().flatten().cloned(), call, when);
        let answer = self.make(&memory, call, when);
        let after = self.read(&memory, call);
        let waited = memory.barriers() > 0;
        let forgets = self.flaw == Flaw::ForgetCancel && matches!(call, Call::Cancel { .. });
        let lasts = !forgets
            && (waited
                || before
                    .iter()
                    .zip(&after)
                    .any(|(before, after)| match (before, after) {
                        (Some(before), Some(after)) => must_last(&before.record, &after.record),
                        (before, after) => before.is_some() != after.is_some(),
                    }));
        let called = Called {
            store: self.number(after),
            answer,
            lasts,
        };
        self.called.insert((store, call, when), called.clone());
        called
    }

    /// A call of a scheduler that froze after it had read and decided, on `read`, and commits now. Nobody hears the
    /// answer. Where somebody was faster, the product's own loop decides anew.
    pub(crate) fn call_late(
        &mut self,
        read: StoreId,
        call: Call,
        store: StoreId,
        when: When,
    ) -> Called {
        let decided = self.call(read, call, when);
        let (read, after) = (
            &self.contents[read as usize],
            &self.contents[decided.store as usize],
        );
        let changed = read.iter().zip(after).find(|(read, after)| read != after);
        let Some((Some(before), Some(after))) = changed else {
            return self.call(store, call, when);
        };
        let (before, after) = (before.clone(), after.record.clone());
        let memory = self.memory(
            self.contents[store as usize].iter().flatten().cloned(),
            call,
            when,
        );
        let now = self.now(when);
        let commit = memory.commit(&before, &after, now).now_or_never();
        match commit.expect("memory answers at once") {
            Ok(_) => {
                let held = self.contents[store as usize].clone();
                let after = self.read(&memory, call);
                let lasts = held.iter().zip(&after).any(|pair| match pair {
                    (Some(before), Some(after)) => must_last(&before.record, &after.record),
                    _ => false,
                });
                Called {
                    store: self.number(after),
                    answer: Answer::None,
                    lasts,
                }
            }
            Err(StoreError::Conflict | StoreError::LimitReached | StoreError::ClaimTaken) => {
                self.call(store, call, when)
            }
            Err(error) => panic!("memory refused a commit: {error}"),
        }
    }

    /// The same store without what nobody can refer to any more.
    pub(crate) fn tidy(&mut self, store: StoreId, live: &tidy::Live) -> StoreId {
        if let Some(known) = self.tidied.get(&(store, live.clone())) {
            return *known;
        }
        let mut contents = self.contents[store as usize].clone();
        for (job, stored) in contents.iter_mut().enumerate() {
            if let Some(stored) = stored {
                live.tidy(job, stored);
            }
        }
        let tidied = self.number(contents);
        self.tidied.insert((store, live.clone()), tidied);
        tidied
    }

    fn number(&mut self, contents: Vec<Option<Stored>>) -> StoreId {
        let text: Vec<_> = contents
            .iter()
            .map(|stored| {
                stored
                    .as_ref()
                    .map(|stored| (&stored.record, stored.version))
            })
            .collect();
        let text = serde_json::to_string(&text).expect("plain data");
        if let Some(known) = self.numbers.get(&text) {
            return *known;
        }
        let number = StoreId::try_from(self.contents.len()).expect("few stores");
        let view =
            |stored: &Option<Stored>| stored.as_ref().map(|stored| JobView::of(&stored.record));
        self.views.push(contents.iter().map(view).collect());
        self.contents.push(contents);
        self.numbers.insert(text, number);
        number
    }

    /// A store that holds the jobs, with schedulers that have been serving as `when` says, and with what is to be due
    /// due.
    fn memory(&self, jobs: impl Iterator<Item = Stored>, call: Call, when: When) -> MemoryStore {
        let jobs = jobs.map(|mut stored| {
            if let Call::Due { job, what } = call
                && stored.record.id == self.jobs[usize::from(job)]
            {
                make_due(&mut stored.record, what, self.now(when));
            }
            stored
        });
        let memory = MemoryStore::holding(self.settings.shape.clone(), jobs, self.now(when));
        let flawed = self.flaw == Flaw::ExpireAfterOutage;
        for mark in signs_of_life(self.now(when), when.just_back && !flawed, &self.settings) {
            let marked = memory
                .mark_serving(mark, self.settings.serving_gap)
                .now_or_never();
            marked
                .expect("memory answers at once")
                .expect("memory takes marks");
        }
        memory
    }

    /// The time of a call. Redis needs a while to fall back, so the time is another afterwards.
    fn now(&self, when: When) -> Timestamp {
        let hours = match self.flaw {
            Flaw::TrustVersions => 0,
            _ => i64::from(when.fallen_back),
        };
        start() + SignedDuration::from_hours(hours)
    }

    fn services(&self, memory: &MemoryStore, when: When) -> (Jobs, JobApi, Work) {
        let jobs = Jobs {
            store: Arc::new(memory.clone()),
            clock: Arc::new(ManualClock::at(self.now(when))),
            settings: self.settings.clone(),
            metrics: self.metrics.clone(),
            nudge: Arc::default(),
            plan_nudge: Arc::default(),
            pair_count: PairCount::default(),
        };
        let (feed, shutdown) = (ChangeFeed::default(), CancellationToken::new());
        let api = JobApi {
            jobs: jobs.clone(),
            feed: feed.clone(),
            shutdown: shutdown.clone(),
            acceptance: Acceptance::default(),
        };
        let work = Work {
            jobs: jobs.clone(),
            feed,
            shutdown,
            tasks: TaskTracker::new(),
        };
        (jobs, api, work)
    }

    fn make(&self, memory: &MemoryStore, call: Call, when: When) -> Answer {
        let (jobs, api, work) = self.services(memory, when);
        match call {
            Call::Create { job } => {
                let request = v1::CreateJobRequest {
                    job_id: self.jobs[usize::from(job)].to_string(),
                    spec: Some((&sample::spec()).into()),
                    idempotency: None,
                    not_after_ms: None,
                };
                let created = api.create_job(Request::new(request)).now_or_never();
                created
                    .expect("memory answers at once")
                    .expect("within the limits");
                Answer::Done
            }
            Call::Cancel { job } => {
                let request = v1::CancelJobRequest {
                    viewer: Some(sample::viewer()),
                    job_id: self.jobs[usize::from(job)].to_string(),
                };
                let canceled = api.cancel_job(Request::new(request)).now_or_never();
                match canceled.expect("memory answers at once") {
                    Ok(_) => Answer::Done,
                    Err(_) => Answer::Refused,
                }
            }
            Call::Claim { claim, hint, token } => {
                let request = v1::ClaimRequest {
                    region_id: REGION.to_owned(),
                    claim_id: small(claim).to_string(),
                    hinted_job_id: hint.map(|job| self.jobs[usize::from(job)].to_string()),
                    worker_id: "worker".to_owned(),
                };
                let granted = work.claim(Request::new(request)).now_or_never();
                let granted = granted.expect("memory answers at once").expect("an answer");
                let Some(grant) = granted.into_inner().grant else {
                    return Answer::Granted(None);
                };
                let grant = domain::Grant::try_from(grant).expect("a sound grant");
                Answer::Granted(Some(self.granted(&grant, token)))
            }
            Call::Report { job, token, .. } => {
                let report =
                    call.report(self.jobs[usize::from(job)], self.token(memory, job, token));
                // As the progress stream does it.
                let decided = jobs.decide::<_, CallError>(report.job_id, |record, now| {
                    let (record, answer) = lifecycle::report(record, &report, now, jobs.rules());
                    Ok(Decision { record, answer })
                });
                let decided = decided.now_or_never().expect("memory answers at once");
                let directive = decided.expect("no conflict").map(|decided| decided.answer);
                Answer::Directive(directive.unwrap_or(domain::Directive::Stop))
            }
            Call::Finish { job, token, .. } => {
                let finish: Finish =
                    call.finish(self.jobs[usize::from(job)], self.token(memory, job, token));
                let request = v1::FinishRequest::from(&finish);
                let verdict = WorkService::finish(&work, Request::new(request)).now_or_never();
                let verdict = verdict.expect("memory answers at once").expect("an answer");
                let verdict = verdict.into_inner().verdict();
                Answer::Verdict(FinishVerdict::try_from(verdict).expect("a verdict"))
            }
            Call::Due { .. } => {
                let ticked = reconciler::tick(&jobs).now_or_never();
                ticked.expect("memory answers at once").expect("no failure");
                Answer::None
            }
        }
    }

    /// The token of a call; a scheduler that forgets to check it takes each for the current one.
    fn token(&self, memory: &MemoryStore, job: u8, token: u8) -> LeaseToken {
        let stored = memory.load(self.jobs[usize::from(job)]).now_or_never();
        let stored = stored.expect("memory answers at once").expect("readable");
        let current = stored.and_then(|stored| Some(stored.record.lease?.token));
        match self.flaw {
            Flaw::NoTokenCheck => current.unwrap_or(LeaseToken::from_uuid(small(token))),
            _ => LeaseToken::from_uuid(small(token)),
        }
    }

    fn granted(&self, grant: &domain::Grant, token: u8) -> Granted {
        let job = self
            .jobs
            .iter()
            .position(|id| *id == grant.job_id)
            .expect("one of the jobs");
        let leftovers = match self.flaw {
            Flaw::ForgetLeftovers => 0,
            _ => images_of(grant.job_id, &grant.leftovers),
        };
        Granted {
            job: u8::try_from(job).expect("few jobs"),
            kind: grant.unit.kind(),
            attempt: u8::try_from(grant.attempt).expect("few attempts"),
            token: number_of(*grant.lease_token.as_uuid()).unwrap_or(token),
            leftovers,
            cancel: grant.cancel_requested,
        }
    }

    /// What the store holds after a call, with times and random numbers as small as they can be.
    fn read(&self, memory: &MemoryStore, call: Call) -> Vec<Option<Stored>> {
        let read = |id: &JobId| {
            let stored = memory
                .load(*id)
                .now_or_never()
                .expect("memory answers at once");
            let mut stored = stored.expect("readable")?;
            normalise(&mut stored.record, call);
            if self.flaw == Flaw::ForgetLeftovers && matches!(call, Call::Claim { .. }) {
                forget_leftovers(&mut stored.record);
            }
            Some(stored)
        };
        self.jobs.iter().map(read).collect()
    }
}

pub(crate) fn small(number: u8) -> Uuid {
    Uuid::from_u128(u128::from(number))
}

fn make_due(record: &mut JobRecord, what: DueNow, now: Timestamp) {
    match what {
        DueNow::Lease => record
            .lease
            .iter_mut()
            .for_each(|lease| lease.expires_at = now),
        DueNow::Backoff => record.waiting_until = record.waiting_until.map(|_| now),
        DueNow::Deadline => record
            .deadline
            .iter_mut()
            .for_each(|deadline| deadline.at = now),
    }
}

/// Times carry no more than whether they are there, words for people nothing, and counters only what they are compared
/// with.
fn normalise(record: &mut JobRecord, call: Call) {
    record.created_at = start();
    record.started_at = record.started_at.map(|_| start());
    record.finished_at = record.finished_at.map(|_| start());
    record.waiting_until = record.waiting_until.map(|_| far());
    record
        .deadline
        .iter_mut()
        .for_each(|deadline| deadline.at = far());
    record.bytes_copied = 0;
    // It sets how long a backoff is, and backoffs end when the model says so.
    record.clean_up_failures = 0;
    if let Some(error) = &mut record.error {
        error.message = String::new();
    }
    if record.status.is_final() {
        record.failures = 0;
        record.lost_leases = 0;
        record.mismatches = 0;
    }
    if let Some(lease) = &mut record.lease {
        lease.expires_at = far();
        lease.stage = None;
        if let Call::Claim { token, .. } = call
            && number_of(*lease.token.as_uuid()).is_none()
        {
            lease.token = LeaseToken::from_uuid(small(token));
        }
    }
}

fn forget_leftovers(record: &mut JobRecord) {
    let is_copy = record
        .lease
        .as_ref()
        .is_some_and(|lease| lease.kind == UnitKind::Copy);
    if is_copy && record.status == JobStatus::Replicating {
        record.leftovers = vec![record.attempt_image()];
    }
}

/// When schedulers have said lately that they are serving. After an outage the first sign since then is that of the call
/// itself.
fn signs_of_life(now: Timestamp, just_back: bool, settings: &Settings) -> Vec<Timestamp> {
    let short = |length| SignedDuration::try_from(length).expect("short");
    let mut mark = now - short(settings.rules.lease_length) * 3;
    let mut marks = vec![mark];
    while !just_back && mark < now {
        mark = (mark + short(settings.serving_gap)).min(now);
        marks.push(mark);
    }
    marks
}
