//! The one test whose turn it is, alone on the test bed.

use std::str::FromStr;

use testbed::{Cloud, NewImage, Part, Region, TestBed};
use tokio::sync::{Mutex, MutexGuard};

static TURNS: Mutex<()> = Mutex::const_new(());

/// Exclusive use of the test bed while this value lives.
pub(crate) struct Turn {
    pub(crate) bed: &'static TestBed,
    _alone: MutexGuard<'static, ()>,
}

impl Turn {
    /// Waits for a turn. The test bed is then as it was at first, with `workers` that copy into `ot2`.
    pub(crate) async fn take(workers: u16) -> anyhow::Result<Self> {
        let alone = TURNS.lock().await;
        let turn = Self {
            bed: crate::bed().await?,
            _alone: alone,
        };
        turn.undo().await?;
        turn.bed.scale_workers(Region::Ot2, workers).await?;
        Ok(turn)
    }

    /// Lays `toml` over the configuration of `part`, which takes it up at once if it runs.
    pub(crate) async fn configure(&self, part: Part, toml: &str) -> anyhow::Result<()> {
        self.bed.change_options(|options| {
            options
                .part_config
                .insert(part.to_string(), toml.to_owned());
        })?;
        self.restart_if_running(part).await
    }

    /// Alice in `ot1` with a token for `project`, and an image of a few bytes: what is tested is not the
    /// copying.
    pub(crate) async fn alice_with_image(&self, project: &str) -> anyhow::Result<(Cloud, String)> {
        let alice = self.bed.cloud_in("alice", Region::Ot1, project).await?;
        let tiny = NewImage {
            size: 4096,
            ..NewImage::named(project, 0)
        };
        let image = alice.make_image(&tiny).await?;
        Ok((alice, image.id))
    }

    /// The tenant that copies into `ot2` go to.
    pub(crate) fn destination(&self) -> anyhow::Result<String> {
        self.bed.project_id(Region::Ot2, "proj-ot2")
    }

    /// Ends the turn: nothing may be left behind.
    pub(crate) async fn finish(self) -> anyhow::Result<()> {
        self.undo().await?;
        self.bed.check_leftovers().await
    }

    async fn undo(&self) -> anyhow::Result<()> {
        for (part, pid) in self.bed.parts().await? {
            match pid {
                Some(_) => self.bed.thaw(part).await?,
                None => self.bed.start(part).await?,
            }
        }
        let changed = self.bed.options().part_config;
        self.bed
            .change_options(|options| options.part_config.clear())?;
        for name in changed.keys() {
            self.restart_if_running(Part::from_str(name)?).await?;
        }
        Ok(())
    }

    async fn restart_if_running(&self, part: Part) -> anyhow::Result<()> {
        if self.bed.pid(part).await?.is_some() {
            self.bed.restart(part).await?;
        }
        Ok(())
    }
}
