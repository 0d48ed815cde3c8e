//! Dates of a schedule: ISO 8601, in UTC where no offset is written.
//!
//! Accepted are a date, or a date and a time with `T` or a space between them, with fractions, and with `Z` or an
//! offset (`2027-03-01`, `2027-03-01T04:30:00`, `2027-03-01 04:30:00.5+02:00`), in the years 1970 to 9999.

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;

use super::field::YEARS;
use crate::quoted;

/// Reads a date; a fraction of a second is dropped.
///
/// # Errors
/// What is wrong with the text.
pub(super) fn rounded_down(text: &str) -> Result<Timestamp, String> {
    let (second, _) = seconds(text)?;
    Timestamp::from_second(second).map_err(|_| out_of_range(text))
}

/// Reads a date; a fraction of a second counts as a whole one, so that nothing fires before it.
///
/// # Errors
/// What is wrong with the text.
pub(super) fn rounded_up(text: &str) -> Result<Timestamp, String> {
    let (second, has_fraction) = seconds(text)?;
    Timestamp::from_second(second + i64::from(has_fraction)).map_err(|_| out_of_range(text))
}

/// The whole seconds of a date since 1970, and whether a fraction follows them.
fn seconds(text: &str) -> Result<(i64, bool), String> {
    let not_understood = |_| {
        format!(
            "{} is not a date; write one such as 2027-03-01T04:30:00, in UTC or with an offset",
            quoted(text)
        )
    };
    let pieces = Pieces::parse(text).map_err(not_understood)?;
    if pieces.time_zone_annotation().is_some() {
        return Err(format!(
            "{} names a time zone; write an offset such as +02:00 instead",
            quoted(text)
        ));
    }
    if !YEARS.contains(&pieces.date().year()) {
        return Err(out_of_range(text));
    }
    let civil = pieces
        .date()
        .to_datetime(pieces.time().unwrap_or(Time::midnight()));
    let offset = pieces.to_numeric_offset().unwrap_or(Offset::UTC);
    let time = offset.to_timestamp(civil).map_err(|_| out_of_range(text))?;
    let has_fraction = time.subsec_nanosecond() != 0;
    Ok((super::whole_second(time), has_fraction))
}

fn out_of_range(text: &str) -> String {
    format!(
        "{} is out of range; write a date in the years 1970 to 9999",
        quoted(text)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_in_utc_unless_it_says_otherwise() {
        for (text, expected) in [
            ("2027-03-01", "2027-03-01T00:00:00Z"),
            ("2027-03-01T04:30:00", "2027-03-01T04:30:00Z"),
            ("2027-03-01 04:30:00", "2027-03-01T04:30:00Z"),
            ("2027-03-01T04:30", "2027-03-01T04:30:00Z"),
            ("2027-03-01T04:30:00Z", "2027-03-01T04:30:00Z"),
            ("2027-03-01T04:30:00+02:00", "2027-03-01T02:30:00Z"),
            ("2027-03-01T04:30:00-0930", "2027-03-01T14:00:00Z"),
            ("2027-03-01T04:30:00.000", "2027-03-01T04:30:00Z"),
            ("1970-01-01", "1970-01-01T00:00:00Z"),
        ] {
            let expected: Timestamp = expected.parse().expect("a timestamp");
            assert_eq!(rounded_down(text), Ok(expected), "{text}");
            assert_eq!(rounded_up(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_fraction_is_rounded_as_asked() {
        for (text, down, up) in [
            (
                "2027-03-01T04:30:00.25",
                "2027-03-01T04:30:00Z",
                "2027-03-01T04:30:01Z",
            ),
            (
                "1970-01-01T00:59:59.5+01:00",
                "1969-12-31T23:59:59Z",
                "1970-01-01T00:00:00Z",
            ),
        ] {
            assert_eq!(
                rounded_down(text).map(|time| time.to_string()),
                Ok(down.to_owned())
            );
            assert_eq!(
                rounded_up(text).map(|time| time.to_string()),
                Ok(up.to_owned())
            );
        }
    }

    #[test]
    fn what_is_no_date_is_refused_with_a_remedy() {
        for text in [
            "tomorrow",
            "2027-13-01",
            "2027-02-29",
            "04:30:00",
            "2027-03-01T25:00:00",
            "1700000000",
        ] {
            let refusal = rounded_down(text).expect_err(text);
            assert!(
                refusal.contains("is not a date; write one such as"),
                "{refusal}"
            );
        }
        for text in [
            "1969-12-31T23:59:59",
            "9999-12-31T23:59:59",
            "-000300-01-01",
        ] {
            let refusal = rounded_up(text).expect_err(text);
            assert!(refusal.contains("years 1970 to 9999"), "{refusal}");
        }
        let refusal = rounded_up("2027-03-01T04:30:00[Asia/Tokyo]").expect_err("a named zone");
        assert!(refusal.contains("write an offset"), "{refusal}");
    }
}
