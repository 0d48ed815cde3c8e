//! The steps of a copy in their order, and their undo.
//!
//! Invariant: whatever way a unit ends, the attempt's own image is either the job's image, or gone
//! and reported settled, or not reported, so that somebody comes back for it. An own image that is revealed and may be
//! whole is deleted only for a cancel: an undo cannot know whether its user was told of it, nor
//! whether a later attempt adopts it before the delete arrives.

use std::future::ready;
use std::pin::pin;

use domain::{ErrorCode, IfIdentical, ImageId, Stage};
use futures::future::{Either, select};
use openstack::{Glance, Image, WriteGate};

use crate::control::{Control, Interrupted};
use crate::create::create;
use crate::outcome::Step;
use crate::properties::image_to_create;
use crate::remove::{IfAbsent, Removal, Spare, remove};
use crate::reuse::find_identical;
use crate::reveal::{Appearance, reveal};
use crate::settle::{open_leftovers, remove_all, settle};
use crate::source::read_source;
use crate::transfer::{Reading, transfer};
use crate::unit::{Halt, Unit};
use crate::verify::{Finding, verify};
use crate::{Ended, EngineSettings, Failure, Order, Progress, Signals};

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

/// What an attempt does once everything of before is settled.
enum Begins {
    /// An image of before is made the job's.
    Adopting(Image),
    /// The source image, as it is now, is copied.
    Copying(Image),
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
    /// A failure removes what the attempt made, with one exception: an image that may have been
    /// revealed is left for the next attempt to adopt. A cancel removes everything.
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
            settings: &self.settings,
            control: Control::new(gate, signals),
            progress,
        };
        // Before a create is sent, nothing that this attempt does can bring its image to life.
        let mut own = IfAbsent::Gone;
        match self.attempt(&unit, &mut own).await {
            Ok(ended) => ended,
            Err(Halt::Failed(failure)) => {
                // What was found to differ is not whole, whatever its metadata say.
                let spare = match failure.error.code {
                    ErrorCode::VerificationFailed => Spare::Nothing,
                    _ => Spare::Revealed,
                };
                retreat(unit, own, spare, Ended::Failed(failure)).await
            }
            Err(Halt::Interrupted(Interrupted::HandedBack)) => {
                retreat(unit, own, Spare::Revealed, Ended::HandedBack).await
            }
            Err(Halt::Interrupted(Interrupted::Canceled)) => clean(unit, own).await,
            Err(Halt::Interrupted(Interrupted::Stopped)) => Ended::Stopped,
        }
    }

    async fn attempt<'a>(&'a self, unit: &Unit<'a>, own: &mut IfAbsent) -> Result<Ended, Halt> {
        let settings = unit.settings;
        unit.progress.enter(Stage::Settling);
        let source_image = match self.settle_and_read(unit).await? {
            Begins::Adopting(image) => return self.adopt(unit, image).await,
            Begins::Copying(source_image) => source_image,
        };

        unit.progress.enter(Stage::Creating);
        let image = unit.order.image();
        let new = image_to_create(&source_image, unit.order, settings)?;
        let appearance = Appearance::like(&source_image, settings.visibility.clone());
        if unit.spec().if_identical == IfIdentical::Reuse
            && let Some(image) = find_identical(unit, &new, &appearance).await?
        {
            return reuse(unit, image).await;
        }
        // Both take a round trip, and the upload needs both.
        let Ok(()) = unit.control.permit().await else {
            return Err(unit.control.why_withheld().into());
        };
        let reading = Reading::prepare(unit, &self.source);
        let (created, reading) = reading.beside(create(unit, &new, own)).await;
        created?;
        unit.progress.set_image(Some(image));

        unit.progress.enter(Stage::Copying);
        let hashes = transfer(unit, &self.source, image, reading).await?;

        unit.progress.enter(Stage::Verifying);
        let look = || unit.look(image, Step::ReadDestination);
        let Some(copied) = unit.patiently(look).await? else {
            return Err(destination_gone(unit).into());
        };
        match verify(unit, &copied, hashes.as_ref()).await? {
            Finding::Same => {}
            Finding::Differs(what) => return Err(verification_failed(unit, &what).into()),
        }
        reveal(unit, copied, &appearance).await?;
        Ok(Ended::Replicated { image })
    }

    /// Settles what is left and reads the source. Without leftovers these are one look at each side, made at once;
    /// with some it may take long, and the source is to be what it is when the copy begins.
    async fn settle_and_read(&self, unit: &Unit<'_>) -> Result<Begins, Halt> {
        if open_leftovers(unit).next().is_some() {
            return match settle(unit).await? {
                Some(image) => Ok(Begins::Adopting(image)),
                None => Ok(Begins::Copying(read_source(unit, &self.source).await?)),
            };
        }
        let settle = pin!(settle(unit));
        let read = pin!(read_source(unit, &self.source));
        let (settled, read) = match select(settle, read).await {
            Either::Left((settled, read)) => (settled, Either::Left(read)),
            Either::Right((read, settle)) => (settle.await, Either::Right(ready(read))),
        };
        match settled? {
            Some(image) => Ok(Begins::Adopting(image)),
            None => Ok(Begins::Copying(read.await?)),
        }
    }

    async fn adopt(&self, unit: &Unit<'_>, found: Image) -> Result<Ended, Halt> {
        let image = found.id;
        unit.progress.set_image(Some(image));
        unit.progress.enter(Stage::Verifying);
        let appearance =
            Appearance::of_adopted(unit, &self.source, unit.settings.visibility.clone()).await?;
        reveal(unit, found, &appearance).await?;
        tracing::info!(job.id = %unit.order.job_id, image.id = %image,
            "an image that was completed before was adopted");
        if image != unit.order.image() {
            // What goes wrong here is logged; the image of this attempt is then not settled.
            let _unsettled = remove_own(unit, IfAbsent::Gone, Spare::Nothing).await;
        }
        Ok(Ended::Replicated { image })
    }
}

/// Nothing is made. The attempt's own id was never sent to Glance, so nothing can come of it.
async fn reuse(unit: &Unit<'_>, image: ImageId) -> Result<Ended, Halt> {
    tracing::info!(job.id = %unit.order.job_id, image.id = %image,
        "an identical image is there already and is reused");
    if let Err(interrupted @ Halt::Interrupted(_)) =
        remove_own(unit, IfAbsent::Gone, Spare::Nothing).await
    {
        return Err(interrupted);
    }
    Ok(Ended::Reused { image })
}

/// After a failure, or handed back: removes the attempt's own image, unless it is to be spared.
async fn retreat(unit: Unit<'_>, own: IfAbsent, spare: Spare, ended: Ended) -> Ended {
    match remove_own(&unit.while_retreating(), own, spare).await {
        Ok(()) | Err(Halt::Failed(_) | Halt::Interrupted(Interrupted::HandedBack)) => ended,
        Err(Halt::Interrupted(Interrupted::Canceled)) => clean(unit, own).await,
        Err(Halt::Interrupted(Interrupted::Stopped)) => Ended::Stopped,
    }
}

/// After a cancel: leaves nothing of the job.
async fn clean(unit: Unit<'_>, own: IfAbsent) -> Ended {
    let unit = unit.while_cleaning();
    unit.progress.enter(Stage::Canceling);
    let own = remove_own(&unit, own, Spare::Nothing).await;
    if let Err(Halt::Interrupted(_)) = own {
        return Ended::Stopped;
    }
    cleaned(remove_all(&unit, open_leftovers(&unit)).await)
}

async fn remove_own(unit: &Unit<'_>, own: IfAbsent, spare: Spare) -> Result<(), Halt> {
    let image = unit.order.image();
    match remove(unit, image, own, spare).await {
        Ok(Removal::Gone) => Ok(()),
        Ok(Removal::Spared(_)) => {
            tracing::info!(job.id = %unit.order.job_id, image.id = %image,
                "the attempt's image may be whole and is left to be adopted");
            Ok(())
        }
        Err(Halt::Failed(failure)) => {
            tracing::warn!(job.id = %unit.order.job_id, image.id = %image, %failure,
                "the attempt's image could not be removed yet");
            Err(failure.into())
        }
        Err(interrupted @ Halt::Interrupted(_)) => Err(interrupted),
    }
}

/// Removes all leftovers of a job that is failed or canceled; adopts none of them.
///
/// Ends as [`Ended::Cleaned`] or [`Ended::Stopped`]; a cancel does not end it. What could not be
/// removed now is missing among the settled.
pub async fn clean_up(
    destination: &Glance,
    order: &Order,
    settings: &EngineSettings,
    progress: &Progress,
    signals: &Signals,
    gate: &dyn WriteGate,
) -> Ended {
    let unit = Unit {
        destination,
        order,
        settings,
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
