//! What callers were told while it happened: every document of every job, whoever asked whomever for it.
//!
//! Two callers may be answered in another order than they asked. So a document is held against what had been
//! received by anybody before it was asked for, and against nothing else: that may never go back.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scenarios::Moment;
use serde_json::Value;
use tokio::time::Instant;

use crate::checker::Violation;

/// Hears of every answer. One for all callers of a run.
#[derive(Debug)]
pub struct Witness {
    begun: Instant,
    inner: Mutex<Testimony>,
}

/// All that was heard.
#[derive(Debug, Clone, Default)]
pub struct Testimony {
    /// Where each job stood at last.
    pub seen: HashMap<String, Moment>,
    /// When each job was first seen with a final status, since the run began.
    pub ended: HashMap<String, Duration>,
    /// Answers, by what was asked and the status that came; 0 is no answer.
    pub answers: BTreeMap<(&'static str, u16), u64>,
    /// Job documents, by who gave them.
    pub documents: BTreeMap<String, u64>,
    /// What may not have been.
    pub violations: Vec<Violation>,
}

/// What had been received of the jobs when something was asked.
#[derive(Debug, Clone)]
pub struct Look(HashMap<String, Moment>);

// === impl Witness ===

impl Witness {
    /// A witness of a run that begins now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            begun: Instant::now(),
            inner: Mutex::default(),
        }
    }

    /// The time since the run began.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// To be taken before a question about all jobs is sent.
    #[must_use]
    pub fn look(&self) -> Look {
        Look(self.lock().seen.clone())
    }

    /// The same for one job.
    #[must_use]
    pub fn look_at(&self, job: &str) -> Look {
        let seen = self.lock().seen.get(job).copied();
        Look(
            seen.map(|moment| (job.to_owned(), moment))
                .into_iter()
                .collect(),
        )
    }

    /// An answer to a question that was sent right after `look`; `by` is who gave it. In an answer of several
    /// documents, or a stream of them, each also follows those before it.
    pub fn saw(&self, look: &mut Look, document: &Value, by: &str) {
        let job = document["job_id"].as_str().unwrap_or_default().to_owned();
        let now = self.now();
        let mut inner = self.lock();
        *inner.documents.entry(by.to_owned()).or_default() += 1;
        let moment = match Moment::of(document) {
            Ok(moment) => moment,
            Err(error) => {
                let what = format!("{error:#}");
                return inner.violations.push(Violation::WentBack {
                    job,
                    by: by.to_owned(),
                    what,
                });
            }
        };
        if let Some(before) = look.0.insert(job.clone(), moment)
            && let Err(error) = moment.may_follow(before)
        {
            inner.violations.push(Violation::WentBack {
                job: job.clone(),
                by: by.to_owned(),
                what: format!("{error:#}"),
            });
        }
        if scenarios::is_final(document) {
            inner.ended.entry(job.clone()).or_insert(now);
        }
        let last = inner.seen.entry(job).or_insert(moment);
        if moment.may_follow(*last).is_ok() {
            *last = moment;
        }
    }

    /// A status that somebody was answered with, or none.
    pub fn answered(&self, question: &'static str, status: Option<u16>) {
        let mut inner = self.lock();
        *inner
            .answers
            .entry((question, status.unwrap_or_default()))
            .or_default() += 1;
    }

    /// Something that may not be.
    pub fn violated(&self, violation: Violation) {
        self.lock().violations.push(violation);
    }

    /// All that was heard so far.
    #[must_use]
    pub fn testimony(&self) -> Testimony {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Testimony> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Witness {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(status: &str, progress: u64) -> Value {
        json!({
            "copy_progress": progress,
            "destination_image_id": null,
            "destination_region_id": "ot2",
            "destination_tenant_id": "t",
            "job_id": "j",
            "source_image_id": "i",
            "source_image_name": "n",
            "source_region_id": "ot1",
            "source_tenant_id": "t",
            "status": status,
        })
    }

    fn violations(witness: &Witness) -> usize {
        witness.testimony().violations.len()
    }

    #[test]
    fn a_status_that_goes_back_between_two_callers_is_reported() {
        let witness = Witness::new();
        witness.saw(
            &mut witness.look(),
            &document("replicating", 40),
            "one gateway",
        );
        witness.saw(
            &mut witness.look_at("j"),
            &document("replicate_requested", 0),
            "the other",
        );
        let violations = witness.testimony().violations;
        assert!(
            matches!(&violations[..], [Violation::WentBack { job, by, .. }] if job == "j" && by == "the other"),
            "{violations:?}"
        );
    }

    #[test]
    fn progress_that_goes_back_and_a_final_status_that_changes_are_reported() {
        let witness = Witness::new();
        witness.saw(&mut witness.look(), &document("replicating", 40), "poll");
        witness.saw(&mut witness.look(), &document("replicating", 39), "poll");
        assert_eq!(violations(&witness), 1);
        witness.saw(&mut witness.look(), &document("replicated", 100), "poll");
        witness.saw(&mut witness.look(), &document("error", 99), "poll");
        assert_eq!(violations(&witness), 2);
    }

    #[test]
    fn answers_that_cross_on_their_way_are_no_violation() {
        let witness = Witness::new();
        let mut slow = witness.look();
        witness.saw(
            &mut witness.look(),
            &document("replicated", 100),
            "the quick one",
        );
        witness.saw(&mut slow, &document("replicating", 90), "the slow one");
        assert_eq!(violations(&witness), 0);
        // But what is asked from now on may not fall behind what was received.
        witness.saw(
            &mut witness.look(),
            &document("replicating", 99),
            "the next one",
        );
        assert_eq!(violations(&witness), 1);
    }

    #[test]
    fn a_stream_may_not_go_back_within_itself() {
        let witness = Witness::new();
        let mut stream = witness.look();
        witness.saw(&mut stream, &document("replicating", 50), "stream");
        witness.saw(&mut stream, &document("replicating", 20), "stream");
        assert_eq!(violations(&witness), 1);
    }
}
