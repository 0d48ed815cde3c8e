//! Where everything of one test bed is: its directory, its ports, its addresses, its programs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::binaries::Binaries;
use crate::install::Installed;
use crate::links::Link;
use crate::options::Options;
use crate::parts::{Part, Sharing};
use crate::ports::Ports;
use crate::region::Region;

/// What every part's configuration is written from.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) directory: PathBuf,
    pub(crate) options: Options,
    pub(crate) ports: Ports,
    pub(crate) installed: Installed,
    pub(crate) binaries: Binaries,
    /// The ports of links that lead through a proxy.
    pub(crate) ways: BTreeMap<Link, u16>,
}

impl Site {
    /// `DIR/<part>`, created when missing.
    pub(crate) fn part_directory(&self, part: Part) -> anyhow::Result<PathBuf> {
        let directory = self.directory.join(part.to_string());
        fs::create_dir_all(&directory)?;
        Ok(directory)
    }

    /// Where a part's output goes.
    pub(crate) fn log(&self, part: Part) -> PathBuf {
        self.directory.join("log").join(format!("{part}.log"))
    }

    /// Where the supervisor notes a part's process id while the part runs.
    pub(crate) fn pid_file(&self, part: Part) -> PathBuf {
        self.log(part).with_extension("pid")
    }

    /// Where the WSGI modules of the checked-in `wsgi` folder are written for uwsgi to import.
    pub(crate) fn wsgi(&self) -> PathBuf {
        self.directory.join("wsgi")
    }

    pub(crate) fn keystone_part(&self, region: Region) -> Part {
        let sharing = if self.options.split_keystone {
            Sharing::Split
        } else {
            Sharing::Shared
        };
        Part::Keystone(self.options.keystone_of(region), sharing)
    }

    /// The Keystone that serves `region`; ends in `/v3`.
    pub(crate) fn keystone_url(&self, region: Region) -> String {
        let port = self.ports.keystone(self.options.keystone_of(region));
        format!("http://127.0.0.1:{port}/v3")
    }

    /// Glance itself, past the front.
    pub(crate) fn glance_url(&self, region: Region) -> String {
        format!("http://127.0.0.1:{}", self.ports.glance(region))
    }

    /// The region's front: what the catalog gives as `image` endpoint.
    pub(crate) fn front_url(&self, region: Region) -> String {
        format!("http://127.0.0.1:{}", self.ports.front(region))
    }

    /// Where a region's gateway, or its two, are reached.
    pub(crate) fn gateway_url(&self, region: Region) -> String {
        let port = if self.options.two_gateways.contains(&region) {
            self.ports.gateways(region)
        } else {
            self.ports.gateway(region)
        };
        format!("{}://127.0.0.1:{port}", self.scheme())
    }

    /// How our services are spoken to.
    pub(crate) fn scheme(&self) -> &'static str {
        match self.options.tls {
            Some(_) => "https",
            None => "http",
        }
    }

    pub(crate) fn rabbitmq_url(&self) -> String {
        Self::rabbitmq_at(self.ports.rabbitmq())
    }

    /// The broker's URL by way of `port`.
    pub(crate) fn rabbitmq_at(port: u16) -> String {
        format!("amqp://guest:guest@127.0.0.1:{port}/%2f")
    }

    /// The same with TLS.
    pub(crate) fn rabbitmq_tls_at(port: u16) -> String {
        format!("amqps://guest:guest@127.0.0.1:{port}/%2f")
    }

    pub(crate) fn redis_url(&self) -> String {
        Self::redis_at(self.ports.redis())
    }

    /// Redis' URL by way of `port`.
    pub(crate) fn redis_at(port: u16) -> String {
        format!("redis://127.0.0.1:{port}/0")
    }

    /// The port that a service goes to for what is at the end of `link`: that of the link's proxy, if it has one.
    pub(crate) fn way(&self, link: Link) -> u16 {
        let proxied = self.ways.get(&link).copied();
        proxied.unwrap_or_else(|| link.upstream(self.ports))
    }

    /// Where `region`'s Glance keeps the bytes of images.
    pub(crate) fn store(&self, region: Region) -> PathBuf {
        self.directory.join(format!("glance-{region}/images"))
    }

    /// Where `region`'s Glance keeps the bytes of imports that are under way.
    pub(crate) fn staging(&self, region: Region) -> PathBuf {
        self.directory.join(format!("glance-{region}/staging"))
    }

    /// Where it stands how far the clock of plans is ahead.
    pub(crate) fn plan_clock(&self) -> PathBuf {
        self.directory.join("plan-clock")
    }

    /// Where it stands what the wall clock of schedulers and workers shows.
    pub(crate) fn wall_clock(&self) -> PathBuf {
        self.directory.join("wall-clock")
    }

    pub(crate) fn venv_program(&self, name: &str) -> PathBuf {
        self.installed.venv.join("bin").join(name)
    }
}

/// Writes `text` to `path` so that only the owner can read it: configurations hold passwords.
pub(crate) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    // Two parts that are started at once write the same secrets.
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".{}", uuid::Uuid::new_v4().simple()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())?;
    fs::rename(&unfinished, path)?;
    Ok(())
}
