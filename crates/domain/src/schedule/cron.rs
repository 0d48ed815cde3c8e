//! The cron fields of a schedule: which second matches all of them, and which is the first from a time on.
//!
//! Of the fields that are left out, those finer than the finest one given are their least value and the others `*`;
//! week and day of the week are always `*`. No cron crate has these defaults, ISO weeks, Monday as 0 and fields that
//! must all match together, hence an evaluator of our own. It goes from the coarsest field to the finest and never
//! tries a value that its field leaves out, so a gap of years costs as little as one of seconds.

mod values;

use std::array::from_fn;

use jiff::civil::{Date, DateTime, Time, Weekday};

use super::field::{self, Expression, Kind, Span, YEARS};
use super::{InvalidSchedule, ScheduleFields, read};
use values::Values;

/// Cron fields as sets of what matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cron {
    years: Vec<Span>,
    months: Values,
    days: Days,
    weeks: Values,
    days_of_week: Values,
    hours: Values,
    minutes: Values,
    seconds: Values,
}

/// Which days of a month match, where that depends on the month.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Days {
    numbers: Values,
    last: bool,
    nth_weekdays: Vec<(i8, Weekday)>,
}

/// All that a year's days depend on: two years of one shape have the same months, days of the week and ISO weeks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct YearShape {
    begins_on: Weekday,
    is_leap: bool,
    /// How many weeks the year before has, to which the first days may belong, follows from this.
    follows_leap: bool,
}

/// From coarse to fine.
const KINDS: [Kind; 8] = [
    field::YEAR,
    field::MONTH,
    field::DAY,
    field::WEEK,
    field::DAY_OF_WEEK,
    field::HOUR,
    field::MINUTE,
    field::SECOND,
];

// === impl Cron ===

impl Cron {
    /// Reads the cron fields; none when none is written.
    ///
    /// # Errors
    /// The first field that is not understood.
    pub(super) fn parse(fields: &ScheduleFields) -> Result<Option<Self>, InvalidSchedule> {
        let texts = [
            &fields.year,
            &fields.month,
            &fields.day,
            &fields.week,
            &fields.day_of_week,
            &fields.hour,
            &fields.minute,
            &fields.second,
        ];
        let mut given: [Option<Vec<Expression>>; 8] = from_fn(|_| None);
        for ((kind, text), given) in KINDS.iter().zip(texts).zip(&mut given) {
            *given = read(kind.name, text.as_deref(), |text| kind.parse(text))?;
        }
        let Some(finest) = given.iter().rposition(Option::is_some) else {
            return Ok(None);
        };
        let [year, month, day, week, day_of_week, hour, minute, second] = from_fn(|at| {
            let default = if at > finest { KINDS[at].default } else { "*" };
            given[at].take().unwrap_or_else(|| {
                KINDS[at]
                    .parse(default)
                    .expect("defaults are in the grammar")
            })
        });
        Ok(Some(Self {
            years: year.iter().filter_map(Expression::span).collect(),
            months: Values::of(&month),
            days: Days::of(&day),
            weeks: Values::of(&week),
            days_of_week: Values::of(&day_of_week),
            hours: Values::of(&hour),
            minutes: Values::of(&minute),
            seconds: Values::of(&second),
        }))
    }

    /// The first match that is not before `from`; none when there is none up to the end of 9999.
    pub(super) fn first_from(&self, from: DateTime) -> Option<DateTime> {
        let from = from.max(Date::constant(*YEARS.start(), 1, 1).at(0, 0, 0, 0));
        let date = self.first_date_from(from.date())?;
        if date > from.date() {
            return Some(date.to_datetime(self.first_time_from(Time::midnight())?));
        }
        if let Some(time) = self.first_time_from(from.time()) {
            return Some(date.to_datetime(time));
        }
        let date = self.first_date_from(date.tomorrow().ok()?)?;
        Some(date.to_datetime(self.first_time_from(Time::midnight())?))
    }

    fn first_date_from(&self, from: Date) -> Option<Date> {
        let mut barren = Vec::new();
        for year in from.year()..=*YEARS.end() {
            if !self.years.iter().any(|span| span.contains(year)) {
                continue;
            }
            let january = Date::constant(year, 1, 1);
            let shape = YearShape::of(january);
            if barren.contains(&shape) {
                continue;
            }
            if let Some(date) = self.first_date_of_year_from(january.max(from)) {
                return Some(date);
            }
            if january >= from {
                barren.push(shape);
            }
        }
        None
    }

    /// The first day that matches, from `from` to the end of its year.
    fn first_date_of_year_from(&self, from: Date) -> Option<Date> {
        self.months.from(from.month()).find_map(|month| {
            let first = Date::constant(from.year(), month, 1).max(from);
            self.days
                .of_month(first)
                .from(first.day())
                .map(|day| Date::constant(from.year(), month, day))
                .find(|date| self.matches_week(*date))
        })
    }

    fn matches_week(&self, date: Date) -> bool {
        self.days_of_week
            .contains(date.weekday().to_monday_zero_offset())
            && self.weeks.contains(date.iso_week_date().week())
    }

    fn first_time_from(&self, from: Time) -> Option<Time> {
        self.hours.from(from.hour()).find_map(|hour| {
            let in_hour = Time::constant(hour, 0, 0, 0).max(from);
            self.minutes.from(in_hour.minute()).find_map(|minute| {
                let in_minute = Time::constant(hour, minute, 0, 0).max(from);
                let second = self.seconds.from(in_minute.second()).next()?;
                Some(Time::constant(hour, minute, second, 0))
            })
        })
    }
}

// === impl Days ===

impl Days {
    fn of(list: &[Expression]) -> Self {
        Self {
            numbers: Values::of(list),
            last: list.contains(&Expression::LastDay),
            nth_weekdays: list
                .iter()
                .filter_map(|expression| match expression {
                    Expression::NthWeekday(nth, weekday) => Some((*nth, *weekday)),
                    Expression::Span(_) | Expression::LastDay => None,
                })
                .collect(),
        }
    }

    /// The days that match in the month that `date` is in.
    fn of_month(&self, date: Date) -> Values {
        let length = date.days_in_month();
        let mut days = self.numbers.up_to(length);
        if self.last {
            days.insert(length);
        }
        for (nth, weekday) in &self.nth_weekdays {
            // A month without a fifth such day is an error of this call.
            if let Ok(day) = date.nth_weekday_of_month(*nth, *weekday) {
                days.insert(day.day());
            }
        }
        days
    }
}

// === impl YearShape ===

impl YearShape {
    fn of(january: Date) -> Self {
        Self {
            begins_on: january.weekday(),
            is_leap: january.in_leap_year(),
            follows_leap: january.yesterday().is_ok_and(Date::in_leap_year),
        }
    }
}

#[cfg(test)]
mod tests;
