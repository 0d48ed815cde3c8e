//! W3C trace context in AMQP headers: the `traceparent` of the request travels beside the message.
//!
//! Anybody who can publish can forge a header, so a text that is no `traceparent` is dropped here and
//! never reaches a log or a trace. (W3C Trace Context level 1, section 3.2.)

use lapin::types::{AMQPValue, FieldTable};

const TRACEPARENT: &str = "traceparent";

/// The headers of a message that belongs to the trace of `traceparent`, if there is one.
#[must_use]
pub fn headers(traceparent: Option<&str>) -> FieldTable {
    let mut headers = FieldTable::default();
    if let Some(traceparent) = traceparent.filter(|text| is_traceparent(text)) {
        headers.insert(
            TRACEPARENT.into(),
            AMQPValue::LongString(traceparent.into()),
        );
    }
    headers
}

/// The trace that a message belongs to, if its headers name one.
#[must_use]
pub fn traceparent(headers: &FieldTable) -> Option<String> {
    let AMQPValue::LongString(text) = headers.inner().get(TRACEPARENT)? else {
        return None;
    };
    let text = std::str::from_utf8(text.as_bytes()).ok()?;
    is_traceparent(text).then(|| text.to_owned())
}

/// `version "-" trace-id "-" parent-id "-" flags`, in lower-case hex; ids are not all zero and version
/// ff is forbidden.
fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, parent, flags] = parts[..] else {
        return false;
    };
    let hex = |part: &str, length: usize| {
        part.len() == length
            && part
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let some = |id: &str| id.bytes().any(|byte| byte != b'0');
    hex(version, 2)
        && version != "ff"
        && hex(trace, 32)
        && some(trace)
        && hex(parent, 16)
        && some(parent)
        && hex(flags, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_trace_context_goes_both_ways() {
        assert_eq!(traceparent(&headers(Some(VALID))).as_deref(), Some(VALID));
        assert_eq!(traceparent(&headers(None)), None);
    }

    #[test]
    fn what_is_no_trace_context_goes_neither_way() {
        for forged in [
            "",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\nlevel=error",
        ] {
            assert_eq!(headers(Some(forged)), FieldTable::default(), "{forged}");
            let mut table = FieldTable::default();
            table.insert(TRACEPARENT.into(), AMQPValue::LongString(forged.into()));
            assert_eq!(traceparent(&table), None, "{forged}");
        }
    }
}
