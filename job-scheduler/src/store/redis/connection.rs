//! Connections that come back by themselves, however long Redis was away.
//!
//! A command fails at once while Redis is out of reach and may have been executed all the same; it
//! is never repeated here. The next command connects again: there is no number of tries after which
//! that stops. A connection on which an answer was too late may be dead without saying so, and one
//! that leads to a Redis that became a replica is good for nothing: both are replaced.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{
    Client, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, ScriptInvocation,
    ServerErrorKind, Value,
};

use crate::store::StoreError;

/// How long connecting may take.
pub(super) const CONNECT_DEADLINE: Duration = Duration::from_secs(2);

/// The code of a refusal because memory is full.
const OUT_OF_MEMORY: &str = "OOM";

/// A connection, or the way to the next one. Clones share it.
#[derive(Clone)]
pub(super) struct Connection {
    client: Client,
    config: ConnectionManagerConfig,
    current: Arc<RwLock<ConnectionManager>>,
}

impl Connection {
    /// Prepares a connection; the first command makes it.
    pub(super) fn prepare(client: Client, response_timeout: Duration) -> RedisResult<Self> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(CONNECT_DEADLINE.min(response_timeout)))
            .set_response_timeout(Some(response_timeout));
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), config.clone())?;
        Ok(Self {
            client,
            config,
            current: Arc::new(RwLock::new(manager)),
        })
    }

    pub(super) async fn command<T: FromRedisValue>(
        &self,
        command: &redis::Cmd,
    ) -> Result<T, StoreError> {
        let answer = command.query_async(&mut self.manager()).await;
        answer.map_err(|error| self.judge(&error))
    }

    pub(super) async fn pipeline<T: FromRedisValue>(
        &self,
        pipeline: &Pipeline,
    ) -> Result<T, StoreError> {
        let answer = pipeline.query_async(&mut self.manager()).await;
        answer.map_err(|error| self.judge(&error))
    }

    pub(super) async fn script<T: FromRedisValue>(
        &self,
        invocation: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        let answer = invocation.invoke_async(&mut self.manager()).await;
        answer.map_err(|error| self.judge(&error))
    }

    /// A script and a command behind it that must reach Redis through the same connection: sent in
    /// one go, so that no new connection can come between.
    pub(super) async fn script_then<T: FromRedisValue, U: FromRedisValue>(
        &self,
        invocation: &ScriptInvocation<'_>,
        command: redis::Cmd,
    ) -> Result<(T, U), StoreError> {
        let mut pipeline = redis::pipe();
        let pipeline = pipeline.invoke_script(invocation).add_command(command);
        let mut manager = self.manager();
        let mut answers = both(pipeline, &mut manager).await;
        if let Err(error) = &answers
            && error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
        {
            // It was not executed, so this repeats nothing.
            let loaded = invocation.load_async(&mut manager).await;
            loaded.map_err(|error| self.judge(&error))?;
            answers = both(pipeline, &mut manager).await;
        }
        let (first, second) = answers.map_err(|error| self.judge(&error))?;
        let first = redis::from_redis_value(first).map_err(|error| self.judge(&error.into()))?;
        let second = redis::from_redis_value(second).map_err(|error| self.judge(&error.into()))?;
        Ok((first, second))
    }

    fn manager(&self) -> ConnectionManager {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// What a failure means, and whether the connection is still good for anything.
    fn judge(&self, error: &RedisError) -> StoreError {
        if error.code() == Some(OUT_OF_MEMORY) {
            return StoreError::Full;
        }
        let read_only = error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly);
        if error.is_timeout() || error.is_unrecoverable_error() || read_only {
            let next =
                ConnectionManager::new_lazy_with_config(self.client.clone(), self.config.clone());
            if let Ok(next) = next {
                let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
                *current = next;
            }
        }
        StoreError::Unavailable(error.to_string())
    }
}

/// The answers to a pipeline of two commands; the first one's error comes first.
async fn both(
    pipeline: &mut Pipeline,
    manager: &mut ConnectionManager,
) -> RedisResult<(Value, Value)> {
    let answers: Vec<RedisResult<Value>> = pipeline.ignore_errors().query_async(manager).await?;
    let mut answers = answers.into_iter();
    let mut next = || answers.next().unwrap_or(Ok(Value::Nil));
    Ok((next()?, next()?))
}
