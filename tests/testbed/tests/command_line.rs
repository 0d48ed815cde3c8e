//! The test bed as a program, step by step as the README shows it, on a real one without our services.

use std::path::{Path, PathBuf};
use std::process::Output;

use anyhow::{Context, ensure};
use serde_json::Value;
use tokio::process::Command;

/// A test bed that is ended whatever becomes of the test.
struct Directory(PathBuf);

impl Directory {
    async fn testbed(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
        command.args(arguments).arg("--state").arg(&self.0);
        text_of(command.output().await?)
    }

    fn document(&self) -> anyhow::Result<Value> {
        let text = std::fs::read_to_string(self.0.join("testbed.json"))?;
        Ok(serde_json::from_str(&text)?)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.0.exists() {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_testbed"));
            // Only after a failure, which is what shall be told.
            let _ = command
                .args(["down", "--wipe", "--state"])
                .arg(&self.0)
                .status();
        }
    }
}

fn text_of(output: Output) -> anyhow::Result<String> {
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {errors}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

fn is_alive(pid: &Value) -> bool {
    pid.as_u64()
        .is_some_and(|pid| Path::new(&format!("/proc/{pid}")).exists())
}

#[tokio::test]
async fn up_env_kill_start_and_down() -> anyhow::Result<()> {
    let name = format!("testbed-command-line-{}", std::process::id());
    let directory = Directory(std::env::temp_dir().join(name));
    directory.testbed(&["up", "--no-services"]).await?;

    let document = directory.document()?;
    for key in ["gateway_url", "rabbitmq_url", "redis_url"] {
        ensure!(document[key].is_string(), "{key}: {document:#}");
    }
    for region in ["ot1", "ot2"] {
        let described = &document["regions"][region];
        for key in ["keystone_url", "glance_url", "image_endpoint", "store_dir"] {
            ensure!(
                described[key].is_string(),
                "{key} of {region}: {document:#}"
            );
        }
        let keystone = described["keystone_url"].as_str().unwrap_or_default();
        ensure!(keystone.ends_with("/v3"), "{keystone}");
        for project in ["proj-ot1", "proj-ot2", "other", "service"] {
            ensure!(
                document["projects"][region][project].is_string(),
                "{project}: {document:#}"
            );
        }
    }
    ensure!(
        document["projects"]["ot1"] == document["projects"]["ot2"],
        "one Keystone"
    );
    for user in ["alice", "bob", "carol", "rita", "admin"] {
        let described = &document["users"][user];
        ensure!(
            described["password"].is_string() && described["domain_id"] == "default",
            "{user}"
        );
    }
    for part in [
        "rabbitmq",
        "redis",
        "keystone",
        "glance-ot1",
        "glance-ot2",
        "front-ot1",
    ] {
        let described = &document["parts"][part];
        ensure!(
            is_alive(&described["pid"]) && described["log"].is_string(),
            "{part}"
        );
    }

    openstack_client_works(&directory, &document).await?;

    directory.testbed(&["kill", "redis"]).await?;
    ensure!(!is_alive(&document["parts"]["redis"]["pid"]), "killed");
    ensure!(
        directory.document()?["parts"]["redis"]["pid"].is_null(),
        "and told"
    );
    directory.testbed(&["start", "redis"]).await?;
    ensure!(
        is_alive(&directory.document()?["parts"]["redis"]["pid"]),
        "started again"
    );

    let document = directory.document()?;
    directory.testbed(&["down", "--wipe"]).await?;
    let parts = document["parts"].as_object().context("parts")?;
    let survivors: Vec<_> = parts
        .iter()
        .filter(|(_, part)| is_alive(&part["pid"]))
        .collect();
    ensure!(survivors.is_empty(), "{survivors:?}");
    ensure!(!directory.0.exists(), "--wipe removes the state");
    Ok(())
}

/// The ordinary client, set up by what `testbed env` prints, through the region's front.
async fn openstack_client_works(directory: &Directory, document: &Value) -> anyhow::Result<()> {
    let client = document["openstack_client"]
        .as_str()
        .context("the client")?;
    let exports = directory
        .testbed(&["env", "--user", "alice", "--region", "ot1"])
        .await?;
    let script = format!(
        "{exports}\n{client} image create --file /etc/hostname hosts -f value -c id\n{client} image list -f value -c ID -c Status"
    );
    let listed = text_of(Command::new("sh").args(["-ec", &script]).output().await?)?;
    let mut lines = listed.lines();
    let created = lines.next().context("an id")?;
    ensure!(
        lines.any(|line| line == format!("{created} active")),
        "{listed}"
    );
    Ok(())
}
