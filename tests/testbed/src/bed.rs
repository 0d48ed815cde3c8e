//! A running test bed, and what can be done to its parts.

mod admin;
mod bring_up;
mod command_line;
mod plan_clock;
mod rabbitmq_memory;
mod shared;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use futures::future::try_join_all;

pub(crate) use bring_up::Owner;
pub use shared::shared;

use crate::binaries::{self, Binaries};
use crate::links::Links;
use crate::options::Options;
use crate::parts::Part;
use crate::ports::{MOST_SCHEDULERS, MOST_WORKERS};
use crate::region::Region;
use crate::seed::Ids;
use crate::site::Site;
use crate::state::{self, State};
use crate::supervisor::{Client, Operation};
use crate::wait::eventually;

/// How long a part may take to become ready; a machine busy with other things is slow.
const READY: Duration = Duration::from_secs(180);

/// A private two-region cloud with our services.
///
/// One that was started by [`crate::Builder::start`] ends with this value or with this process, whichever ends first;
/// one that was attached to or brought up by the command line goes on.
#[derive(Debug)]
pub struct TestBed {
    site: Mutex<Site>,
    ids: BTreeMap<Region, Ids>,
    supervisor: Client,
    pub(crate) links: Links,
}

impl TestBed {
    /// The running test bed of `directory`. With `launch`, our programs are built anew, so that they can be started.
    ///
    /// # Errors
    /// When none runs there, or a build fails.
    pub async fn attach(directory: &Path, launch: bool) -> anyhow::Result<Self> {
        let directory = std::path::absolute(directory)?;
        let state = State::read(&directory)?
            .with_context(|| format!("{} holds no test bed", directory.display()))?;
        let supervisor = Client::find(&directory)?;
        let binaries = if launch {
            binaries::build(state.options.services, state.options.release).await?
        } else {
            Binaries::default()
        };
        let site = Site {
            directory,
            ports: supervisor.ports(),
            options: state.options,
            installed: state.installed,
            binaries,
            ways: BTreeMap::new(),
        };
        Ok(Self {
            site: Mutex::new(site),
            ids: state.ids,
            supervisor,
            links: Links::default(),
        })
    }

    /// Where the test bed's state is.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.site().directory
    }

    /// The test bed's choices as they are now.
    #[must_use]
    pub fn options(&self) -> Options {
        self.site().options
    }

    /// Starts a part that does not run and waits until it is ready.
    ///
    /// # Errors
    /// When it runs already, cannot be started, or ends or stays unready.
    pub async fn start(&self, part: Part) -> anyhow::Result<()> {
        self.launch(part).await?;
        self.wait_until_ready(part).await?;
        self.publish().await
    }

    /// Stops a part in an orderly way (SIGTERM) and waits until it is gone.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn stop(&self, part: Part) -> anyhow::Result<()> {
        self.act(part, Operation::Stop).await
    }

    /// Kills a part (SIGKILL) with its children and waits until it is gone.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn kill(&self, part: Part) -> anyhow::Result<()> {
        self.act(part, Operation::Kill).await
    }

    /// Stops a part if it runs, and starts it.
    ///
    /// # Errors
    /// As [`TestBed::start`].
    pub async fn restart(&self, part: Part) -> anyhow::Result<()> {
        if self.pid(part).await?.is_some() {
            self.stop(part).await?;
        }
        self.start(part).await
    }

    /// Freezes a part with its children (SIGSTOP): its connections stay open and nothing answers.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn freeze(&self, part: Part) -> anyhow::Result<()> {
        self.act(part, Operation::Freeze).await
    }

    /// Lets a frozen part go on.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn thaw(&self, part: Part) -> anyhow::Result<()> {
        self.act(part, Operation::Thaw).await
    }

    /// The part's process id, or `None` when it does not run.
    ///
    /// # Errors
    /// When the supervisor does not answer.
    pub async fn pid(&self, part: Part) -> anyhow::Result<Option<u32>> {
        let parts = self.supervisor.list().await?;
        Ok(parts.get(&part.to_string()).map(|running| running.pid))
    }

    /// Every part that the test bed should have, with its process id when it runs.
    ///
    /// # Errors
    /// When the supervisor does not answer.
    pub async fn parts(&self) -> anyhow::Result<Vec<(Part, Option<u32>)>> {
        let running = self.supervisor.list().await?;
        Ok(Part::all(&self.site())
            .into_iter()
            .map(|part| {
                (
                    part,
                    running.get(&part.to_string()).map(|running| running.pid),
                )
            })
            .collect())
    }

    /// What the part has written so far.
    ///
    /// # Errors
    /// When its log cannot be read.
    pub fn log(&self, part: Part) -> anyhow::Result<String> {
        let bytes = std::fs::read(self.site().log(part))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Starts or stops workers until `count` copy into `region`.
    ///
    /// # Errors
    /// When there is no room for so many, or a worker cannot be started or stopped.
    pub async fn scale_workers(&self, region: Region, count: u16) -> anyhow::Result<()> {
        ensure!(
            count <= MOST_WORKERS,
            "there is room for {MOST_WORKERS} workers a region"
        );
        self.change_options(|options| {
            options.workers.insert(region, count);
        })?;
        self.scale(count, MOST_WORKERS, |number| Part::Worker(region, number))
            .await
    }

    /// Starts or stops schedulers until there are `count`.
    ///
    /// # Errors
    /// When there is no room for so many, or a scheduler cannot be started or stopped.
    pub async fn scale_schedulers(&self, count: u16) -> anyhow::Result<()> {
        ensure!(
            count <= MOST_SCHEDULERS,
            "there is room for {MOST_SCHEDULERS} schedulers"
        );
        self.change_options(|options| options.schedulers = count)?;
        self.scale(count, MOST_SCHEDULERS, Part::Scheduler).await
    }

    /// Changes what the next start of any part is configured from.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn change_options(&self, change: impl FnOnce(&mut Options)) -> anyhow::Result<()> {
        let site = {
            let mut site = self.site.lock().unwrap_or_else(PoisonError::into_inner);
            change(&mut site.options);
            site.clone()
        };
        self.write_state(&site)
    }

    /// Ends every part in order, and waits until all are gone; the state stays unless the library chose its place.
    ///
    /// # Errors
    /// When a process survives.
    pub async fn end(self) -> anyhow::Result<()> {
        self.supervisor.end().await
    }

    pub(crate) fn site(&self) -> Site {
        self.site
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn ids_of(&self, region: Region) -> &Ids {
        &self.ids[&region]
    }

    async fn scale(&self, count: u16, most: u16, part: impl Fn(u16) -> Part) -> anyhow::Result<()> {
        let running = self.supervisor.list().await?;
        let runs = |number: u16| running.contains_key(&part(number).to_string());
        let missing = (1..=count).filter(|&number| !runs(number));
        try_join_all(missing.map(|number| self.start(part(number)))).await?;
        let surplus = (count + 1..=most).filter(|&number| runs(number));
        try_join_all(surplus.map(|number| self.stop(part(number)))).await?;
        self.publish().await
    }

    async fn act(&self, part: Part, operation: Operation) -> anyhow::Result<()> {
        self.supervisor.act(&part.to_string(), operation).await?;
        self.publish().await
    }

    async fn launch(&self, part: Part) -> anyhow::Result<()> {
        let launch = part.launch(&self.site())?;
        self.supervisor.start(launch).await
    }

    /// Waits for the part's probe; a part that ends meanwhile is told at once, with the end of its log.
    async fn wait_until_ready(&self, part: Part) -> anyhow::Result<()> {
        let probe = part.probe(&self.site());
        let ready = eventually(READY, format!("{part}'s readiness"), || async {
            match probe.check().await {
                Ok(()) => Ok(Ok(())),
                // Ends the wait with an error: nothing will come any more.
                Err(error) if self.pid(part).await?.is_none() => Ok(Err(error)),
                Err(error) => Err(error),
            }
        })
        .await;
        match ready {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => bail!(
                "{part} has ended; its last words:\n{}",
                self.last_words(part)
            ),
            Err(error) => Err(error.context(self.last_words(part))),
        }
    }

    fn last_words(&self, part: Part) -> String {
        let log = self.log(part).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    async fn publish(&self) -> anyhow::Result<()> {
        let running = self.supervisor.list().await?;
        state::publish(&self.site(), &self.ids, self.supervisor.pid(), &running)
    }

    fn write_state(&self, site: &Site) -> anyhow::Result<()> {
        State {
            options: site.options.clone(),
            first_port: site.ports.0,
            ids: self.ids.clone(),
            installed: site.installed.clone(),
        }
        .write(&site.directory)
    }
}
