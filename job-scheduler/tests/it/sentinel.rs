//! A private Sentinel for one test, alone to decide.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use job_scheduler::store::redis::{Sentinels, Servers};

use crate::redis_server::{RedisServer, free_port};

/// What it calls the master.
const MASTER: &str = "jobs";

/// A Sentinel that dies with this value.
pub(crate) struct Sentinel {
    process: Child,
    port: u16,
    directory: PathBuf,
}

impl Sentinel {
    /// Starts one and waits until it knows the master and one replica.
    pub(crate) async fn watch_over(master: &RedisServer) -> Self {
        let port = free_port();
        let directory =
            std::env::temp_dir().join(format!("scheduler-sentinel-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a scratch directory can be made");
        let settings = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\n\
             sentinel monitor {MASTER} 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds {MASTER} 500\n\
             sentinel failover-timeout {MASTER} 2000\n",
            directory.display(),
            master.port()
        );
        let file = directory.join("sentinel.conf");
        std::fs::write(&file, settings).expect("the directory is ours");
        let process = Command::new("redis-server")
            .arg(&file)
            .arg("--sentinel")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is installed: the other servers run");
        let sentinel = Self {
            process,
            port,
            directory,
        };
        sentinel.wait_for("num-slaves", |it| it == "1").await;
        sentinel
    }

    /// The way to the master that it knows.
    pub(crate) fn servers(&self) -> Servers {
        let sentinels = Sentinels {
            // Of several, those that are away do not matter.
            addresses: [1, self.port]
                .map(|port| format!("127.0.0.1:{port}").parse().expect("an address"))
                .to_vec(),
            master: MASTER.to_owned(),
            username: None,
            password: None,
        };
        let url = "redis://sentinels-say-where/0".to_owned().into();
        Servers::by_sentinels(&url, sentinels).expect("a URL")
    }

    /// Waits until it takes another server for the master.
    pub(crate) async fn until_master_is(&self, server: &RedisServer) {
        let port = server.port().to_string();
        self.wait_for("port", |it| it == port).await;
    }

    /// Stops it in its tracks, or lets it go on.
    pub(crate) fn freeze(&self, frozen: bool) {
        let signal = if frozen { "-STOP" } else { "-CONT" };
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.expect("kill is installed").success());
    }

    async fn wait_for(&self, field: &str, is: impl Fn(&str) -> bool) {
        for _ in 0..600 {
            if self.field(field).await.is_some_and(|value| is(&value)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{field} did not become what it should within thirty seconds");
    }

    async fn field(&self, name: &str) -> Option<String> {
        let client = redis::Client::open(("127.0.0.1", self.port)).ok()?;
        let mut connection = client.get_multiplexed_async_connection().await.ok()?;
        let mut command = redis::cmd("SENTINEL");
        command.arg("MASTER").arg(MASTER);
        let fields: std::collections::BTreeMap<String, String> =
            command.query_async(&mut connection).await.ok()?;
        fields.get(name).cloned()
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
