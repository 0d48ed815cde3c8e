//! Cron fields against `APScheduler`'s own answers, and against a search that tries every day and every second.

mod slow;

use jiff::civil::{DateTime, date};
use proptest::prelude::*;

use super::*;
use slow::Pattern;

/// Reads `hour=4;minute=30`.
fn cron(text: &str) -> Cron {
    let mut fields = ScheduleFields::default();
    for (name, value) in text.split(';').filter_map(|field| field.split_once('=')) {
        let field = match name {
            "year" => &mut fields.year,
            "month" => &mut fields.month,
            "day" => &mut fields.day,
            "week" => &mut fields.week,
            "day_of_week" => &mut fields.day_of_week,
            "hour" => &mut fields.hour,
            "minute" => &mut fields.minute,
            "second" => &mut fields.second,
            other => panic!("{other} is no cron field"),
        };
        *field = Some(value.to_owned());
    }
    let cron = Cron::parse(&fields).unwrap_or_else(|error| panic!("{error}"));
    cron.unwrap_or_else(|| panic!("{text:?} has no cron field"))
}

#[test]
fn fires_are_those_of_apscheduler() {
    // Fields, a time, and the first three fires from it on, from CronTrigger of APScheduler 3.11.0 in UTC.
    let answers = [
        (
            "hour=4;minute=30",
            "2027-03-01T04:30:00",
            "2027-03-01T04:30:00 2027-03-02T04:30:00 2027-03-03T04:30:00",
        ),
        (
            "minute=*/15",
            "2026-12-31T23:46:00",
            "2027-01-01T00:00:00 2027-01-01T00:15:00 2027-01-01T00:30:00",
        ),
        (
            "second=*/20",
            "2026-12-31T23:59:41",
            "2027-01-01T00:00:00 2027-01-01T00:00:20 2027-01-01T00:00:40",
        ),
        ("year=2030", "2027-03-01T04:30:00", "2030-01-01T00:00:00"),
        (
            "month=jun-aug",
            "2027-07-15T12:00:00",
            "2027-08-01T00:00:00 2028-06-01T00:00:00 2028-07-01T00:00:00",
        ),
        (
            "day=last",
            "2028-01-31T00:00:01",
            "2028-02-29T00:00:00 2028-03-31T00:00:00 2028-04-30T00:00:00",
        ),
        (
            "day=last,15",
            "2027-02-01T00:00:00",
            "2027-02-15T00:00:00 2027-02-28T00:00:00 2027-03-15T00:00:00",
        ),
        (
            "day=1st mon,last fri",
            "2027-03-01T00:00:01",
            "2027-03-26T00:00:00 2027-04-05T00:00:00 2027-04-30T00:00:00",
        ),
        (
            "day=5th sun",
            "2027-02-01T00:00:00",
            "2027-05-30T00:00:00 2027-08-29T00:00:00 2027-10-31T00:00:00",
        ),
        (
            "month=2;day=5th thu",
            "2027-02-01T00:00:00",
            "2052-02-29T00:00:00 2080-02-29T00:00:00 2120-02-29T00:00:00",
        ),
        (
            "day=29;month=2",
            "2096-03-01T00:00:00",
            "2104-02-29T00:00:00 2108-02-29T00:00:00 2112-02-29T00:00:00",
        ),
        (
            "day=29;month=2;day_of_week=0",
            "2027-01-01T00:00:00",
            "2044-02-29T00:00:00 2072-02-29T00:00:00 2112-02-29T00:00:00",
        ),
        (
            "week=53",
            "2027-01-04T00:00:00",
            "2032-12-27T00:00:00 2032-12-28T00:00:00 2032-12-29T00:00:00",
        ),
        (
            "week=53;day_of_week=4",
            "2021-01-01T00:00:00",
            "2021-01-01T00:00:00 2027-01-01T00:00:00 2032-12-31T00:00:00",
        ),
        (
            "week=53;month=1",
            "2026-12-31T00:00:00",
            "2027-01-01T00:00:00 2027-01-02T00:00:00 2027-01-03T00:00:00",
        ),
        (
            "week=1;month=12;hour=12",
            "2024-01-01T00:00:00",
            "2024-12-30T12:00:00 2024-12-31T12:00:00 2025-12-29T12:00:00",
        ),
        (
            "week=52;day=1;month=1",
            "2024-01-01T00:00:00",
            "2028-01-01T00:00:00 2034-01-01T00:00:00 2039-01-01T00:00:00",
        ),
        (
            "week=10",
            "2027-03-09T00:00:00",
            "2027-03-09T00:00:00 2027-03-10T00:00:00 2027-03-11T00:00:00",
        ),
        (
            "week=*/2;day_of_week=mon",
            "2026-12-20T00:00:00",
            "2026-12-28T00:00:00 2027-01-04T00:00:00 2027-01-18T00:00:00",
        ),
        (
            "day_of_week=0",
            "2027-03-02T00:00:00",
            "2027-03-08T00:00:00 2027-03-15T00:00:00 2027-03-22T00:00:00",
        ),
        (
            "day_of_week=sat,sun;hour=22-23/1",
            "2027-03-06T22:30:00",
            "2027-03-06T23:00:00 2027-03-07T22:00:00 2027-03-07T23:00:00",
        ),
        (
            "day_of_week=mon-fri;hour=9-17;minute=*/30",
            "2027-03-05T17:15:00",
            "2027-03-05T17:30:00 2027-03-08T09:00:00 2027-03-08T09:30:00",
        ),
        (
            "day=13;day_of_week=fri",
            "2027-03-01T00:00:00",
            "2027-08-13T00:00:00 2028-10-13T00:00:00 2029-04-13T00:00:00",
        ),
        (
            "day=31;month=*/2",
            "2027-01-31T00:00:01",
            "2027-03-31T00:00:00 2027-05-31T00:00:00 2027-07-31T00:00:00",
        ),
        (
            "day=*/10",
            "2027-01-22T00:00:00",
            "2027-01-31T00:00:00 2027-02-01T00:00:00 2027-02-11T00:00:00",
        ),
        (
            "hour=*/7",
            "2027-01-22T14:00:01",
            "2027-01-22T21:00:00 2027-01-23T00:00:00 2027-01-23T07:00:00",
        ),
        (
            "hour=20/2;day=30",
            "2027-01-30T22:00:01",
            "2027-03-30T20:00:00 2027-03-30T22:00:00 2027-04-30T20:00:00",
        ),
        (
            "minute=*/40",
            "2027-01-22T14:40:01",
            "2027-01-22T15:00:00 2027-01-22T15:40:00 2027-01-22T16:00:00",
        ),
        (
            "year=*/4;month=1",
            "2027-01-01T00:00:00",
            "2030-01-01T00:00:00 2034-01-01T00:00:00 2038-01-01T00:00:00",
        ),
        (
            "year=2027-2040/5;month=6;day=30;hour=23;minute=59;second=59",
            "2027-06-30T23:59:59",
            "2027-06-30T23:59:59 2032-06-30T23:59:59 2037-06-30T23:59:59",
        ),
        (
            "hour=00;minute=05",
            "2027-02-28T00:05:01",
            "2027-03-01T00:05:00 2027-03-02T00:05:00 2027-03-03T00:05:00",
        ),
        (
            "month=Feb;day=LAST;hour=12",
            "2027-03-01T00:00:00",
            "2028-02-29T12:00:00 2029-02-28T12:00:00 2030-02-28T12:00:00",
        ),
        (
            "year=2028;week=9",
            "2027-01-01T00:00:00",
            "2028-02-28T00:00:00 2028-02-29T00:00:00 2028-03-01T00:00:00",
        ),
        (
            "week=53;month=1;day=1;day_of_week=sat",
            "2006-01-01T00:00:00",
            "2033-01-01T00:00:00 2061-01-01T00:00:00 2089-01-01T00:00:00",
        ),
    ];
    for (fields, from, expected) in answers {
        let cron = cron(fields);
        let mut from: DateTime = from.parse().expect("a date and time");
        let mut fires = Vec::new();
        while fires.len() < 3
            && let Some(fire) = cron.first_from(from)
        {
            fires.push(fire.to_string());
            from = fire + jiff::Span::new().seconds(1);
        }
        assert_eq!(fires.join(" "), expected, "{fields}");
    }
}

#[test]
fn what_can_never_be_is_soon_known() {
    for fields in [
        "month=2;day=30",
        "month=2;day=5th mon;week=1",
        "week=53;month=6",
        "week=53;month=2;day=29",
        "year=2027;month=2;day=29",
        "year=1970-2026",
    ] {
        assert_eq!(
            cron(fields).first_from(date(2027, 1, 1).at(0, 0, 0, 0)),
            None,
            "{fields}"
        );
    }
}

#[test]
fn the_years_have_an_end_and_a_beginning() {
    let last = date(9999, 12, 31).at(23, 59, 59, 0);
    assert_eq!(cron("second=*").first_from(last), Some(last));
    assert_eq!(cron("second=58").first_from(last), None);
    let long_ago = date(-44, 3, 15).at(12, 0, 0, 0);
    assert_eq!(
        cron("minute=5").first_from(long_ago),
        Some(date(1970, 1, 1).at(0, 5, 0, 0))
    );
}

#[test]
fn a_refusal_names_the_field() {
    let fields = ScheduleFields {
        day_of_week: Some("7".to_owned()),
        ..ScheduleFields::default()
    };
    let refusal = Cron::parse(&fields).expect_err("there is no day 7");
    assert_eq!(
        refusal.to_string(),
        "schedule_day_of_week: 7 is out of range; write 0 to 6"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn the_first_fire_is_what_trying_every_day_and_second_finds(
        pattern in Pattern::any(), day in 0_i64..40_000, second in 0_i64..86_400,
    ) {
        let from = date(1995, 1, 1).at(0, 0, 0, 0) + jiff::Span::new().days(day).seconds(second);
        let cron = Cron::parse(&pattern.fields()).expect("in the grammar").expect("has a field");
        let found = cron.first_from(from);
        match pattern.first_from(from) {
            Ok(expected) => prop_assert_eq!(found, Some(expected)),
            Err(not_before) => prop_assert!(found.is_none_or(|fire| fire >= not_before)),
        }
    }
}
