//! `job_schedule`: from JSON to a schedule as it was written, whose grammar is right.
//!
//! Unknown fields are refused: one that is misspelt would mean "now". Those that the service fills in are passed
//! over, because clients send back what they got.

use domain::{Schedule, ScheduleFields};
use serde_json::Value;

use super::invalid_plan::InvalidPlan;
use super::members::Members;

/// What the service (or, in the backup product, its scheduler) writes there.
const SERVER_FILLED: [&str; 7] = [
    "time_created",
    "time_started",
    "time_ended",
    "event",
    "status",
    "result",
    "current_pid",
];

const TAKES: &str = "a schedule takes schedule_date, schedule_interval, schedule_start_date, \
                     schedule_end_date, and schedule_year, _month, _day, _week, _day_of_week, \
                     _hour, _minute, _second";

/// Parses `job_schedule`.
///
/// # Errors
/// [`InvalidPlan`] with the first field that is wrong.
pub(super) fn parse(value: Value) -> Result<ScheduleFields, InvalidPlan> {
    let mut members = Members::of("job_schedule", value)?;
    members.ignore(&SERVER_FILLED);
    let mut field = |key| field(&mut members, key);
    let fields = ScheduleFields {
        date: field("schedule_date")?,
        interval: field("schedule_interval")?,
        start_date: field("schedule_start_date")?,
        end_date: field("schedule_end_date")?,
        year: field("schedule_year")?,
        month: field("schedule_month")?,
        day: field("schedule_day")?,
        week: field("schedule_week")?,
        day_of_week: field("schedule_day_of_week")?,
        hour: field("schedule_hour")?,
        minute: field("schedule_minute")?,
        second: field("schedule_second")?,
    };
    if let Some(left) = members.first_left() {
        return Err(InvalidPlan::unknown(&left, TAKES));
    }
    Schedule::parse(&fields).map_err(|invalid| {
        InvalidPlan::Schedule(invalid.to_string().trim_end_matches('.').to_owned())
    })?;
    Ok(fields)
}

fn field(members: &mut Members, key: &str) -> Result<Option<String>, InvalidPlan> {
    const EXPECTED: &str = "a text or a whole number; leave it out when it has no value";
    match members.take(key) {
        None => Ok(None),
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text)),
        Some(Value::Number(number)) if number.is_i64() => Ok(Some(number.to_string())),
        Some(_) => Err(InvalidPlan::wrong(members.path_of(key), EXPECTED)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_documented_schedule_is_taken_as_it_is() {
        let days = (1..=31).map(|day| day.to_string()).collect::<Vec<_>>();
        let fields = parse(json!({
            "schedule_day_of_week": "0,1,2,3,4,5,6",
            "schedule_month": "1,2,3,4,5,6,7,8,9,10,11,12",
            "schedule_day": days.join(","),
            "schedule_minute": "00",
            "schedule_hour": "13",
        }))
        .expect("valid");
        assert_eq!(fields.minute.as_deref(), Some("00"));
        assert_eq!(fields.second, None);
    }

    #[test]
    fn what_the_service_filled_in_may_come_back() {
        let fields = parse(json!({
            "schedule_interval": "1 days", "time_created": 1_700_000_000, "time_started": -1,
            "time_ended": -1, "event": "stop", "status": "stop", "result": "", "current_pid": 7,
        }))
        .expect("valid");
        let expected = ScheduleFields {
            interval: Some("1 days".to_owned()),
            ..Default::default()
        };
        assert_eq!(fields, expected);
    }

    #[test]
    fn numbers_are_as_good_as_texts() {
        let fields = parse(json!({"schedule_hour": 3, "schedule_minute": "30"})).expect("valid");
        assert_eq!(fields.hour.as_deref(), Some("3"));
    }

    #[test]
    fn a_refusal_names_the_field() {
        for (wrong, field) in [
            (
                json!({"schedule_hours": "3"}),
                "job_schedule.schedule_hours",
            ),
            (json!({"schedule_hour": null}), "job_schedule.schedule_hour"),
            (json!({"schedule_hour": ""}), "job_schedule.schedule_hour"),
            (json!({"schedule_hour": 1.5}), "job_schedule.schedule_hour"),
            (
                json!({"schedule_hour": ["3"]}),
                "job_schedule.schedule_hour",
            ),
            (json!({"schedule_hour": "25"}), "schedule_hour"),
            (json!([]), "job_schedule"),
        ] {
            let refusal = parse(wrong).expect_err(field).to_string();
            assert!(refusal.contains(field), "{field}: {refusal}");
        }
    }
}
