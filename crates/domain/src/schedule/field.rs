//! The grammar of one cron field, as `APScheduler` 3 has it. Read by [`super::cron`].
//!
//! A field is a list, with commas, of
//! - `*`, every value, and `*/n`, every n-th one from the field's least value on;
//! - `a`, `a-b`, `a-b/n`, and `a/n`, which goes on to the field's greatest value;
//! - for the month `jan` to `dec` and for the day of the week `mon` to `sun`, alone or as a range without a step;
//! - for the day `last`, the month's last day, and `1st mon` to `5th sun` and `last mon` to `last sun`.
//!
//! Case and leading zeros don't matter. A step that is greater than the range that it divides is refused, as there.
//! Stricter than there, which drops what follows a name silently: nothing may follow it.

use std::ops::RangeInclusive;

use jiff::civil::Weekday;

use crate::quoted;

/// The years in which anything fires.
pub(super) const YEARS: RangeInclusive<i16> = 1970..=9999;

/// What a field is called, what it may hold and what it means when it is left out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// The field's name in a document.
    pub(super) name: &'static str,
    least: i16,
    greatest: i16,
    /// Words for the values from `least` on.
    words: &'static [&'static str],
    /// What it means when it is left out and a coarser field is not.
    pub(super) default: &'static str,
}

/// One expression of a field's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expression {
    /// Numbers.
    Span(Span),
    /// The last day of the month.
    LastDay,
    /// The n-th such day of the month (1 to 5), or the last one (-1).
    NthWeekday(i8, Weekday),
}

/// `first`, `first` + `step` … up to `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    first: i16,
    last: i16,
    step: i16,
}

const fn kind(
    name: &'static str,
    least: i16,
    greatest: i16,
    words: &'static [&'static str],
    default: &'static str,
) -> Kind {
    Kind {
        name,
        least,
        greatest,
        words,
        default,
    }
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const POSITIONS: [(&str, i8); 6] = [
    ("1st", 1),
    ("2nd", 2),
    ("3rd", 3),
    ("4th", 4),
    ("5th", 5),
    ("last", -1),
];

pub(super) const YEAR: Kind = kind("schedule_year", *YEARS.start(), *YEARS.end(), &[], "*");
pub(super) const MONTH: Kind = kind("schedule_month", 1, 12, &MONTHS, "1");
pub(super) const DAY: Kind = kind("schedule_day", 1, 31, &[], "1");
pub(super) const WEEK: Kind = kind("schedule_week", 1, 53, &[], "*");
pub(super) const DAY_OF_WEEK: Kind = kind("schedule_day_of_week", 0, 6, &WEEKDAYS, "*");
pub(super) const HOUR: Kind = kind("schedule_hour", 0, 23, &[], "0");
pub(super) const MINUTE: Kind = kind("schedule_minute", 0, 59, &[], "0");
pub(super) const SECOND: Kind = kind("schedule_second", 0, 59, &[], "0");

// === impl Kind ===

impl Kind {
    /// Reads a field's text.
    ///
    /// # Errors
    /// What is wrong with which expression of its list, and what would be right.
    pub(super) fn parse(&self, text: &str) -> Result<Vec<Expression>, String> {
        text.split(',')
            .map(|expression| self.expression(&expression.trim().to_ascii_lowercase()))
            .collect()
    }

    fn expression(&self, text: &str) -> Result<Expression, String> {
        if self.name == DAY.name
            && let Some(day) = day_of_month(text)
        {
            return Ok(day);
        }
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(self.number(step, text)?)),
            None => (text, None),
        };
        let (first, last) = if range == "*" {
            (self.least, self.greatest)
        } else if let Some((first, last)) = range.split_once('-') {
            (self.value(first, text)?, self.value(last, text)?)
        } else {
            let first = self.value(range, text)?;
            (first, step.map_or(first, |_| self.greatest))
        };
        if step.is_some() && range.contains(|letter: char| letter.is_ascii_alphabetic()) {
            return Err(format!(
                "{} has a step after a name; write numbers instead",
                quoted(text)
            ));
        }
        for value in [first, last] {
            if !(self.least..=self.greatest).contains(&value) {
                return Err(format!(
                    "{value} is out of range; write {} to {}",
                    self.least, self.greatest
                ));
            }
        }
        if first > last {
            return Err(format!(
                "{} goes backwards; write two ranges with a comma between them",
                quoted(text)
            ));
        }
        match step {
            Some(0) => Err(format!(
                "{} has a step of 0; write at least 1",
                quoted(text)
            )),
            Some(step) if step > last - first => Err(format!(
                "{} has a step that is greater than its range; write only {first}, or a step of at most {}",
                quoted(text),
                last - first
            )),
            step => Ok(Expression::Span(Span {
                first,
                last,
                step: step.unwrap_or(1),
            })),
        }
    }

    /// A number or a name.
    fn value(&self, text: &str, expression: &str) -> Result<i16, String> {
        match (self.least..)
            .zip(self.words)
            .find(|(_, word)| **word == text)
        {
            Some((value, _)) => Ok(value),
            None => self.number(text, expression),
        }
    }

    fn number(&self, text: &str, expression: &str) -> Result<i16, String> {
        if text.is_empty() || !text.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(format!(
                "{} is not understood; write {}, or several with commas between them",
                quoted(expression),
                self.forms()
            ));
        }
        // Longer numbers are out of every field's range, and are told so.
        Ok(text.parse().unwrap_or(i16::MAX))
    }

    /// Examples of what it takes.
    fn forms(&self) -> String {
        let words = match *self.words {
            [first, second, ..] => format!(", {first}, {first}-{second}"),
            _ if self.name == DAY.name => ", last, 1st mon, last fri".to_owned(),
            _ => String::new(),
        };
        let (first, second) = (self.least, self.least + 1);
        format!("*, */2, {first}, {first}-{second}{words}")
    }
}

/// `last`, `1st mon` … `last sun`.
fn day_of_month(text: &str) -> Option<Expression> {
    if text == "last" {
        return Some(Expression::LastDay);
    }
    let (position, day) = text.split_once(' ')?;
    let (_, position) = POSITIONS.iter().find(|(word, _)| *word == position)?;
    let day = day.trim_start();
    let (offset, _) = (0..).zip(WEEKDAYS).find(|(_, word)| *word == day)?;
    let weekday = Weekday::from_monday_zero_offset(offset).ok()?;
    Some(Expression::NthWeekday(*position, weekday))
}

// === impl Expression ===

impl Expression {
    /// Its numbers, if it has any.
    pub(super) fn span(&self) -> Option<Span> {
        match self {
            Self::Span(span) => Some(*span),
            Self::LastDay | Self::NthWeekday(..) => None,
        }
    }
}

// === impl Span ===

impl Span {
    /// Whether `value` is one of its numbers.
    pub(super) fn contains(&self, value: i16) -> bool {
        (self.first..=self.last).contains(&value) && (value - self.first) % self.step == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(kind: Kind, text: &str) -> Vec<i16> {
        let list = kind.parse(text).expect(text);
        let matches = |value: &i16| {
            list.iter().any(
                |expression| matches!(expression, Expression::Span(span) if span.contains(*value)),
            )
        };
        (-1..=10_000).filter(matches).collect()
    }

    #[test]
    fn each_form_means_its_values() {
        for (kind, text, expected) in [
            (DAY_OF_WEEK, "*", vec![0, 1, 2, 3, 4, 5, 6]),
            (HOUR, "5", vec![5]),
            (HOUR, "00", vec![0]),
            (HOUR, "007", vec![7]),
            (HOUR, "0,2,4", vec![0, 2, 4]),
            (HOUR, "4 , 2,  2", vec![2, 4]),
            (HOUR, "1-5", vec![1, 2, 3, 4, 5]),
            (HOUR, "1-6/2", vec![1, 3, 5]),
            (HOUR, "20/2", vec![20, 22]),
            (HOUR, "5-5", vec![5]),
            (MINUTE, "*/15", vec![0, 15, 30, 45]),
            (MINUTE, "*/59", vec![0, 59]),
            (DAY, "*/15", vec![1, 16, 31]),
            (MONTH, "Jan,jun-AUG,12", vec![1, 6, 7, 8, 12]),
            (DAY_OF_WEEK, "mon,5-6", vec![0, 5, 6]),
            (DAY_OF_WEEK, "sat-sun", vec![5, 6]),
            (WEEK, "52/1", vec![52, 53]),
            (YEAR, "1970,2027,9998-9999", vec![1970, 2027, 9998, 9999]),
            (YEAR, "*/4000", vec![1970, 5970, 9970]),
        ] {
            assert_eq!(values(kind, text), expected, "{} {text}", kind.name);
        }
    }

    #[test]
    fn days_have_forms_of_their_own() {
        let expected = [
            Expression::NthWeekday(1, Weekday::Monday),
            Expression::NthWeekday(5, Weekday::Sunday),
            Expression::NthWeekday(-1, Weekday::Friday),
            Expression::LastDay,
        ];
        assert_eq!(
            DAY.parse("1st mon, 5TH  sun,last Fri,last"),
            Ok(expected.to_vec())
        );
        assert!(HOUR.parse("last").is_err());
        assert!(DAY_OF_WEEK.parse("1st mon").is_err());
    }

    #[test]
    fn what_is_not_understood_is_refused_with_a_remedy() {
        for (kind, text, part) in [
            (HOUR, "24", "24 is out of range; write 0 to 23"),
            (HOUR, "0-24", "24 is out of range; write 0 to 23"),
            (HOUR, "99999", "is out of range; write 0 to 23"),
            (HOUR, "30/2", "30 is out of range"),
            (DAY, "0", "0 is out of range; write 1 to 31"),
            (WEEK, "54", "write 1 to 53"),
            (DAY_OF_WEEK, "7", "write 0 to 6"),
            (YEAR, "1969", "write 1970 to 9999"),
            (HOUR, "5-1", "goes backwards"),
            (DAY_OF_WEEK, "sun-mon", "goes backwards"),
            (MINUTE, "*/0", "has a step of 0"),
            (MINUTE, "*/60", "a step of at most 59"),
            (MINUTE, "0-10/11", "write only 0, or a step of at most 10"),
            (MINUTE, "59/1", "write only 59"),
            (DAY_OF_WEEK, "mon-fri/2", "write numbers instead"),
            (
                HOUR,
                "noon",
                "\"noon\" is not understood; write *, */2, 0, 0-1, or several",
            ),
            (HOUR, "5,", "\"\" is not understood"),
            (HOUR, "1-", "\"1-\" is not understood"),
            (HOUR, "-1", "\"-1\" is not understood"),
            (HOUR, "1-2-3", "is not understood"),
            (HOUR, "*/2/2", "is not understood"),
            (HOUR, "*-5", "is not understood"),
            (HOUR, "+5", "is not understood"),
            (HOUR, "1.5", "is not understood"),
            (HOUR, "mon", "is not understood"),
            (MONTH, "january", "1-2, jan, jan-feb, or several"),
            (DAY_OF_WEEK, "monday", "0-1, mon, mon-tue, or several"),
            (DAY, "6th mon", "1-2, last, 1st mon, last fri, or several"),
            (DAY, "1st monday", "is not understood"),
            (DAY, "1st 0", "is not understood"),
            (DAY, "last mon tue", "is not understood"),
        ] {
            let refusal = kind.parse(text).expect_err(text);
            assert!(refusal.contains(part), "{} {text}: {refusal}", kind.name);
        }
    }
}
