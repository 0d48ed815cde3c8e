//! One attempt after another, until the image is there or another attempt would not help.

use std::time::Duration;

use copy_engine::{CopyEngine, Ended, EngineSettings, Order, Progress, Signals, Ungated};
use domain::ImageId;
use tokio::time::{interval, sleep};

use super::clouds::Clouds;
use crate::bars::{Bars, say};
use crate::failure::{Exit, Failure};
use crate::gateway::JobState;

/// So many attempts. The engine itself resumes within one.
const ATTEMPTS: u32 = 3;
/// The pause before another.
const PAUSE: Duration = Duration::from_secs(5);
/// How often the bar is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(200);

/// Makes the copy; none when it was canceled, and then nothing of it is left.
pub(super) async fn make(
    clouds: &Clouds,
    mut order: Order,
    progress: &Progress,
    signals: &Signals,
) -> Result<Option<ImageId>, Failure> {
    let settings = EngineSettings::default();
    let engine = CopyEngine::new(clouds.source.clone(), clouds.destination.clone(), settings);
    let mut bars = Bars::new();
    loop {
        let ended = {
            let copying = engine.copy(&order, progress, signals, &Ungated);
            tokio::pin!(copying);
            let mut draw = interval(DRAW_EVERY);
            loop {
                tokio::select! {
                    ended = &mut copying => break ended,
                    _ = draw.tick() => bars.show(&state(&order, progress, "replicating")),
                }
            }
        };
        let failure = match ended {
            Ended::Replicated { image } | Ended::Reused { image } => {
                bars.show(&state(&order, progress, "replicated"));
                return Ok(Some(image));
            }
            Ended::Cleaned => {
                bars.show(&state(&order, progress, "canceled"));
                return leftover(&order, progress).map_or(Ok(None), Err);
            }
            Ended::Failed(failure) => failure,
            Ended::HandedBack | Ended::Stopped => {
                return Err(Failure::new(
                    Exit::Failed,
                    "the copy was stopped from outside",
                ));
            }
        };
        if !failure.transient || order.attempt == ATTEMPTS {
            let told = Failure::new(Exit::CopyFailed, failure.to_string());
            return Err(match leftover(&order, progress) {
                Some(leftover) => told.remedy(leftover.to_string()),
                None => told,
            });
        }
        say(&format!("Attempt {} failed: {failure}", order.attempt));
        order.leftovers.push(order.image());
        order
            .leftovers
            .retain(|image| !progress.steps().settled.contains(image));
        order.attempt += 1;
        tokio::select! {
            () = sleep(PAUSE) => {}
            // The next attempt ends at once, and removes what is left.
            () = signals.cancel.cancelled() => {}
        }
    }
}

/// Images that could not be removed.
fn leftover(order: &Order, progress: &Progress) -> Option<Failure> {
    let settled = progress.steps().settled;
    let own = order.leftovers.iter().copied().chain([order.image()]);
    let left: Vec<String> = own
        .filter(|image| !settled.contains(image))
        .map(|image| image.to_string())
        .collect();
    (!left.is_empty()).then(|| {
        let message = format!(
            "What was begun could not be removed: image {}",
            left.join(", ")
        );
        Failure::new(Exit::CopyFailed, message)
            .remedy("If it is there, remove it with: openstack image delete")
    })
}

/// The copy as the service would tell of it.
fn state(order: &Order, progress: &Progress, status: &str) -> JobState {
    let total = order.spec.source_digest.size_bytes;
    let copied = if status == "replicated" {
        total
    } else {
        progress.bytes_copied()
    };
    JobState {
        job_id: order.job_id.to_string(),
        source_image_name: order.spec.source_image_name.clone(),
        source_image_id: order.spec.source.image.to_string(),
        status: status.to_owned(),
        copy_progress: (copied * 100).checked_div(total).unwrap_or(0),
        bytes_copied: copied,
        bytes_total: total,
        error: None,
    }
}
