//! A cancel that reaches another scheduler than the one on which the worker hangs.

use anyhow::{Context, ensure};
use scenarios::{Hold, Turn, Witness, image_of_attempt, is_final};
use testbed::{Part, Region};

use crate::stage::turn;

const GATEWAY: Part = Part::Gateway(Region::Ot1);

/// One worker only does the work, so its connection stays with one scheduler. The gateway is bound to
/// the one and then to the other scheduler: in one of the two rounds it is not the worker's.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_finds_the_worker_through_any_scheduler() -> anyhow::Result<()> {
    let turn = turn().await?;
    turn.freeze(&turn.workers()[1..]).await?;
    for scheduler in turn.schedulers() {
        bind_gateway(&turn, Some(scheduler)).await?;
        cancel_in_mid_copy(&turn).await?;
    }
    bind_gateway(&turn, None).await?;
    turn.thaw(&turn.workers()[1..]).await?;
    turn.leave(&[]).await
}

async fn cancel_in_mid_copy(turn: &Turn) -> anyhow::Result<()> {
    let image = turn.large_image().await?;
    let hold = Hold::on(turn.bed)?;
    let job = turn.start(image).await?;
    let mut events = turn.copies().events(&format!("/{job}/events")).await?;
    let witness = Witness::default();
    let mut seen = Vec::new();
    let mut next = async || {
        let document = events.next_document().await?;
        witness.see(&document)?;
        seen.push(document["status"].to_string());
        anyhow::Ok(document)
    };
    while next().await?["bytes_copied"].as_u64() == Some(0) {}
    turn.copies().cancel(&job).await?.expect_no_content()?;
    let last = loop {
        let document = next().await?;
        if is_final(&document) {
            break document;
        }
    };
    ensure!(last["status"] == "canceled", "{seen:?}: {last}");
    ensure!(
        seen.iter()
            .any(|status| status.contains("cancel_requested")),
        "the events tell of no cancel: {seen:?}"
    );
    ensure!(events.next().await?.is_none(), "events after the last one");
    let image = image_of_attempt(&job, 1)?;
    turn.replicas().expect_gone(&image).await?;
    hold.release();
    Ok(())
}

/// Has the gateway talk to one scheduler, or to any.
async fn bind_gateway(turn: &Turn, scheduler: Option<Part>) -> anyhow::Result<()> {
    let address = scheduler
        .map(|scheduler| address_of(turn, scheduler))
        .transpose()?;
    turn.bed.change_options(|options| {
        let name = GATEWAY.to_string();
        match address {
            Some(address) => {
                let layer = format!("[gateway]\nscheduler_url = 'http://{address}'\n");
                options.part_config.insert(name, layer);
            }
            None => drop(options.part_config.remove(&name)),
        }
    })?;
    turn.bed.restart(GATEWAY).await
}

/// Where a scheduler listens, as its own configuration says.
fn address_of(turn: &Turn, scheduler: Part) -> anyhow::Result<String> {
    let part = turn.bed.directory().join(scheduler.to_string());
    let path = part.join("config.toml");
    let text = std::fs::read_to_string(path)?;
    let line = text
        .lines()
        .skip_while(|line| *line != "[scheduler]")
        .find_map(|line| line.strip_prefix("listen = "));
    let address = line.context("a scheduler that listens nowhere")?;
    Ok(address.trim_matches('"').to_owned())
}
