//! What the parts of a test bed have written into their logs.

use anyhow::{Context, ensure};
use testbed::{Part, eventually};

use super::Turn;
use crate::PATIENCE;

impl Turn {
    /// The first line of a part's log with each of `words`.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn logged(&self, part: Part, words: &[&str]) -> anyhow::Result<Option<String>> {
        let log = self.bed.log(part)?;
        let mut lines = log.lines();
        let line = lines.find(|line| words.iter().all(|word| line.contains(word)));
        Ok(line.map(str::to_owned))
    }

    /// Waits until a part's log has a line with each of `words`, and gives it.
    ///
    /// # Errors
    /// When it takes too long.
    pub async fn until_logged(&self, part: Part, words: &[&str]) -> anyhow::Result<String> {
        let what = format!("{words:?} in the log of {part}");
        eventually(PATIENCE, what, || async {
            self.logged(part, words)?.context("no such line")
        })
        .await
    }

    /// The worker that was granted attempt `attempt` of a job.
    ///
    /// # Errors
    /// When no worker's log says so.
    pub fn worker_of(&self, job: &str, attempt: u64) -> anyhow::Result<Part> {
        let attempt = format!("job.attempt={attempt} ");
        for part in self.workers() {
            let words = ["a unit is granted", job, attempt.as_str()];
            if self.logged(part, &words)?.is_some() {
                return Ok(part);
            }
        }
        anyhow::bail!("no worker's log says that it was granted {attempt}of job {job}")
    }

    /// Fails when a scheduler has seen a lease run out, of this job or of any.
    ///
    /// # Errors
    /// Shows what the scheduler says.
    pub fn expect_no_lost_lease(&self, job: Option<&str>) -> anyhow::Result<()> {
        for scheduler in self.schedulers() {
            let words = ["a lease ran out", job.unwrap_or_default()];
            let lost = self.logged(scheduler, &words)?;
            ensure!(lost.is_none(), "{lost:?}");
        }
        Ok(())
    }
}
