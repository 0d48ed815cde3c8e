//! What regions and tenants use of their limits; drains of regions.

use proto::v1;
use serde_json::json;

use super::{Session, present, refused};
use crate::admin::command_line::Failure;
use crate::admin::command_line::document::{self, time};
use crate::admin::command_line::printout::Printout;
use crate::admin::command_line::table::Table;

pub(super) async fn limits(session: &mut Session) -> Result<Printout, Failure> {
    let request = v1::AdminShowLimitsRequest {
        operator: session.operator.clone(),
    };
    let answer = session.rpc.show_limits(request).await.map_err(refused)?;
    let usage = answer.into_inner();
    let mut limits = Table::of(&["LIMIT", "AT MOST"]);
    for (name, most) in [
        ("copies of a tenant into a region", usage.copies_per_tenant),
        ("copies out of a region", usage.copies_per_source),
        ("copies into a region", usage.copies_per_destination),
        (
            "jobs of a tenant that are not finished",
            usage.queued_per_tenant,
        ),
        ("plans of a tenant", usage.plans_per_tenant),
    ] {
        limits.row([name.to_owned(), most.to_string()]);
    }
    let mut regions = Table::of(&[
        "REGION",
        "RUNNING INTO",
        "RUNNING OUT OF",
        "ERRANDS WAITING",
        "LEFTOVERS",
        "DRAINED",
    ]);
    for region in &usage.regions {
        let drain = region.drain.as_ref();
        let since = |drain: &v1::RegionDrain| {
            format!("since {} by {}", time(drain.since_ms), drain.operator)
        };
        regions.row([
            region.region_id.clone(),
            region.running_into.to_string(),
            region.running_out_of.to_string(),
            region.errands_waiting.to_string(),
            region.leftovers.to_string(),
            drain.map_or_else(|| "no".to_owned(), since),
        ]);
    }
    let mut tenants = Table::of(&["TENANT", "FROM", "TO", "RUNNING", "WAITING", "OPEN"]);
    for tenant in &usage.tenants {
        tenants.row([
            tenant.tenant_id.clone(),
            tenant.source_region_id.clone(),
            tenant.destination_region_id.clone(),
            tenant.running.to_string(),
            tenant.waiting.to_string(),
            tenant.open.to_string(),
        ]);
    }
    let tables = [limits, regions, tenants].map(|table| table.render());
    Ok(Printout::new(tables.join("\n"), document::limits(&usage)))
}

pub(super) async fn drain(session: &mut Session, region_id: String) -> Result<Printout, Failure> {
    let request = v1::AdminDrainRegionRequest {
        operator: session.operator.clone(),
        region_id: region_id.clone(),
    };
    let answer = session.rpc.drain_region(request).await.map_err(refused)?;
    let answer = answer.into_inner();
    let drain = present(answer.drain)?;
    let since = if answer.was_drained {
        let since = time(drain.since_ms);
        format!("was drained already, since {since} by {}", drain.operator)
    } else {
        "is drained: nothing of it is granted until it is undrained".to_owned()
    };
    let running = answer.running;
    let text = format!("region {region_id} {since}; copies into it that still run: {running}");
    Ok(Printout::new(
        text,
        json!({
            "drain": document::drain(&drain),
            "was_drained": answer.was_drained,
            "running": answer.running,
        }),
    ))
}

pub(super) async fn undrain(session: &mut Session, region_id: String) -> Result<Printout, Failure> {
    let request = v1::AdminUndrainRegionRequest {
        operator: session.operator.clone(),
        region_id: region_id.clone(),
    };
    let answer = session.rpc.undrain_region(request).await.map_err(refused)?;
    let was_drained = answer.into_inner().was_drained;
    let text = if was_drained {
        format!("region {region_id} is drained no longer: its units are granted again")
    } else {
        format!("region {region_id} was not drained")
    };
    Ok(Printout::new(
        text,
        json!({"region_id": region_id, "was_drained": was_drained}),
    ))
}
