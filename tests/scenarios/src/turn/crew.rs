//! The services of a test bed: who they are, and what is done to all of a kind.

use anyhow::ensure;
use testbed::{Part, Region, eventually};

use super::Turn;
use crate::{AdminPort, PATIENCE};

impl Turn {
    /// All schedulers.
    #[must_use]
    pub fn schedulers(&self) -> Vec<Part> {
        let count = self.bed.options().schedulers;
        (1..=count).map(Part::Scheduler).collect()
    }

    /// All workers that copy into `ot2`.
    #[must_use]
    pub fn workers(&self) -> Vec<Part> {
        let workers = &self.bed.options().workers;
        let count = workers.get(&Region::Ot2).copied().unwrap_or_default();
        let part = |number| Part::Worker(Region::Ot2, number);
        (1..=count).map(part).collect()
    }

    /// Kills parts.
    ///
    /// # Errors
    /// When one does not run.
    pub async fn kill(&self, parts: &[Part]) -> anyhow::Result<()> {
        for part in parts {
            self.bed.kill(*part).await?;
        }
        Ok(())
    }

    /// Starts parts that do not run.
    ///
    /// # Errors
    /// When one cannot be started.
    pub async fn revive(&self, parts: &[Part]) -> anyhow::Result<()> {
        for part in parts {
            self.bed.start(*part).await?;
        }
        Ok(())
    }

    /// Freezes parts.
    ///
    /// # Errors
    /// When one does not run.
    pub async fn freeze(&self, parts: &[Part]) -> anyhow::Result<()> {
        for part in parts {
            self.bed.freeze(*part).await?;
        }
        Ok(())
    }

    /// Lets frozen parts go on.
    ///
    /// # Errors
    /// When one does not run.
    pub async fn thaw(&self, parts: &[Part]) -> anyhow::Result<()> {
        for part in parts {
            self.bed.thaw(*part).await?;
        }
        Ok(())
    }

    /// The value of a part's metric; 0 when it is not there.
    ///
    /// # Errors
    /// When the part does not answer.
    pub async fn metric(&self, part: Part, series: &str) -> anyhow::Result<f64> {
        let value = AdminPort::of(self.bed, part)?.metric(series).await?;
        Ok(value.unwrap_or_default())
    }

    /// Waits until a part's metric is what it should be.
    ///
    /// # Errors
    /// When it takes too long.
    pub async fn until_metric(
        &self,
        part: Part,
        series: &str,
        is_right: impl Fn(f64) -> bool,
    ) -> anyhow::Result<()> {
        eventually(PATIENCE, format!("{series} of {part}"), || async {
            let value = self.metric(part, series).await?;
            ensure!(is_right(value), "it is {value}");
            Ok(())
        })
        .await
    }

    /// Waits until every scheduler, ready all the same, says this in a line of its readiness report.
    ///
    /// # Errors
    /// When it takes too long.
    pub async fn until_noted(&self, name: &str, words: &str) -> anyhow::Result<()> {
        for scheduler in self.schedulers() {
            let admin = AdminPort::of(self.bed, scheduler)?;
            eventually(PATIENCE, format!("`{words}` at {scheduler}"), || async {
                let note = admin.note(name).await?;
                ensure!(note.contains(words), "{name}: {note}");
                Ok(())
            })
            .await?;
        }
        Ok(())
    }
}
