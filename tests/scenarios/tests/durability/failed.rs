//! What a test that failed has left behind is undone before the next one's turn.

use anyhow::ensure;

use crate::doubt::set_appendfsync;
use crate::stage::turn;

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_was_never_left_spoils_nothing_for_the_next() -> anyhow::Result<()> {
    let first = turn().await?;
    let options = first.bed.options();
    let (hold, job) = first.hold_a_copy().await?;
    set_appendfsync(&first, "everysec").await?;
    first.freeze(&first.schedulers()[..1]).await?;
    first.kill(&first.workers()[..1]).await?;
    let layer = "[scheduler]\nmax_attempts = 1\n";
    let bed = first.bed;
    bed.change_options(|options| options.config.push(layer.to_owned()))?;
    drop((hold, first));

    let mut next = turn().await?;
    if next.bed.directory() != bed.directory() {
        let other = next;
        next = turn().await?;
        other.leave(&[]).await?;
    }
    ensure!(next.bed.options() == options, "other options");
    next.until_noted("durability", "accepted jobs are safe")
        .await?;
    let gone = next.copies().get(&job).await?;
    ensure!(gone.status == 404, "{gone}");
    let left = next.replicas().owned().await?;
    ensure!(left.is_empty(), "{left:?}");
    next.leave(&[]).await
}
