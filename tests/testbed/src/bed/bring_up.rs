//! From nothing, or from an old state directory, to a test bed whose every part is ready.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{bail, ensure};
use futures::future::try_join_all;
use tokio::process::Command;
use tokio::try_join;

use super::TestBed;
use crate::binaries;
use crate::command::output_of;
use crate::install::{self, DatabaseTemplate, keystone_template};
use crate::links::{Link, Links};
use crate::narrator::timed;
use crate::options::{FaultyLinks, Options};
use crate::parts::Part;
use crate::ports::MOST_REDIS_REPLICAS;
use crate::region::Region;
use crate::seed::{Ids, placeholder};
use crate::site::Site;
use crate::state::State;
use crate::supervisor::{self, Client};
use crate::wall_clock::SHARED_MEMORY;
use crate::wsgi;

/// Who ends the test bed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// This process; `remove` is whether the state directory goes with it.
    ThisProcess { remove: bool },
    /// Whoever says `down`.
    Nobody,
}

impl TestBed {
    /// Brings the test bed of `directory` up: a new one, the rest of one that runs in part, or one that was
    /// ended and whose state is still there.
    ///
    /// # Errors
    /// When something cannot be installed, built or started, or the old state has another number of Keystones.
    /// What has been started for nobody by then goes on, so that another `up` resumes and `down` ends it.
    pub(crate) async fn bring_up(
        directory: &Path,
        options: Options,
        owner: Owner,
    ) -> anyhow::Result<Self> {
        let directory = std::path::absolute(directory)?;
        ensure!(
            options.redis_replicas <= MOST_REDIS_REPLICAS,
            "there is room for {MOST_REDIS_REPLICAS} replicas of Redis"
        );
        if options.tls.is_some() {
            let is_faulty = |link: Link| match options.faulty_links {
                FaultyLinks::None => false,
                FaultyLinks::One(faulty) => faulty == link,
                FaultyLinks::All => true,
            };
            ensure!(
                options.redis_replicas == 0
                    && !is_faulty(Link::Rabbitmq)
                    && !is_faulty(Link::Redis),
                "with TLS there is one Redis, and no proxy leads to it or to RabbitMQ"
            );
        }
        if options.movable_wall_clock {
            install::faketime_installed().await?;
            ensure!(
                !directory.starts_with(SHARED_MEMORY),
                "services whose clock can be set do not see {SHARED_MEMORY}: choose another directory"
            );
        }
        let old = State::read(&directory)?;
        if let Some(old) = &old {
            ensure!(
                old.options.split_keystone == options.split_keystone,
                "{} holds a test bed of the other shape; wipe it first",
                directory.display()
            );
        }
        let (installed, binaries) = try_join!(install::install(), async {
            timed(
                "building our programs",
                binaries::build(options.services, options.release),
            )
            .await
        })?;
        // Not before: from here on a supervisor removes it, and a failed build has nothing to keep there.
        std::fs::create_dir_all(&directory)?;
        let supervisor = supervisor_of(&directory, &binaries.testbed, owner, old.as_ref()).await?;
        let mut site = Site {
            directory,
            ports: supervisor.ports(),
            options,
            installed,
            binaries,
            ways: BTreeMap::new(),
        };
        site.options.workers.retain(|_, count| *count > 0);
        let links = Links::listen(&site.options, site.ports)?;
        site.ways = links.ports();
        wsgi::write_to(&site.wsgi())?;
        let ids = match &old {
            None => timed("copying the databases", make_databases(&site)).await?,
            Some(old) => {
                move_catalog(&site, old).await?;
                old.ids.clone()
            }
        };
        let bed = Self {
            site: Mutex::new(site),
            ids,
            supervisor,
            links,
        };
        bed.write_state(&bed.site())?;
        timed(
            "starting the cloud and the brokers",
            bed.start_missing(Part::cloud(&bed.site())),
        )
        .await?;
        if bed.options().services {
            timed(
                "starting our services",
                bed.start_missing(Part::services(&bed.site())),
            )
            .await?;
        }
        bed.publish().await?;
        Ok(bed)
    }

    /// Launches every part of `parts` that does not run, then waits until all are ready.
    async fn start_missing(&self, parts: Vec<Part>) -> anyhow::Result<()> {
        let running = self.supervisor.list().await?;
        for part in &parts {
            if !running.contains_key(&part.to_string()) {
                self.launch(*part).await?;
            }
            if *part == Part::Epmd {
                // RabbitMQ starts a port mapper of its own, never to be seen again, unless it finds this one.
                self.wait_until_ready(*part).await?;
            }
        }
        try_join_all(parts.iter().map(|part| self.wait_until_ready(*part))).await?;
        Ok(())
    }
}

async fn supervisor_of(
    directory: &Path,
    program: &Path,
    owner: Owner,
    old: Option<&State>,
) -> anyhow::Result<Client> {
    match (Client::find(directory), owner) {
        (Ok(running), Owner::Nobody) => Ok(running),
        (Ok(_), Owner::ThisProcess { .. }) => {
            bail!(
                "{} is another owner's running test bed",
                directory.display()
            )
        }
        (Err(_), Owner::Nobody) => {
            supervisor::start(
                program,
                directory,
                false,
                false,
                old.map(|old| old.first_port),
            )
            .await
        }
        (Err(_), Owner::ThisProcess { remove }) => {
            supervisor::start(
                program,
                directory,
                true,
                remove,
                old.map(|old| old.first_port),
            )
            .await
        }
    }
}

/// Copies the templates to their places and returns what the Keystone of each region calls things.
async fn make_databases(site: &Site) -> anyhow::Result<BTreeMap<Region, Ids>> {
    for region in Region::ALL {
        let target = database(site, Part::Glance(region), "glance.db")?;
        fork(site, &site.installed.glance_template, &target, &[]).await?;
    }
    let mut ids = BTreeMap::new();
    for &region in site.options.keystones() {
        let (template, served) = if site.options.split_keystone {
            (DatabaseTemplate::Split(region), vec![region])
        } else {
            (DatabaseTemplate::Shared, Region::ALL.to_vec())
        };
        let seeded = keystone_template(&site.installed.venv, template).await?;
        let target = database(site, site.keystone_part(region), "keystone.db")?;
        let addresses: Vec<(String, String)> = served
            .iter()
            .flat_map(|&region| {
                addresses(site)
                    .into_iter()
                    .filter(move |(_, of, _)| *of == region)
                    .map(move |(service, region, url)| (placeholder(service, region), url))
            })
            .collect();
        fork(site, &seeded.database, &target, &addresses).await?;
        ids.extend(
            served
                .into_iter()
                .map(|region| (region, seeded.ids.clone())),
        );
    }
    Ok(ids)
}

/// When an old test bed gets other ports, its catalogs follow.
async fn move_catalog(site: &Site, old: &State) -> anyhow::Result<()> {
    if old.first_port == site.ports.0 {
        return Ok(());
    }
    let mut before = site.clone();
    before.ports = crate::ports::Ports(old.first_port);
    // Through a placeholder, since an old address may be another one's new address.
    let renamed: Vec<(String, String)> = addresses(&before)
        .into_iter()
        .map(|(service, region, url)| (url, placeholder(service, region)))
        .chain(
            addresses(site)
                .into_iter()
                .map(|(service, region, url)| (placeholder(service, region), url)),
        )
        .collect();
    for &region in site.options.keystones() {
        let keystone = database(site, site.keystone_part(region), "keystone.db")?;
        fork(site, &keystone, &keystone, &renamed).await?;
    }
    Ok(())
}

/// Every address in the catalog, without its path.
fn addresses(site: &Site) -> Vec<(&'static str, Region, String)> {
    Region::ALL
        .into_iter()
        .flat_map(|region| {
            let keystone = site.keystone_url(region);
            let keystone = keystone.trim_end_matches("/v3").to_owned();
            [
                ("front", region, site.front_url(region)),
                ("gateway", region, site.gateway_url(region)),
                ("keystone", region, keystone),
            ]
        })
        .collect()
}

fn database(site: &Site, part: Part, name: &str) -> anyhow::Result<PathBuf> {
    Ok(site.part_directory(part)?.join(name))
}

async fn fork(
    site: &Site,
    source: &Path,
    target: &Path,
    renamed: &[(String, String)],
) -> anyhow::Result<()> {
    let mut python = Command::new(site.venv_program("python"));
    python
        .arg(site.wsgi().join(wsgi::FORK_DATABASE))
        .arg(source)
        .arg(target);
    python.args(renamed.iter().map(|(from, to)| format!("{from}={to}")));
    output_of(python).await.map(drop)
}
