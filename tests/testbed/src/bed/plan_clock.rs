//! Moves the clock of plans, so that a test need not wait for days. Nothing else goes by that clock.

use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};

use super::TestBed;
use crate::parts::Part;
use crate::site::write_private;
use crate::wait::eventually;

/// How long a scheduler may take to notice; it looks ten times a second.
const NOTICED: Duration = Duration::from_secs(30);

impl TestBed {
    /// Sets the clock of plans ahead by `step`, beyond what it is ahead already, and waits until every running
    /// scheduler goes by it. A plan whose fire is jumped over by more than `scheduler.plan_late_window` misses it.
    ///
    /// # Errors
    /// When the test bed was not built with [`crate::Builder::movable_plan_clock`], or a scheduler does not notice.
    pub async fn advance_plans(&self, step: Duration) -> anyhow::Result<()> {
        let site = self.site();
        ensure!(
            site.options.movable_plan_clock,
            "the clock of plans cannot be moved: build the test bed with movable_plan_clock()"
        );
        let ahead = self.plans_ahead()? + step.as_millis();
        write_private(&site.plan_clock(), &format!("{ahead}ms\n"))?;
        for (part, pid) in self.parts().await? {
            if matches!(part, Part::Scheduler(_)) && pid.is_some() {
                self.noticed(part, ahead).await?;
            }
        }
        Ok(())
    }

    /// What time it is for plans.
    ///
    /// # Errors
    /// When the file that sets their clock ahead cannot be read.
    #[expect(
        clippy::disallowed_methods,
        reason = "the schedulers under test go by the true time; this is theirs"
    )]
    pub fn plans_now(&self) -> anyhow::Result<SystemTime> {
        let ahead = u64::try_from(self.plans_ahead()?)?;
        Ok(SystemTime::now() + Duration::from_millis(ahead))
    }

    /// In milliseconds.
    fn plans_ahead(&self) -> anyhow::Result<u128> {
        match std::fs::read_to_string(self.site().plan_clock()) {
            Ok(text) => Ok(text.trim().trim_end_matches("ms").parse()?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error).context("the clock of plans"),
        }
    }

    /// Waits until a scheduler has said that its plans are so far ahead.
    async fn noticed(&self, part: Part, milliseconds: u128) -> anyhow::Result<()> {
        let word = format!("ahead.milliseconds={milliseconds}\n");
        eventually(NOTICED, format!("{part}'s new time of plans"), || async {
            let log = self.log(part)?;
            ensure!(log.contains(&word), "it has not said so");
            Ok(())
        })
        .await
    }
}
