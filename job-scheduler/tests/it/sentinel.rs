//! A private Sentinel for one test, alone to decide.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use job_scheduler::store::redis::Servers;
use service_kit::config::RedisConfig;
use testbed::ServerCertificate;

use crate::redis_server::{RedisServer, free_port};

/// What it calls the master.
pub(crate) const MASTER: &str = "jobs";

/// A Sentinel that dies with this value.
pub(crate) struct Sentinel {
    process: Child,
    port: u16,
    directory: PathBuf,
}

impl Sentinel {
    /// Starts one and waits until it knows the master and one replica.
    pub(crate) async fn watch_over(master: &RedisServer) -> Self {
        let sentinel = Self::start(master.port(), "");
        sentinel.wait_for("num-slaves", |it| it == "1").await;
        sentinel
    }

    /// Starts one that listens with TLS on `port` and speaks so to the master, and waits until it finds that one well.
    pub(crate) async fn encrypted(port: u16, master: u16, files: &ServerCertificate) -> Self {
        let sentinel = Self::start(
            master,
            &format!(
                "tls-port {port}\ntls-auth-clients no\ntls-replication yes\n\
                 tls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\n",
                files.certificate.display(),
                files.key.display(),
                files.authority.display(),
            ),
        );
        sentinel.wait_for("flags", |it| it == "master").await;
        sentinel
    }

    fn start(master: u16, more: &str) -> Self {
        let port = free_port();
        let directory =
            std::env::temp_dir().join(format!("scheduler-sentinel-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a scratch directory can be made");
        let settings = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\n\
             sentinel monitor {MASTER} 127.0.0.1 {master} 1\n\
             sentinel down-after-milliseconds {MASTER} 500\n\
             sentinel failover-timeout {MASTER} 2000\n{more}",
            directory.display(),
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
        Self {
            process,
            port,
            directory,
        }
    }

    /// The way to the master that it knows.
    pub(crate) fn servers(&self) -> Servers {
        let url = "redis://sentinels-say-where/0".to_owned();
        let mut config = RedisConfig::at(url.into());
        // Of several, those that are away do not matter.
        config.sentinels = [1, self.port]
            .map(|port| format!("127.0.0.1:{port}").parse().expect("an address"))
            .to_vec();
        MASTER.clone_into(&mut config.sentinel_master);
        Servers::of(&config).expect("a URL")
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
