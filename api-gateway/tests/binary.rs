//! The binary as an operator meets it: exit codes, admin port, drain.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

const CONFIG: &str = "IMAGE_REPLICATOR_CONFIG";

fn gateway() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_api-gateway"));
    command
        .env_remove(CONFIG)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

async fn exit_code(command: &mut Command) -> Option<i32> {
    command.status().await.expect("it starts").code()
}

#[tokio::test]
async fn a_wrong_command_line_or_configuration_is_64() {
    assert_eq!(exit_code(gateway().arg("--help")).await, Some(0));
    assert_eq!(exit_code(gateway().arg("--version")).await, Some(0));
    assert_eq!(exit_code(gateway().arg("--colour")).await, Some(64));
    assert_eq!(exit_code(&mut gateway()).await, Some(64));
    let missing = Path::new("/nowhere/image-replicator.toml");
    assert_eq!(
        exit_code(gateway().arg("--config").arg(missing)).await,
        Some(64)
    );
    let config = Config::write(free_address(), free_address());
    let mut killed_too_early = gateway();
    killed_too_early
        .arg("--config")
        .arg(&config.0)
        .env("IMAGE_REPLICATOR__GATEWAY__TERMINATION_GRACE_PERIOD", "30s");
    assert_eq!(exit_code(&mut killed_too_early).await, Some(64));
}

#[tokio::test]
async fn it_serves_on_both_ports_and_drains_on_sigterm() {
    let (public, admin) = (free_address(), free_address());
    let config = Config::write(public, admin);
    let mut gateway = gateway()
        .arg("--config")
        .arg(&config.0)
        .env(
            "IMAGE_REPLICATOR__REGIONS__OT1__SERVICE_USER__PASSWORD",
            "secret",
        )
        .spawn()
        .expect("it starts");
    wait_until_ready(admin).await;
    let unauthenticated = format!("http://{public}/v2/extension/image_replicator/jobs");
    assert_eq!(get(&unauthenticated).await.expect("an answer").0, 401);
    let (_, metrics) = get(&format!("http://{admin}/metrics"))
        .await
        .expect("an answer");
    for line in [
        r#"image_replicator_gateway_requests_total{method="GET",route="/v2/extension/image_replicator/jobs",code="401"} 1"#,
        "# UNIT image_replicator_gateway_request_duration_seconds seconds",
        "image_replicator_gateway_token_lookups_total 0",
    ] {
        assert!(
            metrics.lines().any(|there| there == line),
            "{line} is not in\n{metrics}"
        );
    }
    assert_eq!(terminate(&mut gateway).await.code(), Some(0));
}

async fn terminate(gateway: &mut Child) -> ExitStatus {
    let pid = gateway
        .id()
        .and_then(|pid| Pid::from_raw(pid.try_into().ok()?));
    kill_process(pid.expect("it runs"), Signal::TERM).expect("it can be told");
    timeout(Duration::from_secs(20), gateway.wait())
        .await
        .expect("it ends in time")
        .expect("it ends")
}

async fn wait_until_ready(admin: SocketAddr) {
    let ready = async {
        while get(&format!("http://{admin}/readyz"))
            .await
            .is_none_or(|(code, _)| code != 200)
        {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(20), ready)
        .await
        .expect("it gets ready");
}

async fn get(url: &str) -> Option<(u16, String)> {
    openstack::install_crypto_provider();
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let response = client.get(url).send().await.ok()?;
    Some((response.status().as_u16(), response.text().await.ok()?))
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}

/// A configuration file; removed when dropped.
struct Config(PathBuf);

impl Config {
    fn write(public: SocketAddr, admin: SocketAddr) -> Self {
        let path = std::env::temp_dir().join(format!("api-gateway-{}.toml", public.port()));
        let text = format!(
            r#"
            [gateway]
            region = "ot1"
            listen = "{public}"
            admin_listen = "{admin}"
            drain_delay = "0s"
            [regions.ot1]
            keystone_url = "http://127.0.0.1:9/v3"
            service_user = {{ username = "image-replicator" }}
            "#
        );
        fs::write(&path, text).expect("the file can be written");
        Self(path)
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
