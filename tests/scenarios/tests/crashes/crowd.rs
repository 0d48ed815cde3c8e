//! Several schedulers and workers share the work.

use anyhow::ensure;

use crate::stage::turn;

/// How many times each of the images is copied.
const COPIES: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn two_schedulers_and_three_workers_share_thirty_jobs() -> anyhow::Result<()> {
    let turn = turn().await?;
    let mut jobs = Vec::new();
    for name in ["red", "green", "blue"] {
        let image = turn.image(name, 2).await?;
        for _ in 0..COPIES {
            jobs.push((turn.start(&image).await?, image.clone()));
        }
    }
    let mut replicas = Vec::new();
    let mut busy = Vec::new();
    for (job, image) in &jobs {
        let document = turn.copies().until_replicated(job).await?;
        ensure!(document["attempt"] == 1, "{document}");
        replicas.push(turn.replicas().expect_whole(&document, image).await?);
        busy.push(turn.worker_of(job, 1)?);
    }
    let shares: Vec<usize> = turn
        .workers()
        .iter()
        .map(|worker| busy.iter().filter(|part| *part == worker).count())
        .collect();
    ensure!(
        shares.iter().filter(|share| **share > 0).count() >= 2,
        "the workers' shares are {shares:?}"
    );
    turn.leave(&replicas).await
}
