//! The bodies of plans as the API document describes them. They are parsed by hand, for better messages, and
//! nothing here is ever built.
#![allow(
    dead_code,
    reason = "describes JSON; it is parsed and written elsewhere"
)]

use std::collections::BTreeMap;

use utoipa::ToSchema;

use crate::documented::{NumberOrDigits, PlainUuid, TextOrNumber};

/// A plan as it is written. A change takes any part of it.
#[derive(ToSchema)]
pub(crate) struct Plan {
    /// The id that the plan shall have; one is made unless it is given.
    #[schema(value_type = Option<PlainUuid>)]
    job_id: Option<String>,
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
    #[schema(default = 0)]
    session_tag: Option<i64>,
    /// Keeps the plan from firing.
    #[schema(default = false)]
    disabled: Option<bool>,
    /// When it fires; without any field: once, now.
    #[schema(nullable = false)]
    job_schedule: Option<JobSchedule>,
    /// What a fire does; 1 to 100. They begin in this order. Only a change may leave them out.
    #[schema(nullable = false, min_items = 1, max_items = 100)]
    job_actions: Option<Vec<JobAction>>,
    /// Filled into each `freezer_action` that leaves a key out.
    action_defaults: Option<BTreeMap<String, serde_json::Value>>,
}

/// When a plan fires, in UTC: at `schedule_date`; else every `schedule_interval`; else when all cron fields match;
/// else once, now. Values may be numbers or texts.
#[derive(ToSchema)]
pub(crate) struct JobSchedule {
    /// Once, at this time.
    #[schema(nullable = false, value_type = Option<TextOrNumber>, examples("2026-12-31T23:00:00"))]
    schedule_date: Option<String>,
    /// `<n> weeks|days|hours|minutes|seconds`.
    #[schema(nullable = false, value_type = Option<TextOrNumber>, examples("12 hours"))]
    schedule_interval: Option<String>,
    /// Not before this time.
    #[schema(nullable = false, value_type = Option<TextOrNumber>)]
    schedule_start_date: Option<String>,
    /// Not after this time.
    #[schema(nullable = false, value_type = Option<TextOrNumber>)]
    schedule_end_date: Option<String>,
    /// Cron fields take `*`, `5`, `0,2,4`, `1-5`, `*/15`. Of those left out, the ones coarser than the finest one
    /// given are `*` and the finer ones their minimum; week and day of week are always `*`.
    #[schema(nullable = false, value_type = Option<TextOrNumber>)]
    schedule_year: Option<String>,
    /// 1 to 12 or `jan` to `dec`.
    #[schema(nullable = false, value_type = Option<TextOrNumber>)]
    schedule_month: Option<String>,
    /// 1 to 31.
    #[schema(nullable = false, value_type = Option<TextOrNumber>)]
    schedule_day: Option<String>,
    /// ISO weeks, 1 to 53.
    #[schema(nullable = false, value_type = Option<TextOrNumber>)]
    schedule_week: Option<String>,
    /// 0 (Monday) to 6, or `mon` to `sun`.
    #[schema(nullable = false, value_type = Option<TextOrNumber>)]
    schedule_day_of_week: Option<String>,
    /// 0 to 23.
    #[schema(nullable = false, value_type = Option<TextOrNumber>, examples("13"))]
    schedule_hour: Option<String>,
    /// 0 to 59.
    #[schema(nullable = false, value_type = Option<TextOrNumber>, examples("00"))]
    schedule_minute: Option<String>,
    /// 0 to 59.
    #[schema(nullable = false, value_type = Option<TextOrNumber>)]
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
    #[schema(value_type = Option<PlainUuid>)]
    action_id: Option<String>,
    /// Who wrote the plan last.
    #[schema(read_only)]
    user_id: String,
    /// The plan's project.
    #[schema(read_only)]
    project_id: String,
    /// How often a run tries the action again after it failed.
    #[schema(value_type = Option<NumberOrDigits>, default = 0)]
    max_retries: Option<u32>,
    /// Seconds before each of those.
    #[schema(value_type = Option<NumberOrDigits>, default = 60)]
    max_retries_interval: Option<u32>,
    /// Whether the actions that follow are left out when it fails.
    #[schema(default = false)]
    mandatory: Option<bool>,
    /// The copy.
    freezer_action: FreezerAction,
}

/// A copy of one image, or of several. Exactly one of `image_id`, `image_name` and `image_tag` is given. Other keys
/// are kept and echoed.
#[derive(ToSchema)]
pub(crate) struct FreezerAction {
    /// `backup`.
    #[schema(pattern = "^backup$", examples("backup"))]
    action: String,
    /// `glance-image`.
    #[schema(pattern = "^glance-image$", examples("glance-image"))]
    mode: String,
    /// This image.
    #[schema(value_type = Option<PlainUuid>)]
    image_id: Option<String>,
    /// The newest active image of this name, looked up at each fire.
    #[schema(min_length = 1)]
    image_name: Option<String>,
    /// Every active image with this tag, looked up at each fire.
    #[schema(min_length = 1)]
    image_tag: Option<String>,
    /// The project that gets the copies.
    #[schema(value_type = PlainUuid)]
    tenant_id_dst: String,
    /// That project's region, when the project alone does not tell.
    #[schema(min_length = 1, max_length = 255)]
    region_id_dst: Option<String>,
    /// How many copies are kept; 0: all.
    #[schema(value_type = Option<NumberOrDigits>, default = 0)]
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
#[schema(min_properties = 1, max_properties = 1)]
pub(crate) struct Event {
    /// Fire now, and on schedule again. The value means nothing.
    #[schema(value_type = Option<serde_json::Value>)]
    start: Option<()>,
    /// Fire no more; a run under way ends by itself.
    #[schema(value_type = Option<serde_json::Value>)]
    stop: Option<()>,
    /// As stop, and the copies of the run under way are canceled.
    #[schema(value_type = Option<serde_json::Value>)]
    abort: Option<()>,
}

/// Which plans to list.
#[derive(ToSchema)]
pub(crate) struct Search {
    /// Fields with their values, all of which must be found; `_all` stands for any field.
    #[schema(max_items = 20, value_type = Option<Vec<Object>>)]
    r#match: Option<Vec<()>>,
    /// Fields with their values, none of which may be found.
    #[schema(max_items = 20, value_type = Option<Vec<Object>>)]
    match_not: Option<Vec<()>>,
}
