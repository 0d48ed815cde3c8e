//! One property for both stores: the same operations give the same answers, and every index reads
//! the same after each of them.

mod op;
mod words;

use std::time::Duration;

use domain::{ClaimId, CopySpec, JobId, JobStatus, LeaseToken, TenantId, WorkerId};
use job_scheduler::job_record::{Idempotency, JobRecord, Owner};
use job_scheduler::lifecycle::{self, Jitter};
use job_scheduler::store::admin::{AdminStore as _, Drain};
use job_scheduler::store::memory::MemoryStore;
use job_scheduler::store::placement::eligible_lane;
use job_scheduler::store::redis::RedisStore;
use job_scheduler::store::{
    Due, IntakeTerms, PageQuery, Place, Scope, Store, StoreError, Stored, TicketPace,
};
use job_scheduler::task::Task;
use uuid::Uuid;

use self::op::{JOBS, Op, op};
use self::words::{finish, report};
use crate::both_stores::{answer_alike, both, empty};
use crate::redis_server::RedisServer;
use crate::sample::{at, job_id, planned, region, remove, resolve, rules, spec};

#[test]
fn redis_and_memory_answer_alike() {
    answer_alike(op(), 80, async |server, prefix, ops| {
        run(server, prefix, ops).await;
    });
}

/// What chance may not hit: no grant in a drained region, and all else as ever.
#[tokio::test]
async fn a_drained_region_grants_nothing_in_either_store() {
    let server = RedisServer::start().await;
    let create = |job| Op::Create {
        job,
        tenant: job,
        backwards: false,
        key: None,
    };
    let drain = |on| Op::Drain {
        backwards: false,
        on,
    };
    let grant = |job| Op::Grant { job, claim: job };
    let ops = [create(0), create(1), grant(0), drain(true), grant(1)];
    let mut pair = run(&server, "drained", &ops).await;
    let lease = async |pair: &Pair, job| pair.load(job).await.expect("exists").record.lease;
    assert!(lease(&pair, 0).await.is_some());
    assert!(lease(&pair, 1).await.is_none());
    pair.run(&Op::Report {
        job: 0,
        bytes: 5,
        canceling: false,
        settle: false,
    })
    .await;
    assert_eq!(pair.load(0).await.expect("exists").record.bytes_copied, 5);
    pair.run(&drain(false)).await;
    pair.run(&grant(1)).await;
    assert!(lease(&pair, 1).await.is_some());
}

/// Chance seldom fills a region while others wait: whose message is due when a slot gets free?
#[tokio::test]
async fn a_freed_slot_wakes_alike() {
    let server = RedisServer::start().await;
    let create = |job| Op::Create {
        job,
        tenant: job,
        backwards: false,
        key: None,
    };
    let grant = |job| Op::Grant { job, claim: job };
    let tickets = || Op::Tickets {
        backwards: false,
        most: 5,
    };
    let mut ops = vec![create(0), create(1), create(2), grant(0), grant(1)];
    ops.extend([Op::Advance { seconds: 5 }, tickets()]);
    ops.push(Op::Finish {
        job: 0,
        outcome: 0,
        settle: true,
    });
    let pair = run(&server, "slot", &ops).await;
    let pace = pace(5);
    let woken = both!(pair, take_tickets(&region("ot2"), at(pair.now), &pace));
    assert_eq!(woken.expect("answers"), [job_id(2)]);
}

async fn run(server: &RedisServer, prefix: &str, ops: &[Op]) -> Pair {
    let (memory, redis) = empty(server, prefix);
    let mut pair = Pair {
        memory,
        redis,
        now: 0,
        rolls: 0,
    };
    for op in ops {
        pair.run(op).await;
        pair.compare().await;
    }
    pair
}

fn pace(most: u8) -> TicketPace {
    TicketPace {
        announced: Duration::from_secs(2),
        first: Duration::from_secs(30),
        longest: Duration::from_secs(600),
        stretch: 1.25,
        most: usize::from(most),
    }
}

struct Pair {
    memory: MemoryStore,
    redis: RedisStore,
    now: i64,
    /// Tokens are made by counting, so that both stores get the same.
    rolls: u128,
}

impl Pair {
    async fn run(&mut self, op: &Op) {
        let now = at(self.now);
        match op {
            Op::Create {
                job,
                tenant,
                backwards,
                key,
            } => {
                self.create(*job, *tenant, *backwards, *key).await;
            }
            Op::CreateForPlan {
                job,
                tenant,
                backwards,
                kind,
            } => {
                self.create_for_plan(*job, *tenant, *backwards, *kind).await;
            }
            Op::TellPlan { job } => self.change(*job, lifecycle::plan_told).await,
            Op::Grant { job, claim } => {
                self.rolls += 1;
                let token = LeaseToken::from_uuid(Uuid::from_u128(1_000 + self.rolls));
                let claim = ClaimId::from_uuid(Uuid::from_u128(u128::from(*claim)));
                self.change(*job, |record| {
                    lifecycle::grant(record, token, claim, WorkerId::new("w"), now, &rules()).ok()
                })
                .await;
            }
            Op::Report {
                job,
                bytes,
                canceling,
                settle,
            } => {
                self.change(*job, |record| {
                    let report = report(record, *bytes, *canceling, *settle)?;
                    lifecycle::report(record, &report, now, &rules()).0
                })
                .await;
            }
            Op::Finish {
                job,
                outcome,
                settle,
            } => {
                self.change(*job, |record| {
                    let word = finish(record, *outcome, *settle)?;
                    let ended = lifecycle::finish(record, &word, now, Jitter(0.5), &rules());
                    ended.expect("legal").0
                })
                .await;
            }
            Op::Cancel { job } => {
                self.change(*job, |record| lifecycle::cancel(record, now, &rules()).ok())
                    .await;
            }
            Op::Reconcile { what } => self.reconcile(*what).await,
            Op::Remove { job } => {
                if let Some(stored) = self.load(*job).await.filter(|it| it.record.is_over()) {
                    both!(self, remove(&stored, now)).expect("it has this version");
                    assert_eq!(both!(self, remove(&stored, now)), Err(StoreError::Conflict));
                }
            }
            Op::Stale { job } => {
                if let Some(mut stored) = self.load(*job).await {
                    stored.version -= 1;
                    let answer = both!(self, commit(&stored, &stored.record, now));
                    assert_eq!(answer, Err(StoreError::Conflict));
                }
            }
            Op::Tickets { backwards, most } => {
                let pace = pace(*most);
                let taken = both!(self, take_tickets(&destination(*backwards), now, &pace));
                assert!(taken.expect("answers").len() <= pace.most);
            }
            Op::Reseat { backwards } => {
                both!(self, reseat(&destination(*backwards), now)).expect("answers");
            }
            Op::SetAside { job, place } => {
                let again = at(self.now + 60);
                let place = self.place(*job, *place).await;
                both!(self, set_aside(job_id((*job).into()), &place, now, again)).expect("answers");
            }
            Op::PutBack { job } => {
                let found = self.load(*job).await;
                both!(self, put_back(job_id((*job).into()), found.as_ref(), now)).expect("answers");
            }
            Op::MarkServing => {
                both!(self, mark_serving(now, Duration::from_secs(10))).expect("answers");
            }
            Op::Drain { backwards, on } => {
                let (region, now) = (destination(*backwards), at(self.now));
                let drain = Drain {
                    operator: format!("operator at {now}"),
                    since: now,
                };
                if *on {
                    both!(self, drain(&region, &drain)).expect("answers");
                } else {
                    both!(self, undrain(&region)).expect("answers");
                }
            }
            Op::Advance { seconds } => self.now += i64::from(*seconds),
        }
    }

    async fn place(&self, job: u8, place: u8) -> Place {
        let stored = self.load(job).await;
        let lane = stored.and_then(|it| {
            let lane = eligible_lane(&it.record)?;
            Some(Place::Lane(it.record.region().clone(), lane))
        });
        match place {
            0 => Place::Aside,
            1 => Place::Due(Due::Deadline),
            _ => lane.unwrap_or(Place::Due(Due::Lease)),
        }
    }

    async fn create(&self, job: u8, tenant: u8, backwards: bool, key: Option<u8>) {
        let idempotency = key.map(|key| Idempotency {
            key: format!("key {key}"),
            request_digest: "digest".to_owned(),
        });
        let task = Task::Copy(copy(tenant, backwards));
        self.accept(job, task, idempotency, Some(3), self.now + 2)
            .await;
    }

    async fn create_for_plan(&self, job: u8, tenant: u8, backwards: bool, kind: u8) {
        let spec = copy(tenant, backwards);
        let task = match kind {
            0 => planned(spec),
            1 => resolve(spec),
            _ => remove(spec),
        };
        self.accept(job, task, None, None, self.now).await;
    }

    async fn accept(
        &self,
        job: u8,
        task: Task,
        idempotency: Option<Idempotency>,
        queued_per_tenant: Option<usize>,
        first_ticket_at: i64,
    ) {
        let now = at(self.now);
        let record = lifecycle::accept(job_id(job.into()), task, idempotency, now, &rules());
        let terms = IntakeTerms {
            wished_by: None,
            not_after: None,
            queued_per_tenant,
            idempotency_window: Duration::from_secs(100),
            first_ticket_at: at(first_ticket_at),
        };
        let _ = both!(self, create(&record, &terms, now));
    }

    async fn change(&self, job: u8, decide: impl Fn(&JobRecord) -> Option<JobRecord>) {
        let Some(before) = self.load(job).await else {
            return;
        };
        if let Some(after) = decide(&before.record) {
            // A refusal (a limit, a claim that is taken) must be the same refusal.
            let _ = both!(self, commit(&before, &after, at(self.now)));
        }
    }

    async fn reconcile(&self, what: u8) {
        let now = at(self.now);
        let what = [Due::Waiting, Due::Lease, Due::Deadline][usize::from(what)];
        let due = both!(self, due(what, now, 100)).expect("answers");
        for stored in both!(self, load_many(&due)).expect("answers") {
            let next = match what {
                Due::Waiting => lifecycle::promote(&stored.record, now),
                Due::Lease => lifecycle::lapse(&stored.record, now, Jitter(0.5), &rules()),
                Due::Deadline | Due::Finished | Due::PlanNews => {
                    lifecycle::give_up_when_due(&stored.record, now)
                }
            };
            let next = next.expect("what an index says is due is due");
            both!(self, commit(&stored, &next, now)).expect("nobody else is here");
        }
    }

    async fn load(&self, job: u8) -> Option<Stored> {
        both!(self, load(job_id(job.into()))).expect("answers")
    }

    /// Everything that can be read.
    async fn compare(&self) {
        let now = at(self.now);
        let far = at(self.now + 1_000_000);
        let ids: Vec<JobId> = (0..JOBS).map(|job| job_id(job.into())).collect();
        both!(self, load_many(&ids)).expect("answers");
        both!(self, sequence()).expect("answers");
        both!(self, regions_in_use()).expect("answers");
        both!(self, aside(far, 100)).expect("answers");
        both!(self, drains()).expect("answers");
        for what in Due::ALL {
            both!(self, due(what, far, 100)).expect("answers");
        }
        for region in ["ot1", "ot2"].map(region) {
            both!(self, region_view(&region)).expect("answers");
            both!(self, census(&region)).expect("answers");
            both!(self, waiting(&region)).expect("answers");
            both!(self, with_leftovers(&region, 100)).expect("answers");
        }
        let pairs = [("ot1", "ot2"), ("ot2", "ot1"), ("ot1", "ot1")];
        let pairs = pairs.map(|(source, destination)| (region(source), region(destination)));
        both!(self, running_between(&pairs)).expect("answers");
        for claim in 0..12 {
            let claim = ClaimId::from_uuid(Uuid::from_u128(claim));
            both!(self, job_of_claim(claim)).expect("answers");
        }
        let owner = Owner {
            region: region("ot1"),
            tenant: TenantId::new("t1"),
        };
        for key in 0..3 {
            both!(self, job_of_key(&owner, &format!("key {key}"), now)).expect("answers");
        }
        both!(self, open_jobs(&owner)).expect("answers");
        for scope in [Scope::All, Scope::Errands, Scope::Owner(owner)] {
            both!(self, changed_since(&scope, 5, 4)).expect("answers");
            for oldest_first in [false, true] {
                let query = |statuses: &[JobStatus], after| PageQuery {
                    scope: scope.clone(),
                    statuses: statuses.to_vec(),
                    after,
                    oldest_first,
                    limit: 3,
                };
                both!(self, page(&query(&[], None))).expect("answers");
                both!(self, page(&query(&[], Some((at(0), job_id(3)))))).expect("answers");
                let open = [JobStatus::ReplicateRequested, JobStatus::Replicating];
                both!(self, page(&query(&open, None))).expect("answers");
            }
        }
    }
}

fn copy(tenant: u8, backwards: bool) -> CopySpec {
    let source = if backwards { "ot2" } else { "ot1" };
    spec(
        source,
        &format!("t{tenant}"),
        destination(backwards).as_str(),
    )
}

fn destination(backwards: bool) -> domain::RegionId {
    region(if backwards { "ot1" } else { "ot2" })
}
