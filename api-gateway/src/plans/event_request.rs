//! The body of an event: one key, which is the event; its value means nothing.

use domain::PlanEvent;

use super::draft::json;
use super::invalid_plan::InvalidPlan;
use super::members::Members;

/// Parses a body.
///
/// # Errors
/// [`InvalidPlan::Event`] for whatever is not one of the three events.
pub(crate) fn parse(body: &[u8]) -> Result<PlanEvent, InvalidPlan> {
    if body.trim_ascii().is_empty() {
        return Err(InvalidPlan::Event);
    }
    let members = Members::of("", json(body)?)?.into_map();
    let mut keys = members.keys().map(String::as_str);
    match (keys.next(), keys.next()) {
        (Some("start"), None) => Ok(PlanEvent::Start),
        (Some("stop"), None) => Ok(PlanEvent::Stop),
        (Some("abort"), None) => Ok(PlanEvent::Abort),
        _ => Err(InvalidPlan::Event),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_key() {
        assert_eq!(parse(br#"{"start": null}"#), Ok(PlanEvent::Start));
        assert_eq!(parse(br#"{"stop": {}}"#), Ok(PlanEvent::Stop));
        assert_eq!(parse(br#"{"abort": null}"#), Ok(PlanEvent::Abort));
        for wrong in [
            "",
            "{}",
            r#"{"pause": null}"#,
            r#"{"start": null, "stop": null}"#,
        ] {
            assert_eq!(parse(wrong.as_bytes()), Err(InvalidPlan::Event), "{wrong}");
        }
        assert!(parse(b"start").is_err() && parse(b"[]").is_err());
    }
}
