//! Connections that come back by themselves, however long Redis was away and wherever its master is by then.
//!
//! A command fails at once while Redis is out of reach and may have been executed all the same; it
//! is never repeated here. The next command connects again: there is no number of tries after which
//! that stops. A connection on which an answer was too late may be dead without saying so, and one
//! that leads to a Redis that is no master, or not for its replicas, is good for nothing: all are replaced.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult,
    ScriptInvocation, ServerErrorKind, Value,
};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::servers::Servers;
use crate::metrics::StoreCalls;
use crate::store::StoreError;

/// How long connecting may take.
pub(super) const CONNECT_DEADLINE: Duration = Duration::from_secs(2);

/// The code of a refusal because memory is full.
const OUT_OF_MEMORY: &str = "OOM";
/// The code of a refusal because fewer replicas are there than `min-replicas-to-write` wants.
const TOO_FEW_REPLICAS: &str = "NOREPLICAS";

/// A connection under way or made; all who wait for it wait for the same one.
type Attempt = Shared<BoxFuture<'static, RedisResult<MultiplexedConnection>>>;

/// A connection, or the way to the next one. Clones share it.
#[derive(Clone)]
pub(super) struct Connection(Arc<Shape>);

struct Shape {
    servers: Servers,
    response_timeout: Duration,
    current: Mutex<Attempt>,
    /// How often it has been made.
    made: watch::Sender<u64>,
    calls: StoreCalls,
}

/// A connection that is there, and the attempt that it came from.
struct Live {
    attempt: Attempt,
    connection: MultiplexedConnection,
}

impl Connection {
    /// Prepares a connection; the first command makes it.
    pub(super) fn prepare(servers: Servers, response_timeout: Duration, calls: StoreCalls) -> Self {
        let made = watch::Sender::new(0);
        let first = attempt(servers.clone(), response_timeout, made.clone());
        Self(Arc::new(Shape {
            servers,
            response_timeout,
            current: Mutex::new(first),
            made,
            calls,
        }))
    }

    /// Hears of each connection that is made.
    pub(super) fn made(&self) -> watch::Receiver<u64> {
        self.0.made.subscribe()
    }

    pub(super) async fn command<T: FromRedisValue>(
        &self,
        command: &redis::Cmd,
    ) -> Result<T, StoreError> {
        self.timed(async {
            let mut live = self.live().await?;
            let answer = command.query_async(&mut live.connection).await;
            answer.map_err(|error| self.judge(&live, &error))
        })
        .await
    }

    /// A command that some servers do not have or do not allow: nothing then.
    pub(super) async fn permitted<T: FromRedisValue>(
        &self,
        command: &redis::Cmd,
    ) -> Result<Option<T>, StoreError> {
        let mut live = self.live().await?;
        match command.query_async(&mut live.connection).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) => match error.kind() {
                ErrorKind::Server(ServerErrorKind::ResponseError | ServerErrorKind::NoPerm)
                | ErrorKind::Extension => Ok(None),
                _ => Err(self.judge(&live, &error)),
            },
        }
    }

    pub(super) async fn pipeline<T: FromRedisValue>(
        &self,
        pipeline: &Pipeline,
    ) -> Result<T, StoreError> {
        self.timed(async {
            let mut live = self.live().await?;
            let answer = pipeline.query_async(&mut live.connection).await;
            answer.map_err(|error| self.judge(&live, &error))
        })
        .await
    }

    pub(super) async fn script<T: FromRedisValue>(
        &self,
        invocation: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        self.timed(async {
            let mut live = self.live().await?;
            let answer = invocation.invoke_async(&mut live.connection).await;
            answer.map_err(|error| self.judge(&live, &error))
        })
        .await
    }

    /// A script that counts only when so many replicas have what it wrote. `WAIT` asks for the writes of its own
    /// connection, so both go to Redis in one go and no new connection can come between. A master that too few
    /// follow may be none any more.
    pub(super) async fn script_then_wait<T: FromRedisValue>(
        &self,
        invocation: &ScriptInvocation<'_>,
        replicas: u64,
        patience: Duration,
    ) -> Result<T, StoreError> {
        self.timed(self.execute_then_wait(invocation, replicas, patience))
            .await
    }

    async fn execute_then_wait<T: FromRedisValue>(
        &self,
        invocation: &ScriptInvocation<'_>,
        replicas: u64,
        patience: Duration,
    ) -> Result<T, StoreError> {
        let mut wait = redis::cmd("WAIT");
        wait.arg(replicas)
            .arg(u64::try_from(patience.as_millis()).unwrap_or(u64::MAX));
        let mut pipeline = redis::pipe();
        let pipeline = pipeline.invoke_script(invocation).add_command(wait);
        let mut live = self.live().await?;
        let mut answers = both(pipeline, &mut live.connection).await;
        if let Err(error) = &answers
            && error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
        {
            // It was not executed, so this repeats nothing.
            let loaded = invocation.load_async(&mut live.connection).await;
            loaded.map_err(|error| self.judge(&live, &error))?;
            answers = both(pipeline, &mut live.connection).await;
        }
        let parsed = answers.and_then(|(answer, acknowledged)| {
            let acknowledged: u64 = redis::from_redis_value(acknowledged)?;
            Ok((redis::from_redis_value(answer)?, acknowledged))
        });
        let (answer, acknowledged) = parsed.map_err(|error| self.judge(&live, &error))?;
        if acknowledged < replicas {
            self.replace(&live.attempt);
            return Err(StoreError::Unavailable(format!(
                "{acknowledged} of {replicas} replicas acknowledged the write in time"
            )));
        }
        Ok(answer)
    }

    async fn timed<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let begun = Instant::now();
        let answer = call.await;
        self.0.calls.ended(begun.elapsed(), answer.is_ok());
        answer
    }

    async fn live(&self) -> Result<Live, StoreError> {
        let attempt = self.lock().clone();
        match attempt.clone().await {
            Ok(connection) => Ok(Live {
                attempt,
                connection,
            }),
            Err(error) => {
                self.replace(&attempt);
                Err(StoreError::Unavailable(error.to_string()))
            }
        }
    }

    /// What a failure means, and whether the connection is still good for anything.
    fn judge(&self, live: &Live, error: &RedisError) -> StoreError {
        if error.code() == Some(OUT_OF_MEMORY) {
            return StoreError::Full;
        }
        let no_master = error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
            || error.code() == Some(TOO_FEW_REPLICAS);
        if error.is_timeout() || error.is_unrecoverable_error() || no_master {
            self.replace(&live.attempt);
        }
        StoreError::Unavailable(error.to_string())
    }

    /// Has the next command connect anew, unless somebody has seen to that already.
    fn replace(&self, used: &Attempt) {
        let mut current = self.lock();
        if current.ptr_eq(used) {
            let shape = &self.0;
            *current = attempt(
                shape.servers.clone(),
                shape.response_timeout,
                shape.made.clone(),
            );
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Attempt> {
        // Nothing here panics while it holds the lock.
        let current = self.0.current.lock();
        current.unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next connection, made when somebody first waits for it.
fn attempt(servers: Servers, response_timeout: Duration, made: watch::Sender<u64>) -> Attempt {
    let connect = async move {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_DEADLINE))
            .set_response_timeout(Some(response_timeout));
        let master = servers.master().await?;
        let connected = master.get_multiplexed_async_connection_with_config(&config);
        let connection = connected.await?;
        made.send_modify(|times| *times += 1);
        Ok(connection)
    };
    let in_time = async move {
        let deadline = CONNECT_DEADLINE.min(response_timeout);
        let made = timeout(deadline, connect).await;
        made.unwrap_or_else(|_| Err((ErrorKind::Io, "no connection in time").into()))
    };
    in_time.boxed().shared()
}

/// The answers to a pipeline of two commands; the first one's error comes first.
async fn both(
    pipeline: &mut Pipeline,
    connection: &mut MultiplexedConnection,
) -> RedisResult<(Value, Value)> {
    let answers: Vec<RedisResult<Value>> = pipeline.ignore_errors().query_async(connection).await?;
    let mut answers = answers.into_iter();
    let mut next = || answers.next().unwrap_or(Ok(Value::Nil));
    Ok((next()?, next()?))
}
