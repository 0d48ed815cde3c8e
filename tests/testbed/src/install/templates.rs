//! Databases that are made once and copied ever after: Glance's schema, and a Keystone that is already seeded.
//!
//! Migrations, bootstrap and seeding cost most of a minute; a copy costs nothing. A template's name changes
//! with the lock file and with the seeds, so none is ever out of date.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use tokio::process::Command;

use super::python;
use crate::cache;
use crate::command::output_of;
use crate::narrator::timed;
use crate::parts::keystone;
use crate::ready::Probe;
use crate::region::Region;
use crate::seed::{self, Ids};
use crate::wait::eventually;

/// Longest wait for the Keystone that is being seeded.
const PATIENCE: Duration = Duration::from_secs(120);

/// A seeded Keystone database, by the regions that it serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DatabaseTemplate {
    /// Both regions.
    Shared,
    /// One region; the other has a Keystone of its own with ids of its own.
    Split(Region),
}

impl DatabaseTemplate {
    pub(crate) const ALL: [Self; 3] = [
        Self::Shared,
        Self::Split(Region::Ot1),
        Self::Split(Region::Ot2),
    ];

    fn name(self) -> String {
        match self {
            Self::Shared => "shared".to_owned(),
            Self::Split(region) => region.to_string(),
        }
    }

    fn regions(self) -> Vec<Region> {
        match self {
            Self::Shared => Region::ALL.into(),
            Self::Split(region) => vec![region],
        }
    }
}

/// A seeded Keystone database and the ids in it.
#[derive(Debug)]
pub(crate) struct SeededKeystone {
    pub(crate) database: PathBuf,
    pub(crate) ids: Ids,
}

/// The template for `template`, made when the cache lacks it.
///
/// # Errors
/// When Keystone cannot be set up, started or seeded.
pub(crate) async fn keystone_template(
    venv: &Path,
    template: DatabaseTemplate,
) -> anyhow::Result<SeededKeystone> {
    let seeds = concat!(
        include_str!("../seed.rs"),
        include_str!("../parts/keystone.rs")
    );
    let key = cache::fingerprint(&[python::LOCK, seeds]);
    let name = format!("keystone-{}-{key}", template.name());
    let directory = cache::entry(&name, |directory| async move {
        let what = format!("preparing a seeded Keystone ({})", template.name());
        timed(what, make_keystone(venv, template, &directory)).await
    })
    .await?;
    let ids = fs::read_to_string(directory.join("ids.json"))?;
    Ok(SeededKeystone {
        database: directory.join("keystone.db"),
        ids: serde_json::from_str(&ids)?,
    })
}

async fn make_keystone(
    venv: &Path,
    template: DatabaseTemplate,
    directory: &Path,
) -> anyhow::Result<()> {
    let port = free_port()?;
    let config = keystone::configure(directory, port, 3600)?;
    let regions = template.regions();
    let home = seed::placeholder("keystone", regions[0]) + "/v3";
    let mut sync = manage(venv, &config);
    sync.arg("db_sync");
    output_of(sync).await?;
    let mut bootstrap = manage(venv, &config);
    bootstrap.args([
        "bootstrap",
        "--bootstrap-password",
        seed::password("admin")?,
    ]);
    bootstrap.args(["--bootstrap-region-id", regions[0].as_str()]);
    for interface in ["admin", "internal", "public"] {
        bootstrap.args([&format!("--bootstrap-{interface}-url"), &home]);
    }
    output_of(bootstrap).await?;

    let modules = directory.join("wsgi");
    crate::wsgi::write_to(&modules)?;
    let launch = keystone::uwsgi(
        &venv.join("bin/uwsgi"),
        &modules,
        port,
        "keystone_on_sqlite",
    );
    let log = fs::File::create(directory.join("uwsgi.log"))?;
    let mut server = Command::new(&launch.program)
        .args(&launch.arguments)
        .args(["--processes", "1", "--threads", "4"])
        .env("OS_KEYSTONE_CONFIG_FILES", &config)
        .stdin(std::process::Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true)
        .spawn()?;
    let url = format!("http://127.0.0.1:{port}/v3");
    let probe = Probe::Keystone(url.clone());
    eventually(PATIENCE, "Keystone for seeding", || probe.check()).await?;
    let ids = seed::seed(&url, &regions).await?;
    fs::write(
        directory.join("ids.json"),
        serde_json::to_string_pretty(&ids)?,
    )?;

    let pid = server.id().and_then(|id| i32::try_from(id).ok());
    let pid = pid
        .and_then(rustix::process::Pid::from_raw)
        .context("Keystone has gone")?;
    rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
    server.wait().await?;
    Ok(())
}

fn manage(venv: &Path, config: &Path) -> Command {
    let mut command = Command::new(venv.join("bin/keystone-manage"));
    command
        .env("PYTHONWARNINGS", "ignore")
        .arg("--config-file")
        .arg(config);
    command
}

/// Glance's empty database, made when the cache lacks it.
///
/// # Errors
/// When Glance cannot set it up.
pub(super) async fn glance(venv: &Path) -> anyhow::Result<PathBuf> {
    let name = format!("glance-{}", cache::fingerprint(&[python::LOCK]));
    let directory = cache::entry(&name, |directory| async move {
        timed("preparing Glance's database", async {
            let config = directory.join("glance-api.conf");
            let database = directory.join("glance.db");
            let text = format!(
                "[database]\nconnection = sqlite:///{}\n",
                database.display()
            );
            fs::write(&config, text)?;
            let mut sync = Command::new(venv.join("bin/glance-manage"));
            sync.env("PYTHONWARNINGS", "ignore")
                .arg("--config-file")
                .arg(&config)
                .arg("db_sync");
            output_of(sync).await?;
            Ok(())
        })
        .await
    })
    .await?;
    Ok(directory.join("glance.db"))
}

fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()?
        .port())
}
