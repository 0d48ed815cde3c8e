//! The audit trail: who did what to what, from where, and what came of it, in one log line for each call that changes
//! something.
//!
//! The fields have the names of CADF (DMTF DSP0262), in which OpenStack's own services write theirs, below `audit.`; what is
//! not known is left out. Lines have the target `audit`, so that a collector can tell them from all others, and are written
//! whatever `telemetry.log_filter` says, unless it names that target. Invariant: what others wrote is a value of its own, which
//! both log formats escape; no body, query or header is among it, and so no secret.

mod trail;

use std::fmt;
use std::net::IpAddr;

pub use trail::Trail;

/// The target of the lines.
pub const TARGET: &str = "audit";

/// One call.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    /// What was asked for: an operation of the API, or an operator's verb.
    pub action: &'a str,
    /// Who asked.
    pub initiator: Initiator<'a>,
    /// What it was to be done to.
    pub target: Target<'a>,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it came to that.
    pub reason: Reason<'a>,
    /// The request's id, under which other lines and the answer name it.
    pub request_id: Option<&'a dyn fmt::Display>,
}

/// Who asked, and from where.
#[derive(Debug, Clone, Copy, Default)]
pub struct Initiator<'a> {
    /// The user's id in Keystone; none when no token proved one.
    pub id: Option<&'a str>,
    /// The project that the token is for.
    pub project_id: Option<&'a str>,
    /// What an operator says to be called; nobody has checked it.
    pub name: Option<&'a str>,
    /// The address that the call came from.
    pub address: Option<IpAddr>,
}

/// What something is done to.
#[derive(Clone, Copy, Default)]
pub struct Target<'a> {
    /// `copy_job`, `plan`, `image`, `region`.
    pub kind: Option<&'static str>,
    /// Its id, which a caller may have made up.
    pub id: Option<&'a str>,
    /// The project that it is looked for in, where the call says so.
    pub project_id: Option<&'a str>,
    /// Of a copy: the image.
    pub image_id: Option<&'a dyn fmt::Display>,
    /// Of a copy: whose it will be.
    pub destination_project_id: Option<&'a str>,
    /// Of a copy: where it goes.
    pub destination_region_id: Option<&'a str>,
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done, or accepted.
    Success,
    /// It was refused: nothing was done.
    Failure,
    /// It failed, or nobody waited for its end: it may have been done.
    Unknown,
}

/// Why a call ended as it did.
#[derive(Debug, Clone, Copy)]
pub enum Reason<'a> {
    /// The status of the HTTP answer.
    Http(u16),
    /// What an operator was told; none when all went well.
    Told(Option<&'a str>),
}

// === impl Event ===

impl Event<'_> {
    /// Writes the line.
    pub fn write(&self) {
        let Self {
            action,
            initiator,
            target,
            ..
        } = self;
        let (code, text) = match self.reason {
            Reason::Http(status) => (Some(status), None),
            Reason::Told(text) => (None, text),
        };
        tracing::info!(
            target: TARGET,
            {
                audit.action = action,
                audit.outcome = self.outcome.as_str(),
                audit.reason.code = code,
                audit.reason.text = text,
                audit.initiator.id = initiator.id,
                audit.initiator.project_id = initiator.project_id,
                audit.initiator.name = initiator.name,
                audit.initiator.host.address = initiator.address.map(display),
                audit.target.r#type = target.kind,
                audit.target.id = target.id,
                audit.target.project_id = target.project_id,
                audit.target.image_id = target.image_id.map(display),
                audit.target.destination_project_id = target.destination_project_id,
                audit.target.destination_region_id = target.destination_region_id,
                audit.request.id = self.request_id.map(display),
            },
            "an act is on record"
        );
    }
}

// === impl Outcome ===

impl Outcome {
    /// CADF's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::config::LogFormat;

    fn drain() -> Event<'static> {
        Event {
            action: "region drain",
            initiator: Initiator {
                name: Some("olga\nERROR forged"),
                address: Some(Ipv4Addr::LOCALHOST.into()),
                ..Initiator::default()
            },
            target: Target {
                kind: Some("region"),
                id: Some("ot2"),
                ..Target::default()
            },
            outcome: Outcome::Failure,
            reason: Reason::Told(Some("region `ot2` is not configured")),
            request_id: None,
        }
    }

    /// The one line of an event.
    fn line(format: LogFormat) -> String {
        let trail = Trail::begin(format);
        drain().write();
        let lines = trail.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines.concat()
    }

    #[test]
    fn a_line_for_people_has_what_is_known_and_stays_one() {
        let line = line(LogFormat::Human);
        let expected = " INFO audit: an act is on record audit.action=\"region drain\" audit.outcome=\"failure\" \
                        audit.reason.text=\"region `ot2` is not configured\" \
                        audit.initiator.name=\"olga\\nERROR forged\" audit.initiator.host.address=127.0.0.1 \
                        audit.target.type=\"region\" audit.target.id=\"ot2\"";
        assert!(line.ends_with(expected), "{line}");
    }

    #[test]
    fn a_line_in_json_has_each_as_a_value_of_its_own() {
        let line = line(LogFormat::Json);
        for expected in [
            r#""target":"audit""#,
            r#""audit.action":"region drain""#,
            r#""audit.outcome":"failure""#,
            r#""audit.initiator.name":"olga\nERROR forged""#,
            r#""audit.initiator.host.address":"127.0.0.1""#,
            r#""audit.target.type":"region""#,
            r#""audit.target.id":"ot2""#,
        ] {
            assert!(line.contains(expected), "{expected}: {line}");
        }
        assert!(!line.contains("audit.initiator.id"), "{line}");
    }
}
