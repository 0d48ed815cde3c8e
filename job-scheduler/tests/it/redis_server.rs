//! A private Redis for one test: on a free port, in a directory of its own, gone with the test.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A Redis that dies with this value.
pub(crate) struct RedisServer {
    process: Child,
    port: u16,
    directory: PathBuf,
    /// Laid over the settings that lose nothing.
    settings: Vec<(&'static str, &'static str)>,
    disk: Disk,
}

/// How much it may write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Disk {
    Large,
    /// No file grows beyond a mebibyte; as on a full disk, writing more is an error.
    Small,
}

impl RedisServer {
    /// Starts one and waits until it answers.
    ///
    /// # Panics
    /// When Redis is not installed or does not start: the test that needs it cannot be run.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with other settings, as in redis.conf.
    pub(crate) async fn start_with(settings: &[(&'static str, &'static str)]) -> Self {
        Self::start_on(Disk::Large, settings).await
    }

    /// The same on a disk that is soon full.
    pub(crate) async fn start_on_small_disk(settings: &[(&'static str, &'static str)]) -> Self {
        Self::start_on(Disk::Small, settings).await
    }

    async fn start_on(disk: Disk, settings: &[(&'static str, &'static str)]) -> Self {
        let port = free_port();
        let directory =
            std::env::temp_dir().join(format!("scheduler-redis-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a scratch directory can be made");
        let server = Self {
            process: spawn(port, &directory, settings, disk),
            port,
            directory,
            settings: settings.to_vec(),
            disk,
        };
        server.wait_until_ready().await;
        server
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// The port that it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Kills it as a crash would.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it was started here");
    }

    /// Everything that it has written.
    pub(crate) fn wipe(&self) {
        std::fs::remove_dir_all(&self.directory).expect("it is there");
        std::fs::create_dir_all(&self.directory).expect("it was there");
    }

    /// Runs a command and gives its answer.
    pub(crate) async fn ask<T: redis::FromRedisValue>(&self, command: &str) -> T {
        ask(self.port, command).await
    }

    /// Makes it a replica of what listens on a port, and waits until both say that it follows.
    pub(crate) async fn follow(&self, port: u16) {
        self.ask::<()>(&format!("REPLICAOF 127.0.0.1 {port}")).await;
        for _ in 0..600 {
            let here: String = self.ask("INFO replication").await;
            let there: String = ask(port, "INFO replication").await;
            let count = |word| there.matches(word).count();
            let follow = count("state=") > 0 && count("state=") == count("state=online");
            if here.contains("master_link_status:up") && follow {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the replica did not follow within thirty seconds");
    }

    /// Stops it in its tracks, or lets it go on: its connections stay open and say nothing.
    pub(crate) fn freeze(&self, frozen: bool) {
        let signal = if frozen { "-STOP" } else { "-CONT" };
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.expect("kill is installed").success());
    }

    /// Starts it again on the same port and data.
    pub(crate) async fn restart(&mut self) {
        self.process = spawn(self.port, &self.directory, &self.settings, self.disk);
        self.wait_until_ready().await;
    }

    async fn wait_until_ready(&self) {
        let client = redis::Client::open(self.url()).expect("a URL");
        for _ in 0..200 {
            if let Ok(mut connection) = client.get_multiplexed_async_connection().await {
                let pong = redis::cmd("PING")
                    .query_async::<String>(&mut connection)
                    .await;
                if pong.is_ok() {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("redis-server did not answer within ten seconds");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

async fn ask<T: redis::FromRedisValue>(port: u16, command: &str) -> T {
    let client = redis::Client::open(("127.0.0.1", port)).expect("an address");
    let connection = client.get_multiplexed_async_connection().await;
    let mut words = command.split(' ');
    let mut command = redis::cmd(words.next().expect("a command"));
    for word in words {
        command.arg(word);
    }
    let mut connection = connection.expect("it runs");
    let answer = command.query_async(&mut connection).await;
    answer.expect("it can be asked that")
}

fn spawn(port: u16, directory: &PathBuf, settings: &[(&str, &str)], disk: Disk) -> Child {
    let settings = settings.iter();
    let mut command = match disk {
        Disk::Large => Command::new("redis-server"),
        Disk::Small => {
            let mut shell = Command::new("bash");
            let limited = "trap '' XFSZ; ulimit -f 1024; exec redis-server \"$@\"";
            shell.args(["-c", limited, "redis-server"]);
            shell
        }
    };
    command
        .args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
        ])
        .args(["--appendonly", "yes", "--appendfsync", "always"])
        .args(["--maxmemory-policy", "noeviction"])
        // A replica that joins is not to wait for others to join with it.
        .args(["--repl-diskless-sync-delay", "0"])
        .args(settings.flat_map(|(name, values)| {
            let values = values.split(' ').map(str::to_owned);
            std::iter::once(format!("--{name}")).chain(values)
        }))
        .arg("--dir")
        .arg(directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server cannot be started: install the Debian package `redis-server`")
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}
