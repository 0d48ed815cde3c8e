//! The store in Redis and the store in memory side by side: what one answers, the other answers.

use std::cell::Cell;
use std::fmt::Debug;
use std::time::Duration;

use job_scheduler::store::memory::MemoryStore;
use job_scheduler::store::redis::RedisStore;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::redis_server::RedisServer;
use crate::sample::tight_shape;

/// Asks both stores and compares.
macro_rules! both {
    ($pair:expr, $call:ident ( $($argument:expr),* )) => {{
        let memory = $pair.memory.$call($($argument),*).await;
        let redis = $pair.redis.$call($($argument),*).await;
        assert_eq!(memory, redis, stringify!($call));
        memory
    }};
}

pub(crate) use both;

/// Two empty stores; the keys of the one in Redis begin with `prefix`.
pub(crate) fn empty(server: &RedisServer, prefix: &str) -> (MemoryStore, RedisStore) {
    let timeout = Duration::from_secs(5);
    let redis = RedisStore::new(&server.url().into(), prefix, timeout, tight_shape());
    (MemoryStore::new(tight_shape()), redis.expect("a URL"))
}

/// That `run` finds no difference, whatever the operations. It is told under which prefix.
pub(crate) fn answer_alike<Op: Debug>(
    op: impl Strategy<Value = Op>,
    most: usize,
    run: impl AsyncFn(&RedisServer, &str, &[Op]),
) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let server = runtime.block_on(RedisServer::start());
    let mut runner = TestRunner::new(Config {
        cases: 48,
        ..Config::default()
    });
    let case = Cell::new(0);
    runner
        .run(&vec(op, 1..most), |ops| {
            case.set(case.get() + 1);
            let prefix = format!("case-{}", case.get());
            runtime.block_on(run(&server, &prefix, &ops));
            Ok(())
        })
        .expect("the stores are equal");
}
