//! Breaks things and mends them again.
//!
//! A fault waits for a moment at which it matters: its victim is at work and a job is held. It says afterwards
//! whether it did matter, by what was there when it struck and by what went through the broken link. What it does is
//! in two files: [`aim`] chooses the target, [`strike`] carries it out.

mod aim;
mod strike;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use testbed::{Region, TestBed};
use tokio::time::{Instant, sleep};

use crate::fault::{Action, Fault, Struck};
use crate::in_flight::held;
use crate::stage::Stage;
use crate::witness::Witness;
use aim::Aim;

/// How long a fault waits for its moment.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pause between two looks whether it has come.
const PAUSE: Duration = Duration::from_millis(20);

/// Breaks the parts and links of one test bed.
pub(crate) struct Injector<'a> {
    stage: &'a Stage,
    witness: &'a Witness,
    abandoned: Mutex<BTreeSet<(Region, String)>>,
}

// === impl Injector ===

impl<'a> Injector<'a> {
    pub(crate) fn new(stage: &'a Stage, witness: &'a Witness) -> Self {
        Self {
            stage,
            witness,
            abandoned: Mutex::default(),
        }
    }

    /// Images whose upload a Glance process was in the middle of when it was killed.
    pub(crate) fn abandoned(&self) -> BTreeSet<(Region, String)> {
        let abandoned = self.abandoned.lock();
        abandoned.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Carries one fault out, from its pause to the moment at which everything runs again.
    ///
    /// # Errors
    /// When something cannot be broken, or does not come back.
    pub(crate) async fn inflict(&self, fault: Fault) -> anyhow::Result<Struck> {
        sleep(fault.pause).await;
        let aim = self.take_aim(fault).await?;
        let caught = held(self.bed()).await;
        let link = aim.link(fault)?;
        let before = self.bed().link(link)?.traffic();
        let at = self.witness.now();
        strike::strike(self, fault, &aim.target).await?;
        let healed = self.witness.now();
        if fault.action == Action::BlackHole {
            // What was sent into it arrives now.
            sleep(Duration::from_millis(200)).await;
        }
        let after = self.bed().link(link)?.traffic();
        let felt = match fault.action {
            Action::Reset | Action::Cut => after.broken > before.broken,
            _ => after.opened > before.opened || after.bytes() > before.bytes(),
        };
        Ok(Struck {
            fault,
            target: aim.target.to_string(),
            mattered: aim.sure && felt,
            at,
            healed,
            caught: caught.into_iter().map(|held| held.job).collect(),
        })
    }

    /// Waits until there is something to hit, or for as long as that takes at most.
    async fn take_aim(&self, fault: Fault) -> anyhow::Result<Aim> {
        let begun = Instant::now();
        loop {
            let aim = aim::aim(self, fault).await?;
            if aim.sure || begun.elapsed() > PATIENCE {
                return Ok(aim);
            }
            sleep(PAUSE).await;
        }
    }

    fn bed(&self) -> &TestBed {
        &self.stage.bed
    }

    fn abandon(&self, region: Region, images: impl IntoIterator<Item = String>) {
        let mut abandoned = self
            .abandoned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        abandoned.extend(images.into_iter().map(|image| (region, image)));
    }
}

/// Whether a kind of fault is done to a process rather than to a link.
fn is_of_process(action: Action) -> bool {
    matches!(action, Action::Kill | Action::Freeze | Action::Restart)
}
