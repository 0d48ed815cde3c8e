//! A destination that drops an upload which pauses for four seconds, as uwsgi does unless told otherwise.

use std::time::Duration;

use anyhow::ensure;

use crate::front::{Fault, Operation, When};
use crate::stage::{UPLOAD_PATIENCE, WORKER, turn};

/// Longer than the destination waits, and less than what the worker calls a break of the download.
const PAUSE: Duration = Duration::from_millis(5500);

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_was_dropped_for_a_pause_is_made_again_in_the_same_attempt()
-> anyhow::Result<()> {
    assert!(PAUSE > UPLOAD_PATIENCE, "nothing would be dropped");
    let (turn, fronts) = turn().await?;
    let image = turn.image("with a pause", 24).await?;
    let pause = Fault::Pause(2 * 1024 * 1024, PAUSE);
    let pause = When::doing(Operation::Download, &image.id, pause).times(1);
    fronts.source.plan(pause);
    let job = turn.start(&image).await?;
    let document = turn.copies().until_replicated(&job).await?;

    ensure!(fronts.source.met(&image.id) == 1, "there was no pause");
    let said = ["the destination dropped the upload", job.as_str()];
    turn.until_logged(WORKER, &said).await?;
    ensure!(document["attempt"] == 1, "{document}");
    let replica = turn.replicas().expect_whole(&document, &image).await?;
    turn.leave(&[replica]).await
}
