//! Clients that others wrote, from the Python package index and unmodified: what callers really use.
//!
//! Each has a Python environment of its own in the cache, from a lock file of its own, made when a test first needs
//! it. Its programs are run by [`TestBed::client`].

use std::path::PathBuf;

use tokio::process::Command;

use crate::bed::TestBed;
use crate::install::{self, Environment};
use crate::openrc;
use crate::region::Region;

/// A client, by the package that it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignClient {
    /// eclsdk, which calls the image copy API.
    Eclsdk,
    /// python-freezerclient, which calls the plans API; brings the program `freezer`.
    Freezerclient,
    /// openstacksdk, which calls the image details API as Nova's.
    Openstacksdk,
    /// python-openstackclient; brings the program `openstack`.
    Openstackclient,
    /// schemathesis, which calls whatever an API document describes; brings the program `st`.
    Schemathesis,
}

/// Puts back a name that eclsdk takes from `collections` and that Python 3.10 moved.
const ECLSDK_START_UP: (&str, &str) = (
    "moved_collections.pth",
    include_str!("../clients/eclsdk.pth"),
);

impl ForeignClient {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Eclsdk,
        Self::Freezerclient,
        Self::Openstacksdk,
        Self::Openstackclient,
        Self::Schemathesis,
    ];

    /// Where its environment is; made before if the cache has none.
    ///
    /// # Errors
    /// When the environment cannot be made.
    pub async fn installed(self) -> anyhow::Result<PathBuf> {
        install::environment(&self.environment()).await
    }

    fn environment(self) -> Environment {
        match self {
            Self::Eclsdk => Environment {
                name: "eclsdk",
                lock: include_str!("../clients/eclsdk.lock"),
                start_up: Some(ECLSDK_START_UP),
            },
            Self::Freezerclient => Environment {
                name: "freezerclient",
                lock: include_str!("../clients/freezerclient.lock"),
                start_up: None,
            },
            Self::Openstacksdk => Environment {
                name: "openstacksdk",
                lock: include_str!("../clients/openstacksdk.lock"),
                start_up: None,
            },
            Self::Openstackclient => Environment {
                name: "openstackclient",
                lock: include_str!("../clients/openstackclient.lock"),
                start_up: None,
            },
            Self::Schemathesis => Environment {
                name: "schemathesis",
                lock: include_str!("../clients/schemathesis.lock"),
                start_up: None,
            },
        }
    }
}

impl TestBed {
    /// One of the client's programs (`python`, `openstack` …), ready to be run as `user` in `region`.
    ///
    /// It gets nothing else of this process's environment, and a home directory without configuration.
    ///
    /// # Errors
    /// When the client cannot be installed or there is no such user.
    pub async fn client(
        &self,
        client: ForeignClient,
        program: &str,
        user: &str,
        region: Region,
    ) -> anyhow::Result<Command> {
        let environment = client.installed().await?;
        let mut command = Command::new(environment.join("bin").join(program));
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.directory())
            .env("LC_ALL", "C.UTF-8")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs(openrc::variables(
                &self.site().options,
                self.site().ports,
                user,
                region,
                None,
            )?);
        Ok(command)
    }
}
