//! The schedule of a plan, as its owner writes it.

use domain::{Schedule, ScheduleFields};
use jiff::Timestamp;

/// How many fires are looked at.
const FIRES: usize = 4;

/// Twelve lines are the twelve fields; an empty one, or none, is left out.
pub(crate) fn schedule(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n');
    let mut field = || {
        let line = lines.next().unwrap_or_default();
        (!line.is_empty()).then(|| line.to_owned())
    };
    let fields = ScheduleFields {
        date: field(),
        interval: field(),
        start_date: field(),
        end_date: field(),
        year: field(),
        month: field(),
        day: field(),
        week: field(),
        day_of_week: field(),
        hour: field(),
        minute: field(),
        second: field(),
    };
    let json = serde_json::to_string(&fields).expect("texts are JSON");
    let again: ScheduleFields = serde_json::from_str(&json).expect("its own JSON");
    assert_eq!(again, fields);
    match Schedule::parse(&fields) {
        Ok(schedule) => {
            let written = Timestamp::UNIX_EPOCH;
            let mut last = written;
            for _ in 0..FIRES {
                let Some(fire) = schedule.next_after(last, written) else {
                    break;
                };
                assert!(fire > last, "{fire} after {last}: {fields:?}");
                last = fire;
            }
        }
        Err(invalid) => {
            assert!(invalid.field.starts_with("schedule_"), "{invalid}");
            assert!(!invalid.reason.trim().is_empty(), "{invalid}");
        }
    }
}
