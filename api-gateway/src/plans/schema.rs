//! The bodies of plans as the API document describes them. They are parsed by hand, for better messages, and
//! nothing here is ever built.
#![allow(
    dead_code,
    reason = "describes JSON; it is parsed and written elsewhere"
)]

use std::collections::BTreeMap;

use utoipa::ToSchema;
use uuid::Uuid;

/// A plan as it is written. A change takes any part of it.
#[derive(ToSchema)]
pub(crate) struct Plan {
    /// The id that the plan shall have; one is made unless it is given.
    #[schema(nullable = false)]
    job_id: Option<Uuid>,
    /// For people.
    #[schema(default = "")]
    name: Option<String>,
    /// For people.
    #[schema(default = "")]
    description: Option<String>,
    /// Which client or product made it; only echoed.
    #[schema(default = "")]
    client_id: Option<String>,
    /// A group of plans; only echoed.
    #[schema(default = "")]
    session_id: Option<String>,
    /// Only echoed.
    #[schema(nullable = false, default = 0)]
    session_tag: Option<i64>,
    /// Keeps the plan from firing.
    #[schema(nullable = false, default = false)]
    disabled: Option<bool>,
    /// When it fires; without any field: once, now.
    #[schema(nullable = false)]
    job_schedule: Option<JobSchedule>,
    /// What a fire does; 1 to 100. They begin in this order. Only a change may leave them out.
    #[schema(nullable = false)]
    job_actions: Option<Vec<JobAction>>,
    /// Filled into each `freezer_action` that leaves a key out.
    #[schema(nullable = false)]
    action_defaults: Option<BTreeMap<String, serde_json::Value>>,
}

/// When a plan fires, in UTC: at `schedule_date`; else every `schedule_interval`; else when all cron fields match;
/// else once, now. Values may be numbers or texts.
#[derive(ToSchema)]
pub(crate) struct JobSchedule {
    /// Once, at this time.
    #[schema(nullable = false, examples("2026-12-31T23:00:00"))]
    schedule_date: Option<String>,
    /// `<n> weeks|days|hours|minutes|seconds`.
    #[schema(nullable = false, examples("12 hours"))]
    schedule_interval: Option<String>,
    /// Not before this time.
    #[schema(nullable = false)]
    schedule_start_date: Option<String>,
    /// Not after this time.
    #[schema(nullable = false)]
    schedule_end_date: Option<String>,
    /// Cron fields take `*`, `5`, `0,2,4`, `1-5`, `*/15`. Of those left out, the ones coarser than the finest one
    /// given are `*` and the finer ones their minimum; week and day of week are always `*`.
    #[schema(nullable = false)]
    schedule_year: Option<String>,
    /// 1 to 12 or `jan` to `dec`.
    #[schema(nullable = false)]
    schedule_month: Option<String>,
    /// 1 to 31.
    #[schema(nullable = false)]
    schedule_day: Option<String>,
    /// ISO weeks, 1 to 53.
    #[schema(nullable = false)]
    schedule_week: Option<String>,
    /// 0 (Monday) to 6, or `mon` to `sun`.
    #[schema(nullable = false)]
    schedule_day_of_week: Option<String>,
    /// 0 to 23.
    #[schema(nullable = false, examples("13"))]
    schedule_hour: Option<String>,
    /// 0 to 59.
    #[schema(nullable = false, examples("00"))]
    schedule_minute: Option<String>,
    /// 0 to 59.
    #[schema(nullable = false)]
    schedule_second: Option<String>,
    /// When the plan was made, in seconds since 1970. This and what follows is filled in by the service.
    #[schema(read_only)]
    time_created: i64,
    /// When it ran last; -1 before it ran.
    #[schema(read_only)]
    time_started: i64,
    /// When that run ended; -1 while it has not.
    #[schema(read_only)]
    time_ended: i64,
    /// What the plan was told last: `start`, `stop`, `abort` or empty.
    #[schema(read_only)]
    event: String,
    /// The plan's status.
    #[schema(read_only)]
    status: Status,
    /// How the last fire ended, or empty.
    #[schema(read_only)]
    result: String,
}

/// What a fire does. Other keys are kept and echoed.
#[derive(ToSchema)]
pub(crate) struct JobAction {
    /// Stays when the plan is changed.
    #[schema(nullable = false)]
    action_id: Option<Uuid>,
    /// Who wrote the plan last.
    #[schema(read_only)]
    user_id: String,
    /// The plan's project.
    #[schema(read_only)]
    project_id: String,
    /// How often a run tries the action again after it failed.
    #[schema(nullable = false, default = 0)]
    max_retries: Option<u32>,
    /// Seconds before each of those.
    #[schema(nullable = false, default = 60)]
    max_retries_interval: Option<u32>,
    /// Whether the actions that follow are left out when it fails.
    #[schema(nullable = false, default = false)]
    mandatory: Option<bool>,
    /// The copy.
    freezer_action: FreezerAction,
}

/// A copy of one image, or of several. Exactly one of `image_id`, `image_name` and `image_tag` is given. Other keys
/// are kept and echoed.
#[derive(ToSchema)]
pub(crate) struct FreezerAction {
    /// `backup`.
    #[schema(examples("backup"))]
    action: String,
    /// `glance-image`.
    #[schema(examples("glance-image"))]
    mode: String,
    /// This image.
    #[schema(nullable = false)]
    image_id: Option<Uuid>,
    /// The newest active image of this name, looked up at each fire.
    #[schema(nullable = false)]
    image_name: Option<String>,
    /// Every active image with this tag, looked up at each fire.
    #[schema(nullable = false)]
    image_tag: Option<String>,
    /// The project that gets the copies.
    tenant_id_dst: String,
    /// That project's region, when the project alone does not tell.
    #[schema(nullable = false)]
    region_id_dst: Option<String>,
    /// How many copies are kept; 0: all.
    #[schema(nullable = false, default = 0)]
    recovery_points_rotation: Option<u32>,
}

/// Where a plan stands.
#[derive(ToSchema)]
#[schema(as = PlanStatus, rename_all = "snake_case")]
pub(crate) enum Status {
    /// It will fire.
    Scheduled,
    /// A run is under way.
    Running,
    /// It was stopped.
    Stop,
    /// It will not fire again by itself.
    Completed,
}

/// How a fire ended.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum RunOutcome {
    /// Every action succeeded.
    Success,
    /// An action failed.
    Fail,
    /// It was aborted.
    Aborted,
    /// The run before had not ended.
    Skipped,
    /// It was due while no scheduler ran, too long ago.
    Missed,
}

/// One of three.
#[derive(ToSchema)]
pub(crate) struct Event {
    /// Fire now, and on schedule again.
    #[schema(value_type = Option<Object>)]
    start: Option<()>,
    /// Fire no more; a run under way ends by itself.
    #[schema(value_type = Option<Object>)]
    stop: Option<()>,
    /// As stop, and the copies of the run under way are canceled.
    #[schema(value_type = Option<Object>)]
    abort: Option<()>,
}

/// Which plans to list.
#[derive(ToSchema)]
pub(crate) struct Search {
    /// Fields with their values, all of which must be found; `_all` stands for any field.
    #[schema(nullable = false, value_type = Option<Vec<Object>>)]
    r#match: Option<Vec<()>>,
    /// Fields with their values, none of which may be found.
    #[schema(nullable = false, value_type = Option<Vec<Object>>)]
    match_not: Option<Vec<()>>,
}
