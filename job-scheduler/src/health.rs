//! Whether Redis answers, as readiness, gRPC health and metrics say it; and whether it is durable.

use std::sync::Arc;
use std::time::Duration;

use proto::v1::job_service_server::JobServiceServer;
use proto::v1::work_service_server::WorkServiceServer;
use service_kit::admin::Condition;
use tokio_util::sync::CancellationToken;
use tonic_health::server::HealthReporter;

use crate::job_service::JobApi;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::store::redis::{Durability, RedisStore};
use crate::work_service::Work;

/// How often Redis is asked whether it is there.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How often its settings are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Keeps readiness and gRPC health true until shutdown; then says that this scheduler is going.
pub(crate) async fn run(
    store: Arc<dyn Store>,
    reporter: HealthReporter,
    condition: Condition,
    shutdown: CancellationToken,
) {
    let mut ticks = tokio::time::interval(ASK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        match store.ping().await {
            Ok(()) => {
                condition.met();
                reporter.set_serving::<JobServiceServer<JobApi>>().await;
                reporter.set_serving::<WorkServiceServer<Work>>().await;
            }
            Err(error) => {
                condition.unmet(error.to_string());
                not_serving(&reporter).await;
            }
        }
    }
    not_serving(&reporter).await;
}

async fn not_serving(reporter: &HealthReporter) {
    reporter.set_not_serving::<JobServiceServer<JobApi>>().await;
    reporter.set_not_serving::<WorkServiceServer<Work>>().await;
}

/// Looks at start and every minute whether an accepted job could be lost, and says so loudly.
pub(crate) async fn watch_durability(
    store: Arc<RedisStore>,
    metrics: Arc<Metrics>,
    shutdown: CancellationToken,
) {
    let mut pause = Duration::ZERO;
    while shutdown
        .run_until_cancelled(tokio::time::sleep(pause))
        .await
        .is_some()
    {
        pause = match store.check_durability().await {
            Ok(Durability { replicas, concerns }) => {
                for concern in &concerns {
                    tracing::error!(concern, "an accepted job could be lost when redis crashes");
                }
                metrics.durability(concerns.len(), replicas);
                LOOK_EVERY
            }
            Err(_) => ASK_EVERY,
        };
    }
}
