//! What operators do, over gRPC.

mod audit;
mod command_line;
mod drain;
mod listing;
mod orphans;
mod retry;

use domain::JobId;
use proto::v1;
use tonic::Status;

use crate::rig::Rig;

/// Who does it.
const OPERATOR: &str = "root@node-7";

fn operator() -> String {
    OPERATOR.to_owned()
}

async fn show(rig: &Rig, job: JobId) -> v1::AdminShowJobResponse {
    let request = v1::AdminShowJobRequest {
        operator: operator(),
        job_id: job.to_string(),
    };
    let answer = rig.admin.clone().show_job(request).await;
    answer.expect("answered").into_inner()
}

async fn limits(rig: &Rig) -> v1::AdminShowLimitsResponse {
    let request = v1::AdminShowLimitsRequest {
        operator: operator(),
    };
    let answer = rig.admin.clone().show_limits(request).await;
    answer.expect("answered").into_inner()
}

async fn drain(rig: &Rig, region: &str) -> Result<v1::AdminDrainRegionResponse, Status> {
    let request = v1::AdminDrainRegionRequest {
        operator: operator(),
        region_id: region.to_owned(),
    };
    let answer = rig.admin.clone().drain_region(request).await?;
    Ok(answer.into_inner())
}

async fn undrain(rig: &Rig, region: &str) -> Result<bool, Status> {
    let request = v1::AdminUndrainRegionRequest {
        operator: operator(),
        region_id: region.to_owned(),
    };
    let answer = rig.admin.clone().undrain_region(request).await?;
    Ok(answer.into_inner().was_drained)
}

/// The acts that a job's record tells of.
fn acts(job: &v1::AdminJob) -> Vec<(&str, &str)> {
    let acts = job.acts.iter();
    acts.map(|act| (act.operator.as_str(), act.verb.as_str()))
        .collect()
}
