//! A Glance's worker processes, one by one: which image files each has open, and how to break one of them while
//! the others go on.
//!
//! A process that is killed in an upload is where Glance leaks: nobody ever removes its file, not even when the image
//! is deleted. That is the file that it has open, or one that it has just closed, as long as the image is `saving`.
//! What is broken here says exactly which files these are.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::process::Command;

use crate::bed::TestBed;
use crate::command::output_of;
use crate::parts::Part;
use crate::region::Region;
use crate::supervisor::{self, ProcessSignal};
use crate::wait::eventually;
use crate::wsgi;

/// For how long it is tried to read the database of a Glance that is in use.
const LOOK_FOR: Duration = Duration::from_secs(60);
/// How often it is looked at what the processes of a Glance that is ending have open.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A worker process of a Glance, as it is right now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlanceProcess {
    /// Its process id.
    pub pid: u32,
    /// Ids of images whose stored bytes it is reading.
    pub reading: BTreeSet<String>,
    /// Ids of images whose stored bytes it is writing.
    pub writing: BTreeSet<String>,
}

impl TestBed {
    /// The worker processes of `region`'s Glance; none while it does not run.
    ///
    /// # Errors
    /// When the supervisor does not answer.
    pub async fn glance_processes(&self, region: Region) -> anyhow::Result<Vec<GlanceProcess>> {
        let Some(master) = self.pid(Part::Glance(region)).await? else {
            return Ok(Vec::new());
        };
        let store = self.site().store(region);
        Ok(supervisor::children_of(master)
            .into_iter()
            .map(|pid| look(pid, &store))
            .collect())
    }

    /// Freezes one worker process of `region`'s Glance (SIGSTOP).
    ///
    /// # Errors
    /// When it is no process of that Glance, or not any more.
    pub async fn freeze_glance_process(&self, region: Region, pid: u32) -> anyhow::Result<()> {
        self.signal_glance(region, pid, ProcessSignal::Freeze).await
    }

    /// Lets a frozen one go on.
    ///
    /// # Errors
    /// When it is no process of that Glance, or not any more.
    pub async fn thaw_glance_process(&self, region: Region, pid: u32) -> anyhow::Result<()> {
        self.signal_glance(region, pid, ProcessSignal::Thaw).await
    }

    /// Kills one worker process of `region`'s Glance (SIGKILL), whose master starts another. Returns the ids of
    /// the images whose uploads it was in the middle of.
    ///
    /// # Errors
    /// When it is no process of that Glance, or not any more.
    pub async fn kill_glance_process(
        &self,
        region: Region,
        pid: u32,
    ) -> anyhow::Result<BTreeSet<String>> {
        let mut abandoned = self.freeze_and_look(region, pid).await?;
        for other in self.glance_processes(region).await? {
            if other.pid != pid {
                abandoned.retain(|image| !other.writing.contains(image));
            }
        }
        self.signal_glance(region, pid, ProcessSignal::Kill).await?;
        Ok(abandoned)
    }

    /// Freezes a process, so that it opens and closes nothing between this look and its end: ids of the images whose uploads it
    /// may be in the middle of. It goes on if that cannot be told.
    async fn freeze_and_look(&self, region: Region, pid: u32) -> anyhow::Result<BTreeSet<String>> {
        // One that holds a lock of the database keeps everybody else from reading it for as long as it is frozen.
        eventually(LOOK_FOR, "a look into Glance's database", || async {
            self.freeze_glance_process(region, pid).await?;
            match self.stored_and_saving(region).await {
                Ok(mut images) => {
                    images.extend(look(pid, &self.site().store(region)).writing);
                    Ok(images)
                }
                Err(error) => {
                    self.thaw_glance_process(region, pid).await?;
                    Err(error)
                }
            }
        })
        .await
    }

    /// Stops `region`'s Glance (SIGTERM), which ends its processes in the middle of what they do. Returns the ids of
    /// the images whose uploads they were in the middle of.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn stop_glance(&self, region: Region) -> anyhow::Result<BTreeSet<String>> {
        let stop = self.stop(Part::Glance(region));
        tokio::pin!(stop);
        let mut abandoned = BTreeSet::new();
        loop {
            for process in self.glance_processes(region).await? {
                abandoned.extend(process.writing);
            }
            tokio::select! {
                biased;
                stopped = &mut stop => {
                    stopped?;
                    abandoned.extend(self.stored_and_saving(region).await?);
                    return Ok(abandoned);
                }
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Ids of images that are `saving` and have a file already. Asked past Glance, which may be frozen or gone.
    async fn stored_and_saving(&self, region: Region) -> anyhow::Result<BTreeSet<String>> {
        let site = self.site();
        let mut python = Command::new(site.venv_program("python"));
        python
            .arg(site.wsgi().join(wsgi::SAVING_IMAGES))
            .arg(site.part_directory(Part::Glance(region))?.join("glance.db"));
        let saving = output_of(python).await?;
        let store = site.store(region);
        let stored = saving.lines().filter(|image| store.join(image).exists());
        Ok(stored.map(str::to_owned).collect())
    }

    async fn signal_glance(
        &self,
        region: Region,
        pid: u32,
        signal: ProcessSignal,
    ) -> anyhow::Result<()> {
        let part = Part::Glance(region);
        let master = self.pid(part).await?;
        let master = master.with_context(|| format!("{part} does not run"))?;
        ensure!(
            supervisor::children_of(master).contains(&pid),
            "process {pid} is none of {part}"
        );
        supervisor::signal(pid, signal);
        Ok(())
    }
}

/// What a process has open in a store. One that ends meanwhile has nothing open.
fn look(pid: u32, store: &Path) -> GlanceProcess {
    let mut process = GlanceProcess {
        pid,
        reading: BTreeSet::new(),
        writing: BTreeSet::new(),
    };
    for (path, writes) in supervisor::open_files(pid) {
        if path.parent() == Some(store)
            && let Some(name) = path.file_name().and_then(|name| name.to_str())
        {
            let images = if writes {
                &mut process.writing
            } else {
                &mut process.reading
            };
            images.insert(name.to_owned());
        }
    }
    process
}
