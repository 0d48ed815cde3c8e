//! Intervals of a schedule: `<n> weeks`, `days`, `hours`, `minutes` or `seconds`.
//!
//! Freezer's interface takes the plural forms only; its manual writes `1 day`, so the singular forms are taken too.
//! `continuous`, Freezer's word for a backup that never ends, means nothing for copies and is refused.

use crate::quoted;

/// A span of whole seconds, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    seconds: i64,
}

impl Interval {
    /// Reads an interval.
    ///
    /// # Errors
    /// What is wrong with the text, and what would be right.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text == "continuous" {
            return Err(
                "continuous is not supported: a copy is of a whole image, so each fire needs an end; write a span \
                 such as \"1 hours\""
                    .to_owned(),
            );
        }
        let not_understood = || {
            format!(
                "{} is not an interval; write a number and weeks, days, hours, minutes or seconds, such as \
                 \"6 hours\"",
                quoted(text)
            )
        };
        let (count, unit) = text.split_once(' ').ok_or_else(not_understood)?;
        let unit = match unit.trim_start() {
            "weeks" | "week" => 7 * 24 * 60 * 60,
            "days" | "day" => 24 * 60 * 60,
            "hours" | "hour" => 60 * 60,
            "minutes" | "minute" => 60,
            "seconds" | "second" => 1,
            _ => return Err(not_understood()),
        };
        if count.is_empty() || !count.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(not_understood());
        }
        match count.parse::<u32>() {
            Ok(0) => Err("an interval must be at least \"1 seconds\"".to_owned()),
            Ok(count) => Ok(Self {
                seconds: i64::from(count) * unit,
            }),
            Err(_) => Err(format!(
                "{} is too much; write at most {}",
                quoted(count),
                u32::MAX
            )),
        }
    }

    /// Its length in seconds.
    pub(super) fn seconds(self) -> i64 {
        self.seconds
    }

    /// The first of `first`, `first` + 1 interval, `first` + 2 intervals … that is not before `from`; all in seconds
    /// since 1970.
    pub(super) fn first_from(self, first: i64, from: i64) -> i64 {
        if from <= first {
            return first;
        }
        match (from - first) % self.seconds {
            0 => from,
            since => from + self.seconds - since,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_unit_counts_its_seconds() {
        for (text, seconds) in [
            ("2 weeks", 1_209_600),
            ("1 day", 86_400),
            ("1 days", 86_400),
            ("06 hours", 21_600),
            ("15  minutes", 900),
            ("1 second", 1),
            ("4294967295 weeks", 4_294_967_295 * 604_800),
        ] {
            assert_eq!(Interval::parse(text), Ok(Interval { seconds }), "{text}");
        }
    }

    #[test]
    fn what_is_no_interval_is_refused_with_a_remedy() {
        for (text, part) in [
            ("continuous", "write a span such as \"1 hours\""),
            ("hourly", "write a number and weeks"),
            ("5", "write a number and weeks"),
            ("5 fortnights", "write a number and weeks"),
            ("5 Hours", "write a number and weeks"),
            ("-5 hours", "write a number and weeks"),
            ("+5 hours", "write a number and weeks"),
            ("1.5 hours", "write a number and weeks"),
            ("1 hours 5 minutes", "write a number and weeks"),
            ("0 hours", "at least \"1 seconds\""),
            ("4294967296 seconds", "write at most 4294967295"),
        ] {
            let refusal = Interval::parse(text).expect_err(text);
            assert!(refusal.contains(part), "{text}: {refusal}");
        }
    }

    proptest! {
        #[test]
        fn the_first_one_from_a_time_is_what_counting_finds(
            seconds in 1_i64..500, first in -1000_i64..1000, from in -2000_i64..3000,
        ) {
            let slow = (0..).map(|k| first + k * seconds).find(|time| *time >= from);
            prop_assert_eq!(Some(Interval { seconds }.first_from(first, from)), slow);
        }
    }
}
