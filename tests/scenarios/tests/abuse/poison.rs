//! A job that always fails ends after its attempts, and delays nobody.

use anyhow::ensure;

use crate::front::{Fault, Operation, Page, When};
use crate::stage::{ATTEMPTS, DESTINATION, WORKER, expect_copied, expect_error, turn};

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_job_ends_after_its_attempts_and_delays_nobody() -> anyhow::Result<()> {
    let (turn, fronts) = turn().await?;
    let poison = turn.image("poison", 1).await?;
    let good = turn.image("good", 1).await?;
    let front = &fronts.destination;
    let fails = Fault::Answer(Page::server_error());
    let upload = |fault| When::doing(Operation::Upload, &poison.id, fault);
    // The first attempt fails four times in a row; the second is held until the others have passed it.
    front.plan(upload(fails.clone()).times(4));
    front.plan(upload(Fault::Hold).times(1));
    front.plan(upload(fails));
    let job = turn.start(&poison).await?;
    turn.copies()
        .until(&job, "at its last attempt", |document| {
            document["attempt"] == ATTEMPTS
        })
        .await?;

    let mut replicas = Vec::new();
    for _ in 0..10 {
        replicas.push(expect_copied(&turn, &good).await?);
    }
    let waiting = turn.copies().show(&job).await?;
    ensure!(waiting["status"] == "replicating", "{waiting}");
    front.release(&poison.id);
    let words = ["ot2", "500", "something is very wrong"];
    let document = expect_error(&turn, &job, "destination_unavailable", &words).await?;
    ensure!(document["attempt"] == ATTEMPTS, "{document}");
    let said = [
        "the attempt failed",
        job.as_str(),
        "destination_unavailable",
    ];
    turn.until_logged(WORKER, &said).await?;

    front.forgive(&poison.id);
    replicas.push(expect_copied(&turn, &poison).await?);
    ensure!(turn.bed.pid(DESTINATION).await?.is_some(), "a real Glance");
    turn.leave(&replicas).await
}
