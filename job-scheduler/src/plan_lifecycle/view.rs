//! What a plan's owner sees of it.

use domain::{PlanStatus, PlanView};

use crate::plan_record::PlanRecord;

/// The plan as callers may see it.
#[must_use]
pub fn view(record: &PlanRecord) -> PlanView {
    let stay = record.points.iter().filter(|it| it.removing.is_none());
    let under_way = record.run.as_ref().map(|run| run.view(None));
    PlanView {
        id: record.id,
        region: record.region.clone(),
        tenant: record.tenant.clone(),
        creator: record.creator.id.clone(),
        document: record.document.clone(),
        revision: record.revision,
        status: status(record),
        created_at: record.created_at,
        updated_at: record.updated_at,
        scheduled_at: record.scheduled_at,
        next_fire_at: record.next_fire,
        last_event: record.last_event,
        started_at: record.started_at,
        ended_at: record.ended_at,
        last_run: under_way.or_else(|| record.last_run.clone()),
        recovery_points: stay.map(|it| it.point.clone()).collect(),
    }
}

fn status(record: &PlanRecord) -> PlanStatus {
    if record.run.is_some() {
        PlanStatus::Running
    } else if record.stopped || record.document.disabled {
        PlanStatus::Stop
    } else if record.next_fire.is_some() {
        PlanStatus::Scheduled
    } else {
        PlanStatus::Completed
    }
}
