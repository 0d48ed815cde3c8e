//! Debian packages: RabbitMQ, Redis, nginx, and what a Python environment needs to be built.
//!
//! Packages that start a daemon when they are installed are kept from it: the test bed runs its own, and a
//! machine is left with no more daemons than it had.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tokio::process::Command;

use crate::cache;
use crate::command::output_of;
use crate::narrator::{say, timed};

/// Debian's way to forbid daemon starts during installation: this program answers 101 (see invoke-rc.d(8)).
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Somebody else's installation is waited for, in seconds (see apt.conf(5)).
const WAIT: &str = "-oDPkg::Lock::Timeout=600";

/// The brokers' and nginx's programs.
pub(crate) struct Programs {
    pub(crate) rabbitmq_server: PathBuf,
    pub(crate) epmd: PathBuf,
    pub(crate) redis_server: PathBuf,
    pub(crate) nginx: PathBuf,
}

/// Finds the programs.
///
/// # Errors
/// Names the first one that is missing.
pub(crate) fn locate() -> anyhow::Result<Programs> {
    Ok(Programs {
        rabbitmq_server: rabbitmq_launcher().context("rabbitmq-server is not installed")?,
        epmd: find("epmd").context("epmd is not installed")?,
        redis_server: find("redis-server").context("redis-server is not installed")?,
        nginx: find("nginx").context("nginx is not installed")?,
    })
}

/// Installs the packages whose programs are missing.
///
/// # Errors
/// When apt-get is missing, may not be run or fails.
pub(crate) async fn install_missing() -> anyhow::Result<()> {
    let mut missing = Vec::new();
    if rabbitmq_launcher().is_none() {
        missing.push("rabbitmq-server");
    }
    if find("redis-server").is_none() {
        missing.push("redis-server");
    }
    if find("nginx").is_none() {
        missing.push("nginx-light");
    }
    install(&missing).await
}

/// Installs `packages`, refreshing the package lists only when apt does not know them yet.
///
/// # Errors
/// When apt-get is missing, may not be run or fails.
pub(crate) async fn install(packages: &[&str]) -> anyhow::Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    if find("apt-get").is_none() {
        bail!(
            "please install {}: this machine has no apt-get",
            packages.join(", ")
        );
    }
    // apt-get refuses to run twice at once; and the ban on daemons is one for the machine.
    let _alone = cache::alone("packages").await?;
    timed(format_args!("installing {}", packages.join(", ")), async {
        let policy = DaemonBan::impose().await?;
        let result = apt_install(packages).await;
        policy.lift().await?;
        result
    })
    .await
}

async fn apt_install(packages: &[&str]) -> anyhow::Result<()> {
    let arguments: Vec<&str> = ["install", "-y", "--no-install-recommends", WAIT]
        .into_iter()
        .chain(packages.iter().copied())
        .collect();
    if output_of(as_root("apt-get", &arguments)).await.is_err() {
        say("refreshing the package lists");
        output_of(as_root("apt-get", &["update"])).await?;
        output_of(as_root("apt-get", &arguments)).await?;
    }
    Ok(())
}

/// The ban on daemon starts, unless the machine already has a policy of its own.
struct DaemonBan {
    ours: bool,
}

impl DaemonBan {
    async fn impose() -> anyhow::Result<Self> {
        if Path::new(POLICY).exists() {
            return Ok(Self { ours: false });
        }
        let script = format!("printf '#!/bin/sh\\nexit 101\\n' > {POLICY} && chmod 755 {POLICY}");
        output_of(as_root("sh", &["-c", &script])).await?;
        Ok(Self { ours: true })
    }

    async fn lift(self) -> anyhow::Result<()> {
        if self.ours {
            output_of(as_root("rm", &["-f", POLICY])).await?;
        }
        Ok(())
    }
}

fn as_root(program: &str, arguments: &[&str]) -> Command {
    let root = rustix::process::geteuid().is_root();
    let mut command = Command::new(if root { "env" } else { "sudo" });
    if !root {
        command.args(["-n", "env"]);
    }
    command
        .arg("DEBIAN_FRONTEND=noninteractive")
        .arg(program)
        .args(arguments);
    command
}

/// Looks for `program` on the path and where Debian keeps daemons, which ordinary users' paths omit.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/bin"].map(PathBuf::from))
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

/// The library, for programs with threads; it is where the machine's architecture has its libraries.
pub(crate) fn faketime() -> Option<PathBuf> {
    std::fs::read_dir("/usr/lib")
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.is_file())
}

/// `/usr/sbin/rabbitmq-server` insists on becoming user rabbitmq; the script behind it does not.
fn rabbitmq_launcher() -> Option<PathBuf> {
    std::fs::read_dir("/usr/lib/rabbitmq/lib")
        .ok()?
        .filter_map(Result::ok)
        .filter(|entry| is_release(&entry.file_name()))
        .map(|entry| entry.path().join("sbin/rabbitmq-server"))
        .find(|script| script.is_file())
}

fn is_release(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with("rabbitmq_server-")
}
