//! A plan as callers see it: a job document of the backup API.
//!
//! The keys up to `ended_at` are the documented ones, in their documented order; what follows them is ours. Existing
//! clients crash when `job_schedule` or `job_actions` is null, so neither ever is.

use domain::{
    PlanAction, PlanEvent, PlanId, PlanStatus, PlanView, RecoveryPoint, RunResult, RunView,
    ScheduleFields,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

/// What a time is that there has not been, in `job_schedule`.
const NEVER: i64 = -1;

/// A plan.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct BackupJob {
    /// When the plan was made: ISO 8601 with microseconds, UTC without saying so, as all times here.
    #[schema(examples("2024-05-09T09:51:10.785000"))]
    created_at: String,
    /// When it was written last.
    #[schema(examples("2024-05-09T09:52:58.261000"))]
    updated_at: String,
    /// The plan: 32 hex digits.
    #[schema(examples("e632eb1884e0468c8a41e656942df500"))]
    job_id: String,
    /// 40 hex digits, always the same for a `job_id`.
    job_id_hash: String,
    /// The project that the plan belongs to and copies from.
    project_id: String,
    /// Who wrote it last; each fire needs this user's rights.
    user_id: String,
    /// When it fires.
    #[schema(value_type = super::schema::JobSchedule)]
    job_schedule: ScheduleOf,
    /// As it was written; only echoed.
    client_id: String,
    /// As it was written; only echoed.
    session_id: String,
    /// As it was written; only echoed.
    session_tag: i64,
    /// As it was written.
    name: String,
    /// As it was written.
    description: String,
    /// As they were written, with `action_id`, `user_id` and `project_id`.
    #[schema(value_type = Vec<super::schema::JobAction>)]
    job_actions: Vec<Value>,
    /// `scheduled`, `running`, `stop` or `completed`.
    #[schema(value_type = super::schema::Status)]
    status: &'static str,
    /// A disabled plan does not fire.
    disabled: bool,
    /// When it ran last; null before it ran at all.
    #[schema(required = true)]
    started_at: Option<String>,
    /// When that run ended; null while it has not.
    #[schema(required = true)]
    ended_at: Option<String>,
    /// When it fires next by its schedule.
    #[schema(required = true)]
    next_fire_at: Option<String>,
    /// The run under way, or else the last fire.
    #[schema(required = true)]
    last_run: Option<LastRun>,
    /// The replicas that it keeps, newest first. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_points: Option<Vec<Replica>>,
}

/// The schedule as it was written, and what the service adds.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct ScheduleOf {
    #[serde(flatten)]
    fields: ScheduleFields,
    time_created: i64,
    time_started: i64,
    time_ended: i64,
    event: &'static str,
    status: &'static str,
    result: &'static str,
}

/// A fire.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct LastRun {
    /// When it was due.
    scheduled_for: String,
    /// When it began.
    started_at: String,
    /// When it ended.
    #[schema(required = true)]
    ended_at: Option<String>,
    /// `success`, `fail`, `aborted`, `skipped` (the run before had not ended) or `missed` (no scheduler ran); null
    /// while it runs.
    #[schema(required = true, value_type = Option<super::schema::RunOutcome>)]
    result: Option<&'static str>,
    /// What went wrong or was left out, a sentence each.
    messages: Vec<String>,
    /// The copy jobs that it made.
    job_ids: Vec<Uuid>,
}

/// A replica that the plan keeps.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Replica {
    /// The image.
    image_id: Uuid,
    /// Its region.
    region_id: String,
    /// The project that owns it.
    tenant_id: String,
    /// What it was copied from.
    source_image_id: Uuid,
    /// The copy job that made it.
    job_id: Uuid,
    /// When its hash had been compared.
    made_at: String,
}

impl BackupJob {
    /// Everything of a plan.
    pub(super) fn whole(plan: PlanView) -> Self {
        let points = plan.recovery_points.iter().map(Replica::from).collect();
        Self {
            recovery_points: Some(points),
            ..Self::in_list(plan)
        }
    }

    /// A plan among others.
    pub(super) fn in_list(plan: PlanView) -> Self {
        let (started, ended) = (plan.started_at, plan.ended_at);
        let status = status(plan.status);
        let document = plan.document;
        Self {
            created_at: iso(plan.created_at),
            updated_at: iso(plan.updated_at),
            job_id: hex(plan.id),
            job_id_hash: hash(plan.id),
            job_schedule: ScheduleOf {
                fields: document.schedule,
                time_created: plan.created_at.as_second(),
                time_started: started.map_or(NEVER, Timestamp::as_second),
                time_ended: ended.map_or(NEVER, Timestamp::as_second),
                event: plan.last_event.map_or("", event),
                status,
                result: plan
                    .last_run
                    .as_ref()
                    .and_then(|run| run.result)
                    .map_or("", result),
            },
            client_id: document.client_id,
            session_id: document.session_id,
            session_tag: document.session_tag,
            name: document.name,
            description: document.description,
            job_actions: document
                .actions
                .iter()
                .map(|action| {
                    let owner = (plan.creator.as_str(), plan.tenant.as_str());
                    shown(action, owner)
                })
                .collect(),
            project_id: plan.tenant.to_string(),
            user_id: plan.creator.to_string(),
            status,
            disabled: document.disabled,
            started_at: started.map(iso),
            ended_at: ended.map(iso),
            next_fire_at: plan.next_fire_at.map(iso),
            last_run: plan.last_run.map(LastRun::from),
            recovery_points: None,
        }
    }
}

impl From<RunView> for LastRun {
    fn from(run: RunView) -> Self {
        Self {
            scheduled_for: iso(run.scheduled_for),
            started_at: iso(run.started_at),
            ended_at: run.ended_at.map(iso),
            result: run.result.map(result),
            messages: run.messages,
            job_ids: run.jobs.iter().map(|id| *id.as_uuid()).collect(),
        }
    }
}

impl From<&RecoveryPoint> for Replica {
    fn from(point: &RecoveryPoint) -> Self {
        Self {
            image_id: *point.image_id.as_uuid(),
            region_id: point.destination.region.to_string(),
            tenant_id: point.destination.tenant.to_string(),
            source_image_id: *point.source_image_id.as_uuid(),
            job_id: *point.job_id.as_uuid(),
            made_at: iso(point.made_at),
        }
    }
}

/// As the backup API writes ids: without dashes.
pub(super) fn hex(id: PlanId) -> String {
    id.as_uuid().simple().to_string()
}

/// The backup API does not say of what its hash is one. Ours is the first 160 bits of the SHA-256 of `job_id`.
fn hash(id: PlanId) -> String {
    let digest = Sha256::digest(hex(id));
    digest[..20]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// ISO 8601 with microseconds and no zone.
fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string()
}

/// An action as it was written, with what the plan adds.
fn shown(action: &PlanAction, (user, project): (&str, &str)) -> Value {
    let mut shown: Map<String, Value> =
        serde_json::from_str(&action.as_written).unwrap_or_default();
    let id = action.id.as_uuid().simple().to_string();
    for (key, value) in [
        ("action_id", id.as_str()),
        ("user_id", user),
        ("project_id", project),
    ] {
        shown.insert(key.to_owned(), json!(value));
    }
    Value::Object(shown)
}

const fn status(status: PlanStatus) -> &'static str {
    match status {
        PlanStatus::Scheduled => "scheduled",
        PlanStatus::Running => "running",
        PlanStatus::Stop => "stop",
        PlanStatus::Completed => "completed",
    }
}

const fn event(event: PlanEvent) -> &'static str {
    match event {
        PlanEvent::Start => "start",
        PlanEvent::Stop => "stop",
        PlanEvent::Abort => "abort",
    }
}

const fn result(result: RunResult) -> &'static str {
    match result {
        RunResult::Success => "success",
        RunResult::Fail => "fail",
        RunResult::Aborted => "aborted",
        RunResult::Skipped => "skipped",
        RunResult::Missed => "missed",
    }
}

#[cfg(test)]
mod tests;
