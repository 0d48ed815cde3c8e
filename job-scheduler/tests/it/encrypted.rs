//! Redis with TLS: at a fixed address and by a Sentinel, and credentials that change while the scheduler runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::JobId;
use job_scheduler::store::Store as _;
use job_scheduler::store::redis::{RedisStore, Servers};
use serde_json::{Value, json};
use service_kit::ManualClock;
use service_kit::config::RedisConfig;
use testbed::{Authority, ServerCertificate};

use crate::redis_server::{RedisServer, free_port};
use crate::rig::Rig;
use crate::sample::{at, settings, shape};
use crate::sentinel::{MASTER, Sentinel};

/// A Redis that listens with TLS too, and who signed for it.
struct Encrypted {
    redis: RedisServer,
    port: u16,
    files: ServerCertificate,
    directory: PathBuf,
}

impl Encrypted {
    async fn start(name: &str) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let authority = Authority::new().expect("keys can be made");
        let files = authority.server(&directory).expect("it can be signed");
        let port = free_port();
        // The settings of a server live as long as its test.
        let text = |path: &Path| -> &'static str { path.display().to_string().leak() };
        let redis = RedisServer::start_with(&[
            ("tls-port", port.to_string().leak()),
            ("tls-auth-clients", "no"),
            ("tls-cert-file", text(&files.certificate)),
            ("tls-key-file", text(&files.key)),
            ("tls-ca-cert-file", text(&files.authority)),
        ])
        .await;
        Self {
            redis,
            port,
            files,
            directory,
        }
    }

    fn url(&self) -> String {
        format!("rediss://127.0.0.1:{}/0", self.port)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.join(name);
        std::fs::write(&path, text).expect("the directory is ours");
        path
    }
}

fn servers(config: Value) -> Result<Servers, String> {
    let config: RedisConfig = serde_json::from_value(config).expect("a configuration");
    Servers::of(&config).map_err(|error| error.to_string())
}

fn store(config: Value) -> Arc<RedisStore> {
    let servers = servers(config).expect("it can be used");
    let patience = Duration::from_secs(5);
    Arc::new(RedisStore::at(servers, "test", patience, shape(2)))
}

#[tokio::test]
async fn redis_is_trusted_for_its_certificate_and_a_job_is_made_there() {
    let encrypted = Encrypted::start("redis-trusted").await;
    let trusting = store(json!({"url": encrypted.url(), "ca_file": encrypted.files.authority}));
    let rig = Rig::on(trusting, settings(2), ManualClock::at(at(0))).await;
    let id: JobId = rig.create("t1").await;
    let exists: u64 = encrypted.redis.ask(&format!("EXISTS test:job:{id}")).await;
    assert_eq!(exists, 1);

    let untrusting = store(json!({"url": encrypted.url()}));
    assert!(untrusting.ping().await.is_err());
    let stranger = Authority::new().expect("keys can be made");
    let file = encrypted.write("stranger.pem", stranger.pem());
    let mistaken = store(json!({"url": encrypted.url(), "ca_file": file}));
    assert!(mistaken.ping().await.is_err());
    // A file that is replaced counts for the next connection.
    let text = std::fs::read_to_string(&encrypted.files.authority).expect("it is there");
    encrypted.write("stranger.pem", &text);
    mistaken.ping().await.expect("it is trusted now");
}

#[tokio::test]
async fn a_sentinel_is_spoken_to_as_redis_is() {
    let encrypted = Encrypted::start("redis-sentinel").await;
    let port = free_port();
    let _sentinel = Sentinel::encrypted(port, encrypted.port, &encrypted.files).await;
    let address = format!("127.0.0.1:{port}");
    let config = |url: &str| {
        json!({
            "url": url,
            "sentinels": [address],
            "sentinel_master": MASTER,
            "ca_file": encrypted.files.authority,
        })
    };
    let store = store(config("rediss://sentinels-say-where/0"));
    store.ping().await.expect("found and trusted");
    let refused = servers(config("redis://sentinels-say-where/0")).map(|_| ());
    let refused = refused.expect_err("nothing is encrypted");
    assert!(
        refused.starts_with("redis.ca_file means nothing"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_password_that_is_rotated_is_taken_up() {
    let encrypted = Encrypted::start("redis-password").await;
    let url =
        |password: &str| format!("redis://:{password}@127.0.0.1:{}/0", encrypted.redis.port());
    let file = encrypted.write("url", &url("first"));
    encrypted
        .redis
        .ask::<()>("CONFIG SET requirepass first")
        .await;
    let store = store(json!({"url_file": file}));
    store.ping().await.expect("the first password is right");
    // First Redis takes both, then the file has the new one, then the old one goes, and with it whoever uses it.
    let administrator = redis::Client::open(url("first")).expect("a URL");
    let mut administrator = administrator
        .get_multiplexed_async_connection()
        .await
        .expect("logged in");
    let mut tell = async |words: &[&str]| {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        let told: redis::RedisResult<Value> = command
            .query_async::<redis::Value>(&mut administrator)
            .await
            .map(|_| Value::Null);
        told.expect("it does what it is told");
    };
    tell(&["ACL", "SETUSER", "default", ">second"]).await;
    encrypted.write("url", &url("second"));
    store.ping().await.expect("the connection stays");
    tell(&["ACL", "SETUSER", "default", "<first"]).await;
    tell(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
    // The first call may find out that the connection is gone.
    let _ = store.ping().await;
    store.ping().await.expect("the second password is right");
}
