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
}

impl RedisServer {
    /// Starts one and waits until it answers.
    ///
    /// # Panics
    /// When Redis is not installed or does not start: the test that needs it cannot be run.
    pub(crate) async fn start() -> Self {
        let port = free_port();
        let directory =
            std::env::temp_dir().join(format!("scheduler-redis-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a scratch directory can be made");
        let process = spawn(port, &directory);
        let server = Self {
            process,
            port,
            directory,
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

    /// Stops it in its tracks, or lets it go on: its connections stay open and say nothing.
    pub(crate) fn freeze(&self, frozen: bool) {
        let signal = if frozen { "-STOP" } else { "-CONT" };
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.expect("kill is installed").success());
    }

    /// Starts it again on the same port and data.
    pub(crate) async fn restart(&mut self) {
        self.process = spawn(self.port, &self.directory);
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

fn spawn(port: u16, directory: &PathBuf) -> Child {
    Command::new("redis-server")
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
        .arg("--dir")
        .arg(directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server cannot be started: install the Debian package `redis-server`")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}
