//! Who did what: one line in the audit trail for each call of an operator, and an entry in the record of a job that it changes.

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use service_kit::audit::{Event, Initiator, Outcome, Reason, Target};
use tonic::{Code, Request, Response, Status};

use crate::job_record::Act;
use crate::status::CallError;

/// The longest name of an operator.
const LONGEST: usize = 128;

/// Who acts, in that person's own words: nobody has checked them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator(String);

// === impl Operator ===

impl Operator {
    /// Reads the name.
    ///
    /// # Errors
    /// [`CallError::Invalid`] when there is none, it is longer than 128 characters, or it would break a line of the log.
    pub fn parse(name: &str) -> Result<Self, CallError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > LONGEST || name.chars().any(char::is_control) {
            let why = format!("operator: must be 1 to {LONGEST} printable characters");
            return Err(CallError::Invalid(why));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The entry in the record of a job.
    pub(super) fn act(&self, verb: &str, at: Timestamp) -> Act {
        Act {
            at,
            operator: self.0.clone(),
            verb: verb.to_owned(),
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One call of an operator, from before anything is done. Written down when it is dropped: also when the operator does not wait
/// for the answer and the call is given up with it.
pub(super) struct Call<'a> {
    /// The name, as it was given.
    operator: &'a str,
    from: Option<IpAddr>,
    verb: &'static str,
    /// A kind and an id, as it was given.
    target: Option<(&'static str, &'a str)>,
    outcome: Outcome,
    /// Why it was not done.
    told: Option<String>,
}

/// What was asked for, and from where.
pub(super) fn received<T>(request: Request<T>) -> (T, Option<IpAddr>) {
    let from = request
        .remote_addr()
        .map(|address| address.ip().to_canonical());
    (request.into_inner(), from)
}

// === impl Call ===

impl<'a> Call<'a> {
    /// `operator` asked for `verb`.
    pub(super) const fn new(operator: &'a str, from: Option<IpAddr>, verb: &'static str) -> Self {
        Self {
            operator,
            from,
            verb,
            target: None,
            outcome: Outcome::Unknown,
            told: None,
        }
    }

    /// To be done to this.
    pub(super) fn to(mut self, kind: &'static str, id: &'a str) -> Self {
        self.target = Some((kind, id));
        self
    }

    /// Answers the call; how it ended is written down.
    pub(super) fn answer<T>(mut self, done: Result<T, CallError>) -> Result<Response<T>, Status> {
        self.told = done.as_ref().err().map(ToString::to_string);
        let done = done.map_err(Status::from);
        self.outcome = outcome(done.as_ref().err().map(Status::code));
        Ok(Response::new(done?))
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let (kind, id) = self.target.unzip();
        Event {
            action: self.verb,
            initiator: Initiator {
                name: Some(self.operator),
                address: self.from,
                ..Initiator::default()
            },
            target: Target {
                kind,
                id,
                ..Target::default()
            },
            outcome: self.outcome,
            reason: Reason::Told(self.told.as_deref()),
            request_id: None,
        }
        .write();
    }
}

/// The store may have done what it did not answer.
fn outcome(failed: Option<Code>) -> Outcome {
    match failed {
        None => Outcome::Success,
        Some(Code::Unavailable | Code::Internal | Code::DataLoss) => Outcome::Unknown,
        Some(_) => Outcome::Failure,
    }
}

#[cfg(test)]
mod tests {
    use service_kit::audit::Trail;
    use service_kit::config::LogFormat;

    use super::*;
    use crate::store::StoreError;

    #[test]
    fn a_name_stays_within_its_line() {
        for name in ["", "  ", "a\nb", "a\u{1b}[2Jb", &"x".repeat(129)] {
            assert!(Operator::parse(name).is_err(), "{name:?}");
        }
        let operator = Operator::parse(" root@node-7 ").expect("a name");
        assert_eq!(operator.as_str(), "root@node-7");
    }

    #[test]
    fn what_the_store_did_not_answer_is_not_said_to_be_refused() {
        let outcome_of = |error: CallError| outcome(Some(Status::from(error).code()));
        assert_eq!(outcome(None), Outcome::Success);
        assert_eq!(outcome_of(CallError::NotFound), Outcome::Failure);
        let lost = StoreError::Unavailable("the connection broke".to_owned());
        assert_eq!(outcome_of(lost.into()), Outcome::Unknown);
    }

    #[test]
    fn a_call_whose_answer_nobody_waited_for_is_on_record() {
        let trail = Trail::begin(LogFormat::Human);
        let call = Call::new("olga", None, "retry").to("copy_job", "7");
        assert_eq!(trail.lines(), [""; 0]);
        drop(call);
        let lines = trail.lines();
        let written =
            " audit.action=\"retry\" audit.outcome=\"unknown\" audit.initiator.name=\"olga\"";
        assert!(lines.len() == 1 && lines[0].contains(written), "{lines:?}");
    }
}
