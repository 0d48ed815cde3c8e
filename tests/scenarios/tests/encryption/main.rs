//! TLS everywhere: callers to gateways, services to each other, to RabbitMQ and to Redis, all under a private authority. Who
//! has no certificate of it is refused, and certificates are taken up anew while everything runs.
//!
//! One test bed, on which one thing follows the other.

mod ground;
mod knock;
mod plain;
mod refusals;
mod rotation;

use crate::ground::Ground;

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_encrypted_and_follows_its_certificates() -> anyhow::Result<()> {
    let ground = Ground::prepare().await?;
    ground.copy_passes().await?;

    plain::nothing_is_answered_without_tls(&ground).await?;
    refusals::each_has_its_reason_in_the_log(&ground).await?;
    rotation::a_gateway_shows_what_its_files_hold(&ground).await?;
    rotation::a_scheduler_shows_what_its_files_hold(&ground).await?;
    rotation::a_worker_trusts_whom_its_file_holds(&ground).await?;

    ground.copy_passes().await?;
    ground.leave().await
}
