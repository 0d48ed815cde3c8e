//! When a plan fires: the schedule of the backup API (Freezer's, which hands it to `APScheduler` 3).
//!
//! [`ScheduleFields`] is what an owner wrote, [`Schedule`] what it means. All times are UTC, and every fire is on a
//! whole second: a fraction in a date is dropped (rounded up in a start date). The gateway parses a schedule to
//! refuse it with a reason; the scheduler asks it for the next fire.
//!
//! | written | fires |
//! |---|---|
//! | `schedule_date` | once, at that time; start and end dates don't matter |
//! | else `schedule_interval` | at `schedule_start_date`, or one interval after it was written, and each interval from then on |
//! | else any cron field | whenever all cron fields match |
//! | else nothing | never by itself: such a plan runs once when it is made |
//!
//! `schedule_start_date` and `schedule_end_date` are inclusive. The forms of each field are told where they are
//! read: [`date`], [`interval`], [`field`]. Every field that is written is checked, even one that another outranks;
//! a blank one counts as left out.

mod cron;
mod date;
mod field;
mod interval;

use jiff::Timestamp;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

use cron::Cron;
use interval::Interval;

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

/// A schedule that can't be followed: which field, as it is written in a document, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct InvalidSchedule {
    /// The field's name in a document, for example `schedule_hour`.
    pub field: &'static str,
    /// What is wrong with it, and what would be right.
    pub reason: String,
}

/// When a plan fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    when: When,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum When {
    Unset,
    Once(Timestamp),
    Every(Interval),
    Matching(Box<Cron>),
}

// === impl Schedule ===

impl Schedule {
    /// Reads what was written.
    ///
    /// # Errors
    /// The first field that is not understood, or an end before the start.
    pub fn parse(fields: &ScheduleFields) -> Result<Self, InvalidSchedule> {
        let once = read("schedule_date", fields.date.as_deref(), date::rounded_down)?;
        let every = read(
            "schedule_interval",
            fields.interval.as_deref(),
            Interval::parse,
        )?;
        let cron = Cron::parse(fields)?;
        let start = read(
            "schedule_start_date",
            fields.start_date.as_deref(),
            date::rounded_up,
        )?;
        let end = read(
            "schedule_end_date",
            fields.end_date.as_deref(),
            date::rounded_down,
        )?;
        if let (Some(start), Some(end)) = (start, end)
            && end < start
        {
            return Err(InvalidSchedule {
                field: "schedule_end_date",
                reason: "is before schedule_start_date; write a later one or leave it out"
                    .to_owned(),
            });
        }
        let when = if let Some(date) = once {
            When::Once(date)
        } else if let Some(interval) = every {
            When::Every(interval)
        } else if let Some(cron) = cron {
            When::Matching(Box::new(cron))
        } else {
            When::Unset
        };
        Ok(Self { when, start, end })
    }

    /// Whether nothing says when it fires.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.when == When::Unset
    }

    /// The first fire strictly after `after`; none when there is none up to the end of the year 9999.
    ///
    /// `anchor` is when the schedule was written: an interval without a start date counts from there, and fires for
    /// the first time one interval later.
    #[must_use]
    pub fn next_after(&self, after: Timestamp, anchor: Timestamp) -> Option<Timestamp> {
        let next_second = whole_second(after) + 1;
        let fire = match &self.when {
            When::Unset => return None,
            When::Once(date) => return (*date > after).then_some(*date),
            When::Every(interval) => {
                let first = match self.start {
                    Some(start) => start.as_second(),
                    None => whole_second(anchor) + interval.seconds(),
                };
                Timestamp::from_second(interval.first_from(first, next_second)).ok()?
            }
            When::Matching(cron) => {
                let from = self
                    .start
                    .map_or(next_second, |start| next_second.max(start.as_second()));
                let from = Timestamp::from_second(from).ok()?;
                let fire = cron.first_from(Offset::UTC.to_datetime(from))?;
                Offset::UTC.to_timestamp(fire).ok()?
            }
        };
        self.end.is_none_or(|end| fire <= end).then_some(fire)
    }
}

/// The second that `time` is in, since 1970.
fn whole_second(time: Timestamp) -> i64 {
    time.as_second() - i64::from(time.subsec_nanosecond() < 0)
}

/// Reads one field, unless it was left out.
fn read<T>(
    field: &'static str,
    text: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, InvalidSchedule> {
    match text.map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => parse(text)
            .map(Some)
            .map_err(|reason| InvalidSchedule { field, reason }),
    }
}

#[cfg(test)]
mod tests;
