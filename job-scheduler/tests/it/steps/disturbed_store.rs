//! A store, in memory or in Redis, of which one chosen call goes wrong: it fails before or after its effect, is made
//! twice, or the scheduler that made it crashes there. A real Redis does not fail at the call that is to fail, so this
//! stands between it and the scheduler.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::{ClaimId, ImageId, JobId, PlanId, RegionId};
use futures::stream::BoxStream;
use jiff::Timestamp;
use job_scheduler::fairness::RegionView;
use job_scheduler::job_record::{JobRecord, Owner};
use job_scheduler::plan_record::PlanRecord;
use job_scheduler::store::admin::{AdminStore, Drain};
use job_scheduler::store::lane::Lane;
use job_scheduler::store::plans::{
    CreatedPlan, Holder, PlanQuery, PlanStore, PlanTerms, StoredPlan,
};
use job_scheduler::store::{
    Census, ChangeNotice, Created, Due, IntakeTerms, PageQuery, Place, Scope, Store, StoreError,
    Stored, TicketPace,
};
use tokio_util::sync::CancellationToken;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disturbance {
    FailsBefore,
    FailsAfter,
    CrashBefore,
    CrashAfter,
    Twice,
}

impl Disturbance {
    /// Everything that can happen to a call. One that only reads has no effect that it could fail after.
    pub(crate) fn of(call: &str) -> &'static [Self] {
        const ALL: [Disturbance; 5] = [
            Disturbance::FailsBefore,
            Disturbance::CrashBefore,
            Disturbance::FailsAfter,
            Disturbance::CrashAfter,
            Disturbance::Twice,
        ];
        let is_read = CALLS.contains(&(call, "reads"));
        if is_read { &ALL[..2] } else { &ALL }
    }
}

/// The store, and the note of what is called.
pub(crate) struct DisturbedStore {
    inner: Arc<dyn Store>,
    notes: Mutex<Notes>,
    /// Set when a call has come at which its scheduler crashes.
    pub(crate) crashed: CancellationToken,
}

#[derive(Default)]
struct Notes {
    calls: Vec<&'static str>,
    at: Option<(usize, Disturbance)>,
}

impl DisturbedStore {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            notes: Mutex::default(),
            crashed: CancellationToken::new(),
        }
    }

    /// Has a call go wrong: the one that comes after so many more.
    pub(crate) fn disturb(&self, calls: usize, disturbance: Disturbance) {
        let mut notes = self.notes();
        notes.at = Some((notes.calls.len() + calls, disturbance));
    }

    /// Whether the call that was to go wrong has come.
    pub(crate) fn is_disturbed(&self) -> bool {
        self.notes().at.is_none()
    }

    /// Every call so far, in order.
    pub(crate) fn calls(&self) -> Vec<&'static str> {
        self.notes().calls.clone()
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, call: &'static str) -> Option<Disturbance> {
        let mut notes = self.notes();
        let number = notes.calls.len();
        notes.calls.push(call);
        let (_, disturbance) = notes.at.take_if(|(at, _)| *at == number)?;
        Some(disturbance)
    }

    /// The scheduler goes no further.
    async fn crash<T>(&self) -> T {
        self.crashed.cancel();
        std::future::pending().await
    }
}

fn lost() -> StoreError {
    StoreError::Unavailable("disturbed".to_owned())
}

/// The calls of both traits, each of which can go wrong, and their names with what they do.
macro_rules! disturbed {
    ($(
        $trait:ident {
            $($does:ident $call:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*
        }
    )*) => {
        /// Every call, and whether it reads or writes.
        pub(crate) const CALLS: &[(&str, &str)] = &[
            $($((stringify!($call), stringify!($does)),)*)*
        ];

        $(
        #[async_trait]
        impl $trait for DisturbedStore {
            $(
                async fn $call(&self, $($argument: $type),*) -> Result<$answer, StoreError> {
                    let disturbance = self.begin(stringify!($call));
                    match disturbance {
                        Some(Disturbance::FailsBefore) => return Err(lost()),
                        Some(Disturbance::CrashBefore) => return self.crash().await,
                        _ => {}
                    }
                    let answer = self.inner.$call($($argument),*).await;
                    match disturbance {
                        Some(Disturbance::FailsAfter) => Err(lost()),
                        Some(Disturbance::CrashAfter) => self.crash().await,
                        Some(Disturbance::Twice) => self.inner.$call($($argument),*).await,
                        _ => answer,
                    }
                }
            )*
        }
        )*
    };
}

disturbed! {
    Store {
        reads load(id: JobId) -> Option<Stored>;
        reads load_many(ids: &[JobId]) -> Vec<Stored>;
        reads job_of_claim(claim: ClaimId) -> Option<JobId>;
        reads job_of_key(owner: &Owner, key: &str, now: Timestamp) -> Option<JobId>;
        writes create(record: &JobRecord, terms: &IntakeTerms, now: Timestamp) -> Created;
        writes commit(before: &Stored, after: &JobRecord, now: Timestamp) -> Stored;
        writes remove(stored: &Stored, now: Timestamp) -> ();
        reads region_view(region: &RegionId) -> RegionView;
        reads due(what: Due, now: Timestamp, limit: usize) -> Vec<JobId>;
        writes take_tickets(region: &RegionId, now: Timestamp, pace: &TicketPace) -> Vec<JobId>;
        writes set_aside(id: JobId, place: &Place, now: Timestamp, again: Timestamp) -> ();
        reads aside(now: Timestamp, limit: usize) -> Vec<JobId>;
        writes put_back(id: JobId, found: Option<&Stored>, now: Timestamp) -> ();
        reads page(query: &PageQuery) -> Vec<JobId>;
        reads changed_since(scope: &Scope, sequence: u64, limit: usize) -> Vec<(JobId, u64)>;
        reads sequence() -> u64;
        writes mark_serving(now: Timestamp, gap: Duration) -> Timestamp;
        reads regions_in_use() -> Vec<RegionId>;
        writes reseat(region: &RegionId, now: Timestamp) -> ();
        reads running_between(pairs: &[(RegionId, RegionId)]) -> Vec<u32>;
        reads census(region: &RegionId) -> Census;
        reads subscribe() -> BoxStream<'static, ChangeNotice>;
        writes barrier(now: Timestamp) -> ();
        reads ping() -> ();
    }
    PlanStore {
        reads load_plan(id: PlanId) -> Option<StoredPlan>;
        reads load_plans(ids: &[PlanId]) -> Vec<StoredPlan>;
        writes create_plan(record: &PlanRecord, terms: &PlanTerms, now: Timestamp) -> CreatedPlan;
        writes commit_plan(before: &StoredPlan, after: &PlanRecord) -> StoredPlan;
        writes remove_plan(stored: &StoredPlan) -> ();
        reads plans_due(now: Timestamp, limit: usize) -> Vec<PlanId>;
        writes postpone_plan(id: PlanId, until: Timestamp) -> ();
        reads plan_page(query: &PlanQuery) -> Vec<PlanId>;
        reads holders(image: ImageId) -> Vec<Holder>;
        reads count_plans() -> usize;
    }
    AdminStore {
        reads drains() -> Vec<(RegionId, Drain)>;
        writes drain(region: &RegionId, drain: &Drain) -> Option<Drain>;
        writes undrain(region: &RegionId) -> Option<Drain>;
        reads waiting(region: &RegionId) -> Vec<(Lane, usize)>;
        reads with_leftovers(region: &RegionId, limit: usize) -> Vec<JobId>;
        reads open_jobs(owner: &Owner) -> usize;
    }
}
