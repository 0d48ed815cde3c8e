//! Connections that come back by themselves, however long Redis was away.
//!
//! A command fails at once while Redis is out of reach and may have been executed all the same; it
//! is never repeated here. The next command connects again: there is no number of tries after which
//! that stops. A connection on which an answer was too late may be dead without saying so, and is
//! replaced.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, FromRedisValue, Pipeline, RedisError, RedisResult, ScriptInvocation};

use crate::store::StoreError;

/// How long connecting may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(2);

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

    fn manager(&self) -> ConnectionManager {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// What a failure means, and whether the connection is still good for anything.
    fn judge(&self, error: &RedisError) -> StoreError {
        if error.code() == Some(OUT_OF_MEMORY) {
            return StoreError::Full;
        }
        if error.is_timeout() || error.is_unrecoverable_error() {
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
