//! Who calls a scheduler without a good certificate is refused, and the scheduler's log says why.

use anyhow::ensure;

use crate::ground::{Ground, SCHEDULER, place};
use crate::knock;

pub(crate) async fn each_has_its_reason_in_the_log(ground: &Ground) -> anyhow::Result<()> {
    let address = ground.address(SCHEDULER)?;
    let ours = ground.common();
    let taken = knock::is_taken(&address, &ours, Some(&ours)).await?;
    ensure!(taken, "not even a good certificate is taken");

    let foreign = ground.stranger.server(&place("foreign"))?;
    let expired = ground.authority.expired(&place("expired"))?;
    for (shows, reason) in [
        (Some(&foreign), "certificate is of an unknown authority"),
        (Some(&expired), "certificate has expired"),
        (None, "shows no certificate"),
    ] {
        let before = ground.bed.log(SCHEDULER)?;
        let taken = knock::is_taken(&address, &ours, shows).await?;
        ensure!(!taken, "taken, though: {reason}");
        let words = ["WARN", "a handshake failed", reason];
        ground.until_logged(SCHEDULER, &before, &words).await?;
    }
    Ok(())
}
