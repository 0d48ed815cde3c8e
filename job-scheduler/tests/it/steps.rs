//! Every call to the store of every operation fails before and after its effect, is made twice, and the scheduler
//! crashes before and after it; then whoever asked asks again, as gateways, workers and ticks do. What is in the store
//! in the end is what an undisturbed operation leaves. So it is when an operation is done twice.
//!
//! Over memory and over a real Redis. Each case has a store of its own; which calls an operation makes is what an
//! undisturbed one was seen to make.

mod act;
mod backend;
mod calls;
mod disturbed_store;
mod noted_queue;
mod operators;
mod table;
mod world;

use std::collections::BTreeSet;

use futures::StreamExt;

use self::act::Act;
use self::backend::{Backends, Contents};
use self::disturbed_store::{CALLS, Disturbance};
use self::table::{OPERATIONS, Operation};
use self::world::World;

/// Cases at the same time.
const AT_ONCE: usize = 16;
/// One disturbance needs two tries.
const MOST_TRIES: usize = 4;
/// How often two schedulers do each operation at the same time: who is first is chance.
const ROUNDS: usize = 4;
/// Calls that no operation makes: the change feed's, the health check's, and the start's.
const NO_OPERATIONS: [&str; 3] = ["subscribe", "ping", "regions_in_use"];

/// What an operation does when nothing happens.
struct Undisturbed {
    calls: Vec<&'static str>,
    answer: String,
    left: Contents,
}

/// A world in which everything has happened that comes before.
async fn world(backends: &Backends, name: &str, operation: &Operation) -> World {
    let mut world = World::new(backends.one(name));
    for act in operation.before {
        world.act(*act).await.expect("nothing disturbs it");
    }
    world
}

/// What is left in the store. Rounds of the dispatcher take as many tickets as it takes.
async fn left(world: &World, act: Act) -> Contents {
    let mut left = world.contents().await;
    if act == Act::Dispatch {
        left.retain(|key, _| !key.starts_with("ticket"));
    }
    left
}

async fn undisturbed(backends: &Backends, name: &str, operation: &Operation) -> Undisturbed {
    let act = operation.act;
    let mut world = world(backends, name, operation).await;
    let before = world.store.calls().len();
    let answer = world.act(act).await.expect("nothing disturbs it");
    let found = Undisturbed {
        calls: world.store.calls().split_off(before),
        answer,
        left: left(&world, act).await,
    };
    let again = world.act(act).await.expect("nothing disturbs it");
    if act.is_answered_alike() {
        assert_eq!(again, found.answer, "{name}, done twice");
    }
    assert_eq!(left(&world, act).await, found.left, "{name}, done twice");
    world.clear().await;
    found
}

async fn disturbed(
    backends: &Backends,
    operation: &Operation,
    call: usize,
    disturbance: Disturbance,
    expected: &Undisturbed,
) -> Result<(), String> {
    let Operation { name, act, .. } = *operation;
    let case = format!("{name}, {} ({call}) {disturbance:?}", expected.calls[call]);
    let mut world = world(backends, &case, operation).await;
    world.store.disturb(call, disturbance);
    let crashed = world.store.crashed.clone();
    let mut answer = None;
    for _ in 0..MOST_TRIES {
        let tried = tokio::select! {
            biased;
            () = crashed.cancelled(), if !crashed.is_cancelled() => None,
            tried = world.act(act) => Some(tried),
        };
        match tried {
            Some(Ok(answered)) => {
                answer = Some(answered);
                break;
            }
            Some(Err(_away)) => {}
            None => world.replace_scheduler(),
        }
    }
    let Some(answer) = answer else {
        return Err(format!("{case}: no answer"));
    };
    if !world.store.is_disturbed() && !act.reads_ahead() {
        return Err(format!("{case} was not met"));
    }
    if act.is_answered_alike() && answer != expected.answer {
        let expected = &expected.answer;
        return Err(format!("{case} is answered {answer} instead of {expected}"));
    }
    let found = left(&world, act).await;
    world.clear().await;
    if found != expected.left {
        let difference = difference(&found, &expected.left);
        return Err(format!("{case} leaves\n{difference}"));
    }
    Ok(())
}

fn difference(found: &Contents, expected: &Contents) -> String {
    let keys: BTreeSet<_> = found.keys().chain(expected.keys()).collect();
    let differ = keys
        .into_iter()
        .filter(|key| found.get(*key) != expected.get(*key));
    let lines = differ.map(|key| {
        let (found, expected) = (found.get(key), expected.get(key));
        format!("{key}: {found:#?} instead of {expected:#?}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Disturbs every call of every operation; the calls that were disturbed.
async fn disturb_all(backends: &Backends) -> BTreeSet<&'static str> {
    let mut met = BTreeSet::new();
    let (mut wanted, mut cases) = (0, Vec::new());
    let operations = OPERATIONS.iter();
    for operation in operations.filter(|it| backends.is_redis() || !it.needs_redis()) {
        let expected = std::sync::Arc::new(undisturbed(backends, operation.name, operation).await);
        assert!(!expected.calls.is_empty(), "{operation:?} asks nothing");
        met.extend(expected.calls.iter().copied());
        for (number, call) in expected.calls.iter().enumerate() {
            wanted += Disturbance::of(call).len();
            for disturbance in Disturbance::of(call) {
                cases.push((operation, number, *disturbance, expected.clone()));
            }
        }
    }
    let cases =
        futures::stream::iter(cases).map(|(operation, call, disturbance, expected)| async move {
            disturbed(backends, operation, call, disturbance, &expected).await
        });
    let ended: Vec<_> = cases.buffer_unordered(AT_ONCE).collect().await;
    assert_eq!(ended.len(), wanted);
    let failed: Vec<_> = ended.into_iter().filter_map(Result::err).collect();
    let number = failed.len();
    assert!(number == 0, "{number} of {wanted}:\n{}", failed.join("\n"));
    met
}

#[tokio::test]
async fn whatever_call_of_whatever_operation_is_disturbed_the_end_is_the_same_in_memory() {
    disturb_all(&Backends::Memory).await;
}

#[tokio::test]
async fn whatever_call_of_whatever_operation_is_disturbed_the_end_is_the_same_in_redis() {
    let backends = Backends::redis().await;
    let met = disturb_all(&backends).await;
    let calls = CALLS.iter().map(|(call, _)| *call);
    let missed: BTreeSet<_> = calls.filter(|call| !met.contains(call)).collect();
    assert_eq!(
        missed,
        BTreeSet::from(NO_OPERATIONS),
        "calls to the store that no operation of the table makes"
    );
}

/// Gateways and workers that had no answer ask again, maybe at another scheduler while the first is still at it; and
/// all schedulers do what time demands.
#[tokio::test]
async fn what_two_schedulers_do_at_once_is_done_once() {
    let backends = Backends::redis().await;
    let rounds = OPERATIONS
        .iter()
        .flat_map(|operation| (0..ROUNDS).map(move |round| (operation, round)));
    let done = futures::stream::iter(rounds)
        .map(|(operation, round)| at_once(&backends, operation, round))
        .buffer_unordered(AT_ONCE);
    assert_eq!(done.count().await, OPERATIONS.len() * ROUNDS);
}

async fn at_once(backends: &Backends, operation: &Operation, round: usize) {
    let Operation { name, act, .. } = *operation;
    let case = format!("{name}, at once ({round})");
    let expected = undisturbed(backends, &case, operation).await;
    let mut one = world(backends, &format!("{case} twice"), operation).await;
    let mut two = one.twin();
    let (first, second) = tokio::join!(one.act(act), two.act(act));
    let answers = [first, second].map(|it| it.expect("nothing disturbs it"));
    // Two dispatchers share the messages.
    if act.is_answered_alike() && act != Act::Dispatch {
        assert_eq!(
            answers,
            [expected.answer.clone(), expected.answer],
            "{case}"
        );
        assert_eq!(one.grants, two.grants, "{case}");
    }
    let found = left(&one, act).await;
    one.clear().await;
    assert_eq!(difference(&found, &expected.left), "", "{case}");
}

/// What an undisturbed operation leaves is the same in both, to the last entry.
#[tokio::test]
async fn every_operation_leaves_the_same_in_memory_and_in_redis() {
    let redis = Backends::redis().await;
    for operation in OPERATIONS.iter().filter(|it| !it.needs_redis()) {
        let memory = undisturbed(&Backends::Memory, operation.name, operation).await;
        let redis = undisturbed(&redis, operation.name, operation).await;
        if !operation.act.reads_ahead() {
            assert_eq!(memory.calls, redis.calls, "{operation:?}");
        }
        let differs = difference(&memory.left, &redis.left);
        assert!(differs.is_empty(), "{operation:?} leaves\n{differs}");
    }
}

/// A call of the contract that is missing in the table fails here.
#[test]
fn the_table_has_every_call_of_the_contract() {
    let contract = concat!(env!("CARGO_MANIFEST_DIR"), "/../proto/imagereplicator/v1");
    let mut declared = BTreeSet::new();
    for file in std::fs::read_dir(contract).expect("it is there") {
        let text = std::fs::read_to_string(file.expect("readable").path()).expect("readable");
        let calls = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("rpc "));
        declared.extend(calls.filter_map(|call| Some(call.split_once('(')?.0.trim().to_owned())));
    }
    let table = OPERATIONS.iter().filter_map(|it| it.act.rpc());
    let table = BTreeSet::from_iter(table.map(ToOwned::to_owned));
    assert!(declared.len() >= 15, "{declared:?}");
    assert_eq!(table, declared);
}
