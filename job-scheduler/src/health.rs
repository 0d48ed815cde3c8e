//! Whether Redis answers, as readiness and gRPC health say it.

use std::sync::Arc;
use std::time::Duration;

use proto::v1::job_service_server::JobServiceServer;
use proto::v1::work_service_server::WorkServiceServer;
use service_kit::admin::Condition;
use tokio_util::sync::CancellationToken;
use tonic::server::NamedService;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::job_service::JobApi;
use crate::store::Store;
use crate::work_service::Work;

/// How often Redis is asked whether it is there.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Keeps readiness and gRPC health true until shutdown; then says that this scheduler is going.
pub(crate) async fn run(
    store: Arc<dyn Store>,
    reporter: HealthReporter,
    condition: Condition,
    shutdown: CancellationToken,
) {
    let mut ticks = tokio::time::interval(ASK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // Watchers of the health service are told of changes only.
    let mut told = None;
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        let answer = store.ping().await;
        match &answer {
            Ok(()) => condition.met(),
            Err(error) => condition.unmet(error.to_string()),
        }
        let serving = answer.is_ok();
        if told.replace(serving) != Some(serving) {
            tell(&reporter, serving).await;
        }
    }
    tell(&reporter, false).await;
}

async fn tell(reporter: &HealthReporter, serving: bool) {
    let status = if serving {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    };
    for service in [
        "",
        JobServiceServer::<JobApi>::NAME,
        WorkServiceServer::<Work>::NAME,
    ] {
        reporter.set_service_status(service, status).await;
    }
}
