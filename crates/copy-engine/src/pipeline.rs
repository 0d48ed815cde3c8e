//! The steps of a copy in their order, and their undo.
//!
//! Invariant: whatever way a unit ends, the attempt's own image is either the job's image, or gone
//! and reported settled, or not reported, so that somebody comes back for it.

use domain::{ErrorCode, ImageId, Stage};
use openstack::Glance;

use crate::control::{Control, Interrupted};
use crate::create::{Own, create};
use crate::outcome::Step;
use crate::properties::image_to_create;
use crate::remove::{Seen, remove};
use crate::reveal::{Appearance, reveal};
use crate::settle::{open_leftovers, remove_all, settle};
use crate::source::read_source;
use crate::transfer::{transfer, until_upload_is_closed};
use crate::unit::{Halt, Unit};
use crate::verify::{Finding, verify};
use crate::{Ended, EngineSettings, Failure, Order, Progress, Signals, WriteGate};

/// Makes copies from one Glance to another.
///
/// Both clients act in the tenants' projects: the source's may read the image, the destination's
/// may create images there.
#[derive(Debug, Clone)]
pub struct CopyEngine {
    source: Glance,
    destination: Glance,
    settings: EngineSettings,
}

// === impl CopyEngine ===

impl CopyEngine {
    /// An engine between two Glances.
    #[must_use]
    pub fn new(source: Glance, destination: Glance, settings: EngineSettings) -> Self {
        Self {
            source,
            destination,
            settings,
        }
    }

    /// Makes one attempt at a copy.
    ///
    /// A failure or cancel removes what the attempt made, with one exception: an image that Glance
    /// has whole, when only the way to it broke, is left for the next attempt to adopt.
    pub async fn copy(
        &self,
        order: &Order,
        progress: &Progress,
        signals: &Signals,
        gate: &dyn WriteGate,
    ) -> Ended {
        let unit = Unit {
            destination: &self.destination,
            order,
            control: Control::new(gate, signals),
            progress,
        };
        let mut own = Own::Absent;
        match self.attempt(&unit, &mut own).await {
            Ok(image) => Ended::Replicated { image },
            Err(Halt::Failed(failure)) => match self.undo(&unit, own, &failure).await {
                Ok(()) | Err(Halt::Failed(_)) => Ended::Failed(failure),
                Err(Halt::Interrupted(Interrupted::Canceled)) => self.clean(unit, own).await,
                Err(Halt::Interrupted(Interrupted::Stopped)) => Ended::Stopped,
            },
            Err(Halt::Interrupted(Interrupted::Canceled)) => self.clean(unit, own).await,
            Err(Halt::Interrupted(Interrupted::Stopped)) => Ended::Stopped,
        }
    }

    async fn attempt(&self, unit: &Unit<'_>, own: &mut Own) -> Result<ImageId, Halt> {
        let settings = &self.settings;
        unit.progress.enter(Stage::Settling);
        if let Some(image) = settle(unit, settings.idle_timeout).await? {
            return self.adopt(unit, image).await;
        }

        unit.progress.enter(Stage::Creating);
        let image = unit.order.image();
        let source_image = read_source(unit, &self.source).await?;
        let new = image_to_create(&source_image, unit.order, settings)?;
        create(unit, &new, own).await?;
        unit.progress.set_image(Some(image));

        unit.progress.enter(Stage::Copying);
        let hashes = transfer(unit, &self.source, settings, image).await?;
        *own = Own::Filled;

        unit.progress.enter(Stage::Verifying);
        let Some(copied) = unit.look(image, Step::ReadDestination).await? else {
            return Err(destination_gone(unit).into());
        };
        match verify(unit, &copied, hashes.as_ref(), settings.idle_timeout).await? {
            Finding::Same => {}
            Finding::Differs(what) => return Err(verification_failed(unit, &what).into()),
        }
        let appearance = Appearance::like(&source_image, settings.visibility.clone());
        reveal(unit, image, &appearance).await?;
        Ok(image)
    }

    async fn adopt(&self, unit: &Unit<'_>, image: ImageId) -> Result<ImageId, Halt> {
        unit.progress.set_image(Some(image));
        unit.progress.enter(Stage::Verifying);
        let appearance =
            Appearance::of_adopted(unit, &self.source, self.settings.visibility.clone()).await?;
        reveal(unit, image, &appearance).await?;
        unit.progress.settle(unit.order.image());
        tracing::info!(job.id = %unit.order.job_id, image.id = %image,
            "an image that an earlier attempt completed was adopted");
        Ok(image)
    }

    /// After a failure: removes the attempt's own image, unless the next attempt can adopt it.
    async fn undo(&self, unit: &Unit<'_>, own: Own, failure: &Failure) -> Result<(), Halt> {
        let is_adoptable = own == Own::Filled
            && failure.transient
            && failure.error.code != ErrorCode::VerificationFailed;
        if is_adoptable {
            return Ok(());
        }
        self.remove_own(unit, own).await
    }

    /// After a cancel: leaves nothing of the job.
    async fn clean(&self, unit: Unit<'_>, own: Own) -> Ended {
        let unit = unit.while_cleaning();
        unit.progress.enter(Stage::Canceling);
        let own = self.remove_own(&unit, own).await;
        if let Err(Halt::Interrupted(_)) = own {
            return Ended::Stopped;
        }
        cleaned(remove_all(&unit, open_leftovers(&unit)).await)
    }

    async fn remove_own(&self, unit: &Unit<'_>, own: Own) -> Result<(), Halt> {
        let image = unit.order.image();
        let removed = match own {
            Own::Absent => {
                unit.progress.settle(image);
                Ok(())
            }
            Own::Doubtful => remove(unit, image, Seen::Never).await,
            Own::Exists | Own::Filled => {
                until_upload_is_closed(unit, image, self.settings.idle_timeout).await?;
                remove(unit, image, Seen::Yes).await
            }
        };
        if let Err(Halt::Failed(failure)) = &removed {
            tracing::warn!(job.id = %unit.order.job_id, image.id = %image, %failure,
                "the attempt's image could not be removed yet");
        }
        removed
    }
}

/// Removes all leftovers of a job that is failed or canceled; adopts none of them.
///
/// Ends as [`Ended::Cleaned`] or [`Ended::Stopped`]; a cancel does not end it. What could not be
/// removed now is missing among the settled.
pub async fn clean_up(
    destination: &Glance,
    order: &Order,
    progress: &Progress,
    signals: &Signals,
    gate: &dyn WriteGate,
) -> Ended {
    let unit = Unit {
        destination,
        order,
        control: Control::new(gate, signals).while_cleaning(),
        progress,
    };
    progress.enter(Stage::Canceling);
    let images = order
        .leftovers
        .iter()
        .copied()
        .filter(|image| !progress.is_settled(*image));
    cleaned(remove_all(&unit, images).await)
}

fn cleaned(removed: Result<(), Halt>) -> Ended {
    match removed {
        Ok(()) | Err(Halt::Failed(_)) => Ended::Cleaned,
        Err(Halt::Interrupted(_)) => Ended::Stopped,
    }
}

fn destination_gone(unit: &Unit<'_>) -> Failure {
    unit.judge(
        Step::ReadDestination,
        &openstack::Error::NotFound(String::new()),
    )
}

fn verification_failed(unit: &Unit<'_>, what: &str) -> Failure {
    Failure::transient(
        ErrorCode::VerificationFailed,
        format!(
            "the copy in region {} is not the same as its source: {what}",
            unit.spec().destination.region
        ),
    )
}
