//! One property for both stores of plans: the same operations give the same answers, and every index reads the
//! same after each of them.

use std::time::Duration;

use domain::{CopySpec, PlanId, RecoveryPoint, TenantId};
use job_scheduler::job_record::Owner;
use job_scheduler::lifecycle;
use job_scheduler::plan_lifecycle::{PlanRules, Wanted, accept};
use job_scheduler::plan_record::{PlanRecord, Point, Wish};
use job_scheduler::store::memory::MemoryStore;
use job_scheduler::store::plans::{PlanQuery, PlanStore, StoredPlan};
use job_scheduler::store::redis::RedisStore;
use job_scheduler::store::{Created, IntakeTerms, PlanVersion, Scope, Store, StoreError};
use job_scheduler::task::Task;
use proptest::prelude::*;
use uuid::Uuid;

use crate::both_stores::{answer_alike, both, empty};
use crate::plan_bed::{action, creator, daily};
use crate::redis_server::RedisServer;
use crate::sample::{at, job_id, plan_terms, region, settings, spec, tight_shape};

/// Plans that the operations are about.
const PLANS: u8 = 5;
/// Images that they hold.
const IMAGES: u8 = 4;

#[derive(Debug, Clone)]
enum Op {
    Create {
        plan: u8,
        tenant: u8,
    },
    /// Another time of the next fire, and perhaps something to do at once.
    Schedule {
        plan: u8,
        next: Option<i64>,
        wishes: bool,
    },
    /// Holds an image, or no longer.
    Hold {
        plan: u8,
        image: u8,
        holds: bool,
    },
    /// Begins to remove an image, or gives it up.
    Removing {
        plan: u8,
        image: u8,
        removing: bool,
    },
    /// A commit on a version that is not the newest.
    Stale {
        plan: u8,
    },
    Remove {
        plan: u8,
    },
    Postpone {
        plan: u8,
        until: i64,
    },
    /// Has a copy made, as it stands or as it stood.
    Wish {
        plan: u8,
        copy: u8,
        stale: bool,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let plan = || 0..PLANS;
    let image = || 0..IMAGES;
    prop_oneof![
        4 => (plan(), 0..2_u8).prop_map(|(plan, tenant)| Op::Create { plan, tenant }),
        3 => (plan(), prop::option::of(0..1_000_i64), any::<bool>())
            .prop_map(|(plan, next, wishes)| Op::Schedule { plan, next, wishes }),
        6 => (plan(), image(), prop::bool::weighted(0.8))
            .prop_map(|(plan, image, holds)| Op::Hold { plan, image, holds }),
        4 => (plan(), image(), any::<bool>())
            .prop_map(|(plan, image, removing)| Op::Removing { plan, image, removing }),
        1 => plan().prop_map(|plan| Op::Stale { plan }),
        1 => plan().prop_map(|plan| Op::Remove { plan }),
        2 => (plan(), 0..3_u8, any::<bool>()).prop_map(|(plan, copy, stale)| Op::Wish { plan, copy, stale }),
        1 => (plan(), 0..2_000_i64).prop_map(|(plan, until)| Op::Postpone { plan, until }),
    ]
}

#[test]
fn redis_and_memory_keep_plans_alike() {
    answer_alike(op(), 60, async |server, prefix, ops| {
        let pair = Pair::new(server, prefix);
        for op in ops {
            pair.run(op).await;
            pair.compare().await;
        }
    });
}

/// Chance seldom has two plans hold an image of which one lets go.
#[tokio::test]
async fn what_another_plan_holds_is_refused_alike_until_it_lets_go() {
    let server = RedisServer::start().await;
    let pair = Pair::new(&server, "held");
    for plan in [0, 1] {
        pair.run(&Op::Create { plan, tenant: plan }).await;
        pair.run(&Op::Hold {
            plan,
            image: 0,
            holds: true,
        })
        .await;
    }
    let removing = Op::Removing {
        plan: 0,
        image: 0,
        removing: true,
    };
    pair.run(&removing).await;
    let held = pair.load(0).await.expect("stands");
    assert_eq!(held.record.points[0].removing, None);
    pair.run(&Op::Hold {
        plan: 1,
        image: 0,
        holds: false,
    })
    .await;
    pair.run(&removing).await;
    pair.compare().await;
    let alone = pair.load(0).await.expect("stands");
    assert!(alone.record.points[0].removing.is_some());
}

/// A scheduler that was frozen between reading a plan and doing what it wished does nothing any more.
#[tokio::test]
async fn what_a_plan_wished_is_not_created_once_it_has_moved_on_or_is_gone() {
    let server = RedisServer::start().await;
    let pair = Pair::new(&server, "late");
    pair.run(&Op::Create { plan: 0, tenant: 0 }).await;
    let first = pair.load(0).await.expect("stands");
    let created = pair.wish(&first, 0).await;
    assert!(matches!(created, Ok(Created::New { .. })), "{created:?}");
    pair.run(&Op::Schedule {
        plan: 0,
        next: Some(9),
        wishes: false,
    })
    .await;
    assert_eq!(pair.wish(&first, 0).await, Ok(Created::Exists));
    assert_eq!(pair.wish(&first, 1).await, Err(StoreError::Conflict));
    let now = pair.load(0).await.expect("stands");
    let other = of_another_history(&now);
    assert_eq!(pair.wish(&other, 1).await, Err(StoreError::Conflict));
    pair.run(&Op::Remove { plan: 0 }).await;
    assert_eq!(pair.wish(&now, 1).await, Err(StoreError::Conflict));
    pair.run(&Op::Create { plan: 0, tenant: 0 }).await;
    assert_eq!(pair.wish(&now, 1).await, Err(StoreError::Conflict));
}

struct Pair {
    memory: MemoryStore,
    redis: RedisStore,
}

impl Pair {
    fn new(server: &RedisServer, prefix: &str) -> Self {
        let (memory, redis) = empty(server, prefix);
        Self { memory, redis }
    }

    async fn run(&self, op: &Op) {
        match *op {
            Op::Create { plan, tenant } => {
                let _ = both!(
                    self,
                    create_plan(&record(plan, tenant), &plan_terms(2), at(0))
                );
            }
            Op::Schedule { plan, next, wishes } => {
                self.change(plan, |record| {
                    record.next_fire = next.map(at);
                    record.outbox.clear();
                    if wishes {
                        record.outbox.push(Wish::Cancel { job: job_id(1) });
                    }
                })
                .await;
            }
            Op::Hold { plan, image, holds } => {
                self.change(plan, |record| {
                    let point = point(image);
                    let id = point.point.image_id;
                    record.points.retain(|it| it.point.image_id != id);
                    if holds {
                        record.points.push(point);
                    }
                })
                .await;
            }
            Op::Removing {
                plan,
                image,
                removing,
            } => {
                let id = point(image).point.image_id;
                self.change(plan, |record| {
                    let fire = record.id.fire_at(at(0));
                    for it in &mut record.points {
                        if it.point.image_id == id {
                            it.removing = removing.then_some(fire);
                        }
                    }
                })
                .await;
            }
            Op::Stale { plan } => {
                if let Some(stored) = self.load(plan).await {
                    for stale in [older(&stored), of_another_history(&stored)] {
                        let answer = both!(self, commit_plan(&stale, &stale.record));
                        assert_eq!(answer, Err(StoreError::Conflict));
                        assert_eq!(both!(self, remove_plan(&stale)), Err(StoreError::Conflict));
                    }
                }
            }
            Op::Remove { plan } => {
                if let Some(stored) = self.load(plan).await {
                    both!(self, remove_plan(&stored)).expect("it has this version");
                }
            }
            Op::Postpone { plan, until } => {
                both!(self, postpone_plan(id(plan), at(until))).expect("answers");
            }
            Op::Wish { plan, copy, stale } => {
                let stored = match self.load(plan).await {
                    Some(stored) if stale => older(&stored),
                    Some(stored) => stored,
                    None => StoredPlan {
                        record: record(plan, 0),
                        version: 1,
                    },
                };
                let created = self.wish(&stored, copy).await;
                if stale {
                    assert!(matches!(
                        created,
                        Err(StoreError::Conflict) | Ok(Created::Exists)
                    ));
                }
            }
        }
    }

    async fn wish(&self, plan: &StoredPlan, copy: u8) -> Result<Created, StoreError> {
        let spec = CopySpec {
            plan_id: Some(plan.record.id),
            retry_of: None,
            ..spec("ot1", "t0", "ot2")
        };
        let job = job_id(700 + u128::from(copy));
        let record = lifecycle::accept(job, Task::Copy(spec), None, at(0), &settings(2).rules);
        let terms = IntakeTerms {
            wished_by: Some(PlanVersion::of(plan)),
            not_after: None,
            queued_per_tenant: None,
            idempotency_window: Duration::ZERO,
            first_ticket_at: at(0),
        };
        both!(self, create(&record, &terms, at(0)))
    }

    async fn change(&self, plan: u8, change: impl Fn(&mut PlanRecord)) {
        if let Some(before) = self.load(plan).await {
            let mut after = before.record.clone();
            change(&mut after);
            // A refusal must be the same refusal.
            let _ = both!(self, commit_plan(&before, &after));
        }
    }

    async fn load(&self, plan: u8) -> Option<StoredPlan> {
        both!(self, load_plan(id(plan))).expect("answers")
    }

    /// Everything that can be read.
    async fn compare(&self) {
        let ids: Vec<PlanId> = (0..PLANS).map(id).collect();
        both!(self, load_plans(&ids)).expect("answers");
        both!(self, count_plans()).expect("answers");
        for until in [0, 500, 5_000] {
            both!(self, plans_due(at(until), 3)).expect("answers");
        }
        for image in 0..IMAGES {
            both!(self, holders(point(image).point.image_id)).expect("answers");
        }
        let owner = Owner {
            region: region("ot1"),
            tenant: TenantId::new("t0"),
        };
        for scope in [Scope::All, Scope::Owner(owner)] {
            for after in [None, Some((at(2), id(2)))] {
                let query = PlanQuery {
                    scope: scope.clone(),
                    after,
                    limit: 2,
                };
                both!(self, plan_page(&query)).expect("answers");
            }
        }
    }
}

/// As it may have been read before the last commit.
fn older(stored: &StoredPlan) -> StoredPlan {
    StoredPlan {
        record: stored.record.clone(),
        version: stored.version - 1,
    }
}

/// As it may have been read before Redis fell back and gave the same version once more.
fn of_another_history(stored: &StoredPlan) -> StoredPlan {
    let record = PlanRecord {
        changed_at: Some(at(-1)),
        ..stored.record.clone()
    };
    StoredPlan {
        record,
        version: stored.version,
    }
}

fn id(plan: u8) -> PlanId {
    PlanId::from_uuid(Uuid::from_u128(100 + u128::from(plan)))
}

/// Plans 0 and 1 are of one age, as are 2 and 3.
fn record(plan: u8, tenant: u8) -> PlanRecord {
    let wanted = Wanted {
        id: id(plan),
        region: region("ot1"),
        tenant: TenantId::new(format!("t{tenant}")),
        creator: creator(),
        document: daily(&[action(1, 2)]),
    };
    let rules = PlanRules {
        regions: tight_shape().regions,
        late_window: Duration::ZERO,
        shortest_period: Duration::from_secs(10),
    };
    accept(wanted, at(i64::from(plan / 2) * 2), &rules).expect("valid")
}

fn point(image: u8) -> Point {
    let spec = spec("ot1", "t0", "ot2");
    let job = job_id(500 + u128::from(image));
    Point {
        action: action(1, 2).id,
        by_source: false,
        point: RecoveryPoint {
            job_id: job,
            image_id: job.image_of_attempt(1),
            source_image_id: spec.source.image,
            digest: spec.source_digest,
            destination: spec.destination,
            made_at: at(0),
        },
        removing: None,
        reused: false,
    }
}
