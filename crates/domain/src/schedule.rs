//! When a plan fires: the schedule of the backup API.

use serde::{Deserialize, Serialize};

/// A schedule as it was written; empty fields were left out. [`Schedule`] is what it means.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleFields {
    /// Once, at this time.
    #[serde(rename = "schedule_date", skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Again and again, for example `2 hours`.
    #[serde(rename = "schedule_interval", skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// Not before this time.
    #[serde(
        rename = "schedule_start_date",
        skip_serializing_if = "Option::is_none"
    )]
    pub start_date: Option<String>,
    /// Not after this time.
    #[serde(rename = "schedule_end_date", skip_serializing_if = "Option::is_none")]
    pub end_date: Option<String>,
    /// Cron: years.
    #[serde(rename = "schedule_year", skip_serializing_if = "Option::is_none")]
    pub year: Option<String>,
    /// Cron: months, 1 to 12 or `jan` to `dec`.
    #[serde(rename = "schedule_month", skip_serializing_if = "Option::is_none")]
    pub month: Option<String>,
    /// Cron: days of the month.
    #[serde(rename = "schedule_day", skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    /// Cron: ISO weeks, 1 to 53.
    #[serde(rename = "schedule_week", skip_serializing_if = "Option::is_none")]
    pub week: Option<String>,
    /// Cron: days of the week, 0 (Monday) to 6, or `mon` to `sun`.
    #[serde(
        rename = "schedule_day_of_week",
        skip_serializing_if = "Option::is_none"
    )]
    pub day_of_week: Option<String>,
    /// Cron: hours.
    #[serde(rename = "schedule_hour", skip_serializing_if = "Option::is_none")]
    pub hour: Option<String>,
    /// Cron: minutes.
    #[serde(rename = "schedule_minute", skip_serializing_if = "Option::is_none")]
    pub minute: Option<String>,
    /// Cron: seconds.
    #[serde(rename = "schedule_second", skip_serializing_if = "Option::is_none")]
    pub second: Option<String>,
}
