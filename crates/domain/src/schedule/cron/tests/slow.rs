//! Random cron fields and the obvious way to find their first fire: try every day, then every second of it.
//!
//! It shares nothing with the evaluator: fields are made as structures and only written as text for it.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time, Weekday};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::ScheduleFields;

/// How far the search goes.
const DAYS: i32 = 4000;

#[derive(Debug, Clone)]
enum Item {
    All,
    EachNth(i16),
    One(i16),
    Range(i16, i16),
    RangeEachNth(i16, i16, i16),
    From(i16, i16),
    LastDay,
    Nth(usize, usize),
}

/// The eight fields, from coarse to fine; at least one is given.
#[derive(Debug, Clone)]
pub(super) struct Pattern([Option<Vec<Item>>; 8]);

const LIMITS: [(i16, i16); 8] = [
    (1970, 9999),
    (1, 12),
    (1, 31),
    (1, 53),
    (0, 6),
    (0, 23),
    (0, 59),
    (0, 59),
];
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Pattern {
    pub(super) fn any() -> impl Strategy<Value = Self> {
        let fields = (
            field(0, 0.2),
            field(1, 0.4),
            field(2, 0.4),
            field(3, 0.2),
            field(4, 0.3),
            field(5, 0.4),
            field(6, 0.4),
            field(7, 0.2),
        );
        fields
            .prop_map(|(a, b, c, d, e, f, g, h)| Self([a, b, c, d, e, f, g, h]))
            .prop_filter("at least one field", |Self(fields)| {
                fields.iter().any(Option::is_some)
            })
    }

    /// As an owner would write it.
    pub(super) fn fields(&self) -> ScheduleFields {
        let [year, month, day, week, day_of_week, hour, minute, second] =
            std::array::from_fn(|at| {
                self.0[at].as_ref().map(|items| {
                    let items: Vec<_> = items.iter().map(|item| item.write(at)).collect();
                    items.join(",")
                })
            });
        ScheduleFields {
            year,
            month,
            day,
            week,
            day_of_week,
            hour,
            minute,
            second,
            ..ScheduleFields::default()
        }
    }

    /// The first fire from a time on, else the time before which there is none.
    pub(super) fn first_from(&self, from: DateTime) -> Result<DateTime, DateTime> {
        for days in 0..DAYS {
            let date = from.date() + days.days();
            let parts = [
                date.year(),
                date.month().into(),
                date.day().into(),
                date.iso_week_date().week().into(),
                date.weekday().to_monday_zero_offset().into(),
            ];
            if !(0..5).all(|at| self.matches(at, parts[at], date)) {
                continue;
            }
            for time in every_second() {
                let parts = [time.hour(), time.minute(), time.second()];
                if date.to_datetime(time) >= from
                    && (0..3).all(|at| self.matches(at + 5, parts[at].into(), date))
                {
                    return Ok(date.to_datetime(time));
                }
            }
        }
        Err((from.date() + DAYS.days()).to_datetime(Time::midnight()))
    }

    fn matches(&self, at: usize, value: i16, date: Date) -> bool {
        let finer_than_all = self.0[at..].iter().all(Option::is_none);
        match &self.0[at] {
            Some(items) => items
                .iter()
                .any(|item| item.matches(LIMITS[at], value, date)),
            None if finer_than_all && ![0, 3, 4].contains(&at) => value == LIMITS[at].0,
            None => true,
        }
    }
}

impl Item {
    fn write(&self, at: usize) -> String {
        let name = |value: i16| {
            let index = usize::try_from(value - LIMITS[at].0).expect("not below the least");
            match at {
                1 => MONTHS[index].to_owned(),
                4 => WEEKDAYS[index].to_uppercase(),
                _ => format!("{value:02}"),
            }
        };
        match *self {
            Self::All => "*".to_owned(),
            Self::EachNth(step) => format!("*/{step}"),
            Self::One(value) => name(value),
            Self::Range(first, last) => format!("{}-{}", name(first), name(last)),
            Self::RangeEachNth(first, last, step) => format!("{first}-{last}/{step}"),
            Self::From(first, step) => format!("{first}/{step}"),
            Self::LastDay => "last".to_owned(),
            Self::Nth(position, day) => {
                let position = ["1st", "2nd", "3rd", "4th", "5th", "last"][position];
                format!("{position} {}", WEEKDAYS[day])
            }
        }
    }

    fn matches(&self, (least, greatest): (i16, i16), value: i16, date: Date) -> bool {
        let steps = |first: i16, last: i16, step: i16| {
            first <= value && value <= last && (value - first) % step == 0
        };
        match *self {
            Self::All => true,
            Self::EachNth(step) => steps(least, greatest, step),
            Self::One(one) => one == value,
            Self::Range(first, last) => steps(first, last, 1),
            Self::RangeEachNth(first, last, step) => steps(first, last, step),
            Self::From(first, step) => steps(first, greatest, step),
            Self::LastDay => date.tomorrow().expect("no last day of time").day() == 1,
            Self::Nth(position, day) => {
                let weekday = Weekday::Monday.wrapping_add(i64::try_from(day).expect("small"));
                let before = (date.day() - 1) / 7;
                let is_last = (date + 7.days()).month() != date.month();
                date.weekday() == weekday
                    && (if position == 5 {
                        is_last
                    } else {
                        usize::try_from(before) == Ok(position)
                    })
            }
        }
    }
}

/// All times of a day.
fn every_second() -> impl Iterator<Item = Time> {
    (0..24).flat_map(|hour| {
        (0..60).flat_map(move |minute| {
            (0..60).map(move |second| Time::constant(hour, minute, second, 0))
        })
    })
}

/// A field that is given with this probability.
fn field(at: usize, probability: f64) -> impl Strategy<Value = Option<Vec<Item>>> {
    proptest::option::weighted(probability, vec(item(at), 1..3))
}

fn item(at: usize) -> impl Strategy<Value = Item> {
    // Years near those that the search reaches.
    let (least, greatest) = if at == 0 { (1990, 2110) } else { LIMITS[at] };
    let range = (least..greatest, least..greatest).prop_map(|(a, b)| (a.min(b), a.max(b) + 1));
    let stepped = range.clone().prop_flat_map(|(first, last)| {
        (1..=last - first).prop_map(move |step| Item::RangeEachNth(first, last, step))
    });
    let onwards = (least..greatest).prop_flat_map(move |first| {
        (1..=greatest - first).prop_map(move |step| Item::From(first, step))
    });
    let common = prop_oneof![
        Just(Item::All),
        (1..=(greatest - least)).prop_map(Item::EachNth),
        (least..=greatest).prop_map(Item::One),
        range.prop_map(|(first, last)| Item::Range(first, last)),
        stepped,
        onwards,
    ];
    let days = prop_oneof![
        Just(Item::LastDay),
        (0..6_usize, 0..7_usize).prop_map(|(n, d)| Item::Nth(n, d))
    ];
    prop_oneof![3 => common, u32::from(at == 2) * 2 => days]
}
