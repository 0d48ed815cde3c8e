//! What outranks what, and how dates bound it.

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

/// Reads `hour=4;start_date=2027-03-01`.
fn fields(text: &str) -> ScheduleFields {
    let mut fields = ScheduleFields::default();
    for (name, value) in text.split(';').filter_map(|field| field.split_once('=')) {
        let field = match name {
            "date" => &mut fields.date,
            "interval" => &mut fields.interval,
            "start_date" => &mut fields.start_date,
            "end_date" => &mut fields.end_date,
            "day" => &mut fields.day,
            "hour" => &mut fields.hour,
            "minute" => &mut fields.minute,
            "second" => &mut fields.second,
            other => panic!("{other} is no field"),
        };
        *field = Some(value.to_owned());
    }
    fields
}

fn schedule(text: &str) -> Schedule {
    Schedule::parse(&fields(text)).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The first fires after a time of a schedule that was written at noon of 2027-03-01.
fn fires(text: &str, after: &str) -> Vec<String> {
    let (schedule, anchor) = (schedule(text), at("2027-03-01T12:00:00Z"));
    let next = |after: &Timestamp| schedule.next_after(*after, anchor);
    std::iter::successors(next(&at(after)), next)
        .take(3)
        .map(|fire| fire.to_string())
        .collect()
}

#[test]
fn a_date_fires_once_and_outranks_everything() {
    let date = "date=2027-03-05T10:00:00+09:00";
    for more in [
        "",
        ";interval=1 hours",
        ";hour=5",
        ";start_date=2028-01-01;end_date=2028-01-02",
    ] {
        let text = format!("{date}{more}");
        assert!(!schedule(&text).is_empty());
        assert_eq!(
            fires(&text, "2027-03-01T00:00:00Z"),
            ["2027-03-05T01:00:00Z"],
            "{text}"
        );
        assert!(fires(&text, "2027-03-05T01:00:00Z").is_empty(), "{text}");
    }
}

#[test]
fn a_fraction_of_a_date_fires_no_second_time() {
    assert_eq!(
        fires("date=2027-03-05T10:00:00.75", "2027-03-01T00:00:00Z"),
        ["2027-03-05T10:00:00Z"]
    );
}

#[test]
fn an_interval_counts_from_its_start_or_from_when_it_was_written() {
    for (text, after, expected) in [
        (
            "interval=2 hours",
            "2027-03-01T12:00:00Z",
            [
                "2027-03-01T14:00:00Z",
                "2027-03-01T16:00:00Z",
                "2027-03-01T18:00:00Z",
            ],
        ),
        (
            "interval=1 days;hour=5",
            "2027-03-04T12:00:00.001Z",
            [
                "2027-03-05T12:00:00Z",
                "2027-03-06T12:00:00Z",
                "2027-03-07T12:00:00Z",
            ],
        ),
        (
            "interval=1 weeks;start_date=2027-02-01T00:30:00",
            "2027-03-01T00:29:59.999Z",
            [
                "2027-03-01T00:30:00Z",
                "2027-03-08T00:30:00Z",
                "2027-03-15T00:30:00Z",
            ],
        ),
        (
            "interval=90 minutes;start_date=2028-01-01",
            "2027-03-01T12:00:00Z",
            [
                "2028-01-01T00:00:00Z",
                "2028-01-01T01:30:00Z",
                "2028-01-01T03:00:00Z",
            ],
        ),
    ] {
        assert_eq!(fires(text, after), expected, "{text}");
    }
}

#[test]
fn dates_bound_an_interval_and_cron_fields_and_belong_to_them() {
    for (text, expected) in [
        (
            "interval=1 hours;end_date=2027-03-01T14:00:00",
            vec!["2027-03-01T13:00:00Z", "2027-03-01T14:00:00Z"],
        ),
        ("interval=1 hours;end_date=2027-03-01T12:59:59", vec![]),
        (
            "hour=4;start_date=2027-03-05T04:00:00;end_date=2027-03-06T04:00:00",
            vec!["2027-03-05T04:00:00Z", "2027-03-06T04:00:00Z"],
        ),
        (
            "hour=4;start_date=2027-03-05T04:00:00.5;end_date=2027-03-06T03:59:59",
            vec![],
        ),
        (
            "minute=0;start_date=2027-03-01T23:30:00;end_date=2027-03-02",
            vec!["2027-03-02T00:00:00Z"],
        ),
        ("day=1;start_date=2020-01-01;end_date=2027-03-31", vec![]),
    ] {
        assert_eq!(fires(text, "2027-03-01T12:00:00Z"), expected, "{text}");
    }
}

#[test]
fn cron_fields_fire_strictly_after() {
    let expected = [
        "2027-03-02T04:30:00Z",
        "2027-03-03T04:30:00Z",
        "2027-03-04T04:30:00Z",
    ];
    for after in [
        "2027-03-01T04:30:00Z",
        "2027-03-01T04:30:00.5Z",
        "2027-03-02T04:29:59.999999999Z",
    ] {
        assert_eq!(fires("hour=04;minute=30", after), expected, "{after}");
    }
    assert_eq!(
        fires("second=0", "1969-12-31T23:59:59.5Z")[0],
        "1970-01-01T00:00:00Z"
    );
}

#[test]
fn nothing_written_never_fires_by_itself() {
    for text in ["", "hour= ", "interval=", "start_date=2027-03-01"] {
        assert!(schedule(text).is_empty(), "{text}");
        assert!(fires(text, "2027-03-01T12:00:00Z").is_empty(), "{text}");
    }
    assert!(!schedule("hour=5").is_empty());
}

#[test]
fn time_has_an_end() {
    for text in [
        "interval=4294967295 weeks",
        "hour=5",
        "interval=1 seconds;start_date=9999-01-01",
    ] {
        assert_eq!(
            schedule(text).next_after(Timestamp::MAX, at("2027-03-01T12:00:00Z")),
            None,
            "{text}"
        );
    }
    assert!(fires("interval=4294967295 weeks", "2027-03-01T12:00:00Z").is_empty());
}

#[test]
fn a_refusal_names_the_field_and_what_to_write() {
    for (text, expected) in [
        (
            "date=soon",
            "schedule_date: \"soon\" is not a date; write one such as",
        ),
        (
            "interval=continuous",
            "schedule_interval: continuous is not supported",
        ),
        (
            "start_date=1066-10-14",
            "schedule_start_date: \"1066-10-14\" is out of range; write",
        ),
        ("end_date=-", "schedule_end_date: \"-\" is not a date"),
        (
            "hour=4;start_date=2027-03-02;end_date=2027-03-01",
            "schedule_end_date: is before schedule_start_date; write a later one",
        ),
        (
            "second=60",
            "schedule_second: 60 is out of range; write 0 to 59",
        ),
        // One that is outranked is checked all the same.
        (
            "date=2027-03-01;minute=sixty",
            "schedule_minute: \"sixty\" is not understood; write",
        ),
    ] {
        let refusal = Schedule::parse(&fields(text)).expect_err(text).to_string();
        assert!(refusal.starts_with(expected), "{text}: {refusal}");
    }
}
