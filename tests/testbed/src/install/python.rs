//! Python environments, each from a lock file of its own: the one with the real Keystone, Glance, uwsgi and openstack
//! client, and one for each foreign client.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::packages;
use crate::cache;
use crate::command::output_of;
use crate::narrator::timed;

/// Every package of the test bed's own environment, pinned.
pub(super) const LOCK: &str = include_str!("../../requirements.lock");

/// What an environment is made of.
#[derive(Debug)]
pub(crate) struct Environment {
    /// What it is for; empty for the test bed's own.
    pub(crate) name: &'static str,
    /// Every package, pinned, one a line.
    pub(crate) lock: &'static str,
    /// Name and text of a `.pth` file that Python reads whenever it starts there.
    pub(crate) start_up: Option<(&'static str, &'static str)>,
}

/// The test bed's own.
pub(super) const SERVERS: Environment = Environment {
    name: "",
    lock: LOCK,
    start_up: None,
};

/// Exits 0 when an interpreter can build the environment: recent enough for the pinned versions, able to make
/// environments, and with the headers that uwsgi is compiled against.
const CHECK: &str = "import sys, os, sysconfig, venv, ensurepip; \
    ok = (3, 11) <= sys.version_info < (3, 14) \
    and os.path.exists(os.path.join(sysconfig.get_paths()['include'], 'Python.h')); \
    sys.exit(0 if ok else 1)";

/// A Python that can build the environment; Debian's own is completed when there is none.
///
/// # Errors
/// When no interpreter fits even then.
pub(super) async fn interpreter() -> anyhow::Result<PathBuf> {
    if packages::find("gcc").is_none() {
        packages::install(&["gcc", "libc6-dev"]).await?;
    }
    for name in ["python3", "python3.11", "python3.12", "python3.13"] {
        if let Some(python) = packages::find(name)
            && is_fit(&python).await
        {
            return Ok(python);
        }
    }
    packages::install(&["python3", "python3-venv", "python3-dev"]).await?;
    let python = PathBuf::from("/usr/bin/python3");
    anyhow::ensure!(
        is_fit(&python).await,
        "no Python between 3.11 and 3.13 with venv and headers was found or could be installed"
    );
    Ok(python)
}

async fn is_fit(python: &Path) -> bool {
    let mut check = Command::new(python);
    check.args(["-c", CHECK]);
    output_of(check).await.is_ok()
}

/// The environment's directory, built when the cache has none for this lock file and this Python.
///
/// # Errors
/// When the environment cannot be made or a package cannot be installed.
pub(super) async fn environment(
    python: &Path,
    environment: &Environment,
) -> anyhow::Result<PathBuf> {
    let mut version = Command::new(python);
    version.args(["-c", "import sys; print(sys.version, sys.base_prefix)"]);
    let version = output_of(version).await?;
    let mut ingredients = vec![environment.lock, &version];
    ingredients.extend(environment.start_up.map(|(_, text)| text));
    let fingerprint = cache::fingerprint(&ingredients);
    let name = match environment.name {
        "" => format!("venv-{fingerprint}"),
        name => format!("venv-{name}-{fingerprint}"),
    };
    cache::entry(&name, |directory| build(python, environment, directory)).await
}

async fn build(python: &Path, environment: &Environment, directory: PathBuf) -> anyhow::Result<()> {
    let what = match environment.name {
        "" => "building the Python environment (Keystone, Glance, uwsgi; minutes)".to_owned(),
        name => format!("building the Python environment of {name}"),
    };
    timed(what, async {
        let mut venv = Command::new(python);
        venv.args(["-m", "venv"]).arg(&directory);
        output_of(venv).await?;
        let lock = directory.join("requirements.lock");
        std::fs::write(&lock, environment.lock)?;
        let mut pip = Command::new(directory.join("bin/python"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
        ])
        .arg(&lock);
        output_of(pip).await?;
        if let Some((name, text)) = environment.start_up {
            std::fs::write(site_packages(&directory).await?.join(name), text)?;
        }
        Ok(())
    })
    .await
}

/// Where an environment's packages, and its `.pth` files, are.
async fn site_packages(environment: &Path) -> anyhow::Result<PathBuf> {
    let mut question = Command::new(environment.join("bin/python"));
    question.args([
        "-c",
        "import sysconfig; print(sysconfig.get_paths()['purelib'], end='')",
    ]);
    output_of(question).await.map(PathBuf::from)
}
