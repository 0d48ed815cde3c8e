//! What is not settled yet: leases that workers hold, and what copies have left behind.

use proto::v1;
use serde_json::json;

use super::{Session, present, refused};
use crate::admin::command_line::Failure;
use crate::admin::command_line::document::{self, time};
use crate::admin::command_line::printout::Printout;
use crate::admin::command_line::table::Table;

pub(super) async fn leases(session: &mut Session, limit: u32) -> Result<Printout, Failure> {
    let request = v1::AdminListLeasesRequest {
        operator: session.operator.clone(),
        limit,
    };
    let answer = session.rpc.list_leases(request).await.map_err(refused)?;
    let v1::AdminListLeasesResponse { jobs, has_more } = answer.into_inner();
    let mut table = Table::of(&[
        "JOB", "ATTEMPT", "KIND", "REGION", "WORKER", "STAGE", "UNTIL",
    ]);
    for job in &jobs {
        let lease = job.lease.clone().unwrap_or_default();
        table.row([
            job.job_id.clone(),
            job.attempt.to_string(),
            lease.kind,
            job.region_id.clone(),
            lease.worker_id,
            lease.stage.unwrap_or_default(),
            time(lease.expires_at_ms),
        ]);
    }
    let json = json!({"jobs": document::jobs(&jobs), "has_more": has_more});
    Ok(Printout::new(cut_off(&table, has_more), json))
}

pub(super) async fn leftovers(session: &mut Session, limit: u32) -> Result<Printout, Failure> {
    let request = v1::AdminListLeftoversRequest {
        operator: session.operator.clone(),
        limit,
    };
    let answer = session.rpc.list_leftovers(request).await.map_err(refused)?;
    let v1::AdminListLeftoversResponse { jobs, has_more } = answer.into_inner();
    let mut table = Table::of(&[
        "JOB", "STATUS", "REGION", "IMAGES", "SINCE", "FAILED", "NEXT TRY",
    ]);
    let mut documents = Vec::new();
    for left in jobs {
        let job = present(left.job)?;
        table.row([
            job.job_id.clone(),
            document::status(job.status()).to_owned(),
            job.region_id.clone(),
            job.leftovers.len().to_string(),
            time(left.since_ms),
            job.clean_up_failures.to_string(),
            job.waiting_until_ms.map(time).unwrap_or_default(),
        ]);
        let mut document = document::job(&job);
        document["since"] = json!(time(left.since_ms));
        documents.push(document);
    }
    let json = json!({"jobs": documents, "has_more": has_more});
    Ok(Printout::new(cut_off(&table, has_more), json))
}

fn cut_off(table: &Table, has_more: bool) -> String {
    let mut text = table.render();
    if has_more {
        text.push_str("there are more: see --limit\n");
    }
    text
}
