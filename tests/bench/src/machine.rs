//! What was measured on: the machine, the programs, the commit, the moment and what else was going on.

use std::fs;
use std::path::Path;

use anyhow::Context;
use service_kit::{Clock, SystemClock};
use tokio::process::Command;

use crate::stage::Stage;

/// What a table of figures has to say of where they come from, as a Markdown list. `load` is that of the start.
///
/// # Errors
/// When one of the programs can't be asked.
pub(crate) async fn describe(stage: Option<&Stage>, load: &str) -> anyhow::Result<String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let command = format!("cargo bench-copy {}", arguments.join(" "));
    let servers = match stage {
        Some(stage) => servers(stage)?,
        None => "- No Glance".to_owned(),
    };
    let now = SystemClock.now();
    // Figures of any other than a release are of no use to anybody.
    let build = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    Ok(format!(
        "- Machine: {}, {} processors, {} of memory; stores on tmpfs, everything on loopback\n\
         - Kernel: {}\n\
         {servers}, {}, {}, {}\n\
         - image-replicator: commit {}, {build} build, {}\n\
         - Command: `{}`\n\
         - Started: {}; load average then: {load}\n",
        processor()?,
        std::thread::available_parallelism()?,
        memory()?,
        fs::read_to_string("/proc/sys/kernel/osrelease")?.trim(),
        version_of_curl().await?,
        first_line("nginx", &["-v"]).await?,
        first_line("python3", &["--version"]).await?,
        commit().await?,
        first_line("rustc", &["--version"]).await?,
        command.trim(),
        now.round(jiff::Unit::Second)?,
    ))
}

/// One, five and fifteen minutes.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let averages: Vec<&str> = text.split_whitespace().take(3).collect();
    averages.join(" ")
}

fn processor() -> anyhow::Result<String> {
    let text = fs::read_to_string("/proc/cpuinfo")?;
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let name = name.and_then(|rest| rest.split_once(':'));
    Ok(name
        .map_or("unknown processor", |(_, name)| name.trim())
        .to_owned())
}

fn memory() -> anyhow::Result<String> {
    let text = fs::read_to_string("/proc/meminfo")?;
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let total = total.and_then(|rest| rest.split_whitespace().next());
    let kibibytes: u64 = total.context("no MemTotal")?.parse()?;
    Ok(format!("{} GiB", kibibytes.div_ceil(1024 * 1024)))
}

async fn commit() -> anyhow::Result<String> {
    let changed = !said("git", &["status", "--porcelain", "-uno"])
        .await?
        .is_empty();
    let commit = first_line("git", &["rev-parse", "--short", "HEAD"]).await?;
    Ok(if changed {
        format!("{commit} with changes")
    } else {
        commit
    })
}

/// Without the libraries that it was built with.
async fn version_of_curl() -> anyhow::Result<String> {
    let line = first_line("curl", &["--version"]).await?;
    let words: Vec<&str> = line.split(' ').take(2).collect();
    Ok(words.join(" "))
}

async fn first_line(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let said = said(program, arguments).await?;
    Ok(said.lines().next().unwrap_or_default().trim().to_owned())
}

async fn said(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.output().await;
    let output = output.with_context(|| format!("{program} can't be asked for its version"))?;
    // Some programs tell their version on stderr.
    let said = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&said).into_owned())
}

fn servers(stage: &Stage) -> anyhow::Result<String> {
    let (glance, keystone) = python_packages(stage.destination_glance)?;
    Ok(format!(
        "- Glance {glance} (two processes of 16 threads a region), Keystone {keystone}"
    ))
}

/// Versions of Glance and Keystone, from the environment that process `glance` runs in.
fn python_packages(glance: u32) -> anyhow::Result<(String, String)> {
    let command = fs::read_to_string(format!("/proc/{glance}/cmdline"))?;
    let program = command.split('\0').next().unwrap_or_default();
    let environment = Path::new(program).ancestors().nth(2);
    let libraries = environment
        .context("Glance runs in no environment")?
        .join("lib");
    let mut versions = (String::new(), String::new());
    for python in fs::read_dir(libraries)? {
        for package in fs::read_dir(python?.path().join("site-packages"))? {
            let name = package?.file_name().to_string_lossy().into_owned();
            let Some(name) = name.strip_suffix(".dist-info") else {
                continue;
            };
            match name.split_once('-') {
                Some(("glance", version)) => version.clone_into(&mut versions.0),
                Some(("keystone", version)) => version.clone_into(&mut versions.1),
                _ => {}
            }
        }
    }
    Ok(versions)
}
