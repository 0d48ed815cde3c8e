//! Files are replaced while services run: what they hold counts, and what can't be used changes nothing.

use anyhow::{Context, ensure};
use scenarios::{AdminPort, PATIENCE};
use testbed::{Part, eventually};

use crate::ground::{GATEWAY, Ground, SCHEDULER, WORKER, place};
use crate::knock;

pub(crate) async fn a_gateway_shows_what_its_files_hold(ground: &Ground) -> anyhow::Result<()> {
    shows_what_its_files_hold(ground, GATEWAY, "gateway.tls").await
}

pub(crate) async fn a_scheduler_shows_what_its_files_hold(ground: &Ground) -> anyhow::Result<()> {
    shows_what_its_files_hold(ground, SCHEDULER, "grpc.tls").await
}

async fn shows_what_its_files_hold(
    ground: &Ground,
    part: Part,
    section: &str,
) -> anyhow::Result<()> {
    let (address, ours) = (ground.address(part)?, ground.common());
    let directory = place(&part.to_string());
    let pid = ground.bed.pid(part).await?;
    let before = ground.bed.log(part)?;
    let first = knock::shown(&address, &ours).await?;

    // What makes no sense changes nothing, and is said by log, metric and readiness.
    std::fs::write(directory.join("certificate.pem"), "no certificate")?;
    let words = ["WARN", section, "what was before stays"];
    ground.until_logged(part, &before, &words).await?;
    let refused = format!("image_replicator_certificate_files_refused{{section=\"{section}\"}}");
    ground.until_metric(part, &refused, |it| it == 1.0).await?;
    let note = AdminPort::of(&ground.bed, part)?.note(section).await?;
    ensure!(note.contains("holds no certificate"), "{note}");
    ensure!(
        knock::shown(&address, &ours).await? == first,
        "{part}: another certificate"
    );

    ground.authority.until(&directory, 2090)?;
    eventually(PATIENCE, format!("a new certificate of {part}"), || async {
        let shown = knock::shown(&address, &ours).await?;
        ensure!(shown != first, "the first one");
        Ok(())
    })
    .await?;
    ground.until_metric(part, &refused, |it| it == 0.0).await?;
    let expiry =
        format!("image_replicator_certificate_expiry_time_seconds{{section=\"{section}\"}}");
    // The beginning of the year 2090.
    ground
        .until_metric(part, &expiry, |it| it == 3_786_912_000.0)
        .await?;
    ensure!(
        ground.bed.pid(part).await? == pid,
        "{part} was started anew"
    );
    Ok(())
}

/// The connection to a scheduler stays when trust ends; the next one is not made.
pub(crate) async fn a_worker_trusts_whom_its_file_holds(ground: &Ground) -> anyhow::Result<()> {
    let file = place(&WORKER.to_string()).join("authority.pem");
    let pid = ground.bed.pid(WORKER).await?;
    let admin = AdminPort::of(&ground.bed, WORKER)?;
    let until_ready = async |expected: bool| {
        eventually(PATIENCE, format!("ready: {expected}"), || async {
            let (status, _, text) = admin.get("/readyz").await?;
            ensure!(status.is_success() == expected, "{status}: {text}");
            Ok(())
        })
        .await
    };

    let before = ground.bed.log(WORKER)?;
    std::fs::write(&file, ground.stranger.pem())?;
    ground
        .until_logged(WORKER, &before, &["count from now on"])
        .await?;
    until_ready(true).await?;
    ground.bed.restart(SCHEDULER).await?;
    until_ready(false).await?;
    let words = [
        "a handshake failed",
        "certificate is of an unknown authority",
    ];
    ground
        .until_logged(WORKER, &before, &words)
        .await
        .context("the worker says whom it does not trust")?;

    std::fs::write(&file, ground.authority.pem())?;
    until_ready(true).await?;
    ensure!(ground.bed.pid(WORKER).await? == pid, "it was started anew");
    Ok(())
}
