//! A Redis of a benchmark's own, set up as the test bed's: on tmpfs, and every write is synced. It ends with its value.
//!
//! While it is filled it keeps no log, which would be as large as the jobs again and tells nothing.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use redis::aio::MultiplexedConnection;
use testbed::eventually;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// How long a million jobs may take to be written to a new log.
const LOGGED_WITHIN: Duration = Duration::from_secs(300);

pub(super) struct RedisServer {
    port: u16,
    directory: PathBuf,
    connection: MultiplexedConnection,
    _process: Child,
}

impl RedisServer {
    /// Starts one and waits until it answers.
    ///
    /// # Errors
    /// When it does not.
    pub(super) async fn start() -> anyhow::Result<Self> {
        // A port that is free now; nobody else asks the kernel for this one in the moment until Redis has it.
        let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        let directory = PathBuf::from(format!("/dev/shm/image-replicator-redis-{port}"));
        tokio::fs::create_dir_all(&directory).await?;
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args([
                "--save",
                "",
                "--appendonly",
                "no",
                "--appendfsync",
                "always",
            ])
            .args(["--maxmemory-policy", "noeviction", "--dir"])
            .arg(&directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("redis-server can't be started")?;
        let client = redis::Client::open(("127.0.0.1", port))?;
        let connecting = || async { Ok(client.get_multiplexed_async_connection().await?) };
        let connection =
            eventually(Duration::from_secs(10), "Redis' readiness", connecting).await?;
        Ok(Self {
            port,
            directory,
            connection,
            _process: process,
        })
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Keeps a log from now on, and waits until all that is there stands in it.
    ///
    /// # Errors
    /// When it fails, or takes too long.
    pub(super) async fn keep_log(&self) -> anyhow::Result<()> {
        redis::cmd("CONFIG")
            .arg(&["SET", "appendonly", "yes"])
            .exec_async(&mut self.connection.clone())
            .await?;
        eventually(LOGGED_WITHIN, "Redis' log", || async {
            for (field, done) in [
                ("aof_enabled", "1"),
                ("aof_rewrite_in_progress", "0"),
                ("aof_rewrite_scheduled", "0"),
                ("aof_last_bgrewrite_status", "ok"),
            ] {
                let value = self.info("persistence", field).await?;
                ensure!(value == done, "{field} is {value}");
            }
            Ok(())
        })
        .await
    }

    /// Bytes that its data take, its own structures included.
    ///
    /// # Errors
    /// When it does not say.
    pub(super) async fn used_memory(&self) -> anyhow::Result<u64> {
        Ok(self.info("memory", "used_memory").await?.parse()?)
    }

    /// Its version.
    ///
    /// # Errors
    /// When it does not say.
    pub(super) async fn version(&self) -> anyhow::Result<String> {
        self.info("server", "redis_version").await
    }

    async fn info(&self, section: &str, field: &str) -> anyhow::Result<String> {
        let text: String = redis::cmd("INFO")
            .arg(section)
            .query_async(&mut self.connection.clone())
            .await?;
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        Ok(value.with_context(|| format!("no {field}"))?.to_owned())
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // Else it stays in memory until somebody looks there; there is nobody to tell.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
