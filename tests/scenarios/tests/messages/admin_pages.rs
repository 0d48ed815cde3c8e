//! Health, readiness and metrics of every service.

use anyhow::ensure;
use scenarios::{AdminPort, Copies};
use testbed::{Part, Region};

use crate::exposition::Exposition;
use crate::turn::Turn;

/// Services with an admin port, and a counter that one finished copy moves in each.
const SERVICES: [(Part, &str); 3] = [
    (
        Part::Gateway(Region::Ot1),
        "image_replicator_gateway_token_lookups_total",
    ),
    (
        Part::Scheduler(1),
        "image_replicator_scheduler_job_transitions_total{status=\"replicated\",source=\"ot1\",destination=\"ot2\"}",
    ),
    (
        Part::Worker(Region::Ot2, 1),
        "image_replicator_worker_copied_bytes_total{source=\"ot1\",destination=\"ot2\"}",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_service_answers_probes_and_counts_what_it_does() -> anyhow::Result<()> {
    let turn = Turn::take(1).await?;
    let mut before = Vec::new();
    for (part, counter) in SERVICES {
        before.push(metrics(&turn, part).await?.value(counter));
    }
    let (alice, image) = turn.alice_with_image("proj-ot1").await?;
    let copies = Copies::of(&alice);
    let job = copies.start(&image, &turn.destination()?).await?;
    copies.until_replicated(&job).await?;

    for ((part, counter), before) in SERVICES.into_iter().zip(before) {
        let page = metrics(&turn, part).await?;
        let names: Vec<&str> = page.series().collect();
        ensure!(
            page.value(counter) > before,
            "{counter} of {part} stands still: {names:#?}"
        );
        // Those of any process have the same names everywhere.
        let is_ours = |name: &str| {
            let prefixes = ["image_replicator_", "process_"];
            prefixes.iter().any(|prefix| name.starts_with(prefix))
        };
        let foreign = names.iter().find(|name| !is_ours(name));
        ensure!(
            foreign.is_none(),
            "{foreign:?} of {part} could be anybody's"
        );
        let admin = AdminPort::of(turn.bed, part)?;
        for page in ["/healthz", "/readyz"] {
            let (status, _, text) = admin.get(page).await?;
            ensure!(status == 200, "{page} of {part}: {status} {text}");
        }
    }
    turn.finish().await
}

async fn metrics(turn: &Turn, part: Part) -> anyhow::Result<Exposition> {
    let admin = AdminPort::of(turn.bed, part)?;
    let (status, media_type, text) = admin.get("/metrics").await?;
    ensure!(status == 200, "{part}: {status} {text}");
    ensure!(
        media_type.starts_with("application/openmetrics-text; version=1.0.0"),
        "{part}: {media_type}"
    );
    Exposition::parse(&text)
}
