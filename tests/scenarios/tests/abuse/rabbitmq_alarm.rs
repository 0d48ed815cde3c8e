//! RabbitMQ is out of memory and takes no messages: requests are accepted as before, and work goes on.

use anyhow::ensure;

use crate::stage::{GATEWAY, expect_copied, turn};

/// Accepted jobs whose message RabbitMQ did not take.
const UNPUBLISHED: &str = "image_replicator_gateway_unpublished_wake_ups_total";

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_alarm_of_rabbitmq_blocks_messages_and_no_work() -> anyhow::Result<()> {
    let (turn, _) = turn().await?;
    let image = turn.image("without a message", 1).await?;
    let mut replicas = vec![expect_copied(&turn, &image).await?];
    let before = turn.metric(GATEWAY, UNPUBLISHED).await?;
    let alarms = turn.bed.log(GATEWAY)?;
    let ends = alarms.matches("rabbitmq takes messages again").count();

    turn.bed.set_rabbitmq_memory("0").await?;
    for _ in 0..5 {
        replicas.push(expect_copied(&turn, &image).await?);
    }
    turn.until_logged(GATEWAY, &["rabbitmq takes no messages for now"])
        .await?;
    let said = [
        "no worker was woken for an accepted job",
        "takes no messages",
    ];
    turn.until_logged(GATEWAY, &said).await?;
    let blocked = turn.metric(GATEWAY, UNPUBLISHED).await? - before;
    ensure!(blocked >= 5.0, "{blocked} unpublished messages are counted");

    turn.bed.set_rabbitmq_memory("0.6").await?;
    testbed::eventually(scenarios::PATIENCE, "the end of the alarm", || async {
        let now = turn.bed.log(GATEWAY)?;
        let again = now.matches("rabbitmq takes messages again").count();
        ensure!(again > ends, "not yet");
        Ok(())
    })
    .await?;
    let before = turn.metric(GATEWAY, UNPUBLISHED).await?;
    replicas.push(expect_copied(&turn, &image).await?);
    let after = turn.metric(GATEWAY, UNPUBLISHED).await?;
    ensure!((after - before).abs() < 0.5, "still unpublished");
    turn.leave(&replicas).await
}
