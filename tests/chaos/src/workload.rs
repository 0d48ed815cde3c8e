//! Callers: each asks for a copy, follows it to its end, sometimes cancels it, and asks for the next; beside them,
//! others hold the event streams open and read the lists.
//!
//! All of them talk to the gateways through links that may be broken, and ask again as often as it takes. Each copy
//! is asked for under an idempotency key, so that an answer that was lost on its way costs no second job.

pub(crate) mod caller;
pub(crate) mod watchers;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::RequestBuilder;
use scenarios::Answer;
use tokio::time::timeout;

use crate::checker::Violation;
use crate::evidence::{Accepted, Cancel};
use crate::stage::Stage;
use crate::witness::Witness;

/// How long a caller waits for an answer: longer than the gateway's own deadline, so that a gateway that works
/// always answers.
const ANSWER: Duration = Duration::from_secs(12);

/// How much may be copied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// Bytes a second on average: all replicas stay to the end, in memory.
    pub(crate) bytes_per_second: u64,
    /// Copies that are to be asked for in any case.
    pub(crate) least: u64,
}

/// What all callers share.
pub(crate) struct Workload<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) witness: &'a Witness,
    pub(crate) seed: u64,
    pub(crate) budget: Budget,
    /// No more copies are asked for from now on, beyond the least.
    pub(crate) closing: AtomicBool,
    /// Every copy has ended.
    pub(crate) over: AtomicBool,
    begun: AtomicU64,
    bytes: AtomicU64,
    accepted: Mutex<BTreeMap<String, Accepted>>,
}

// === impl Workload ===

impl<'a> Workload<'a> {
    pub(crate) fn new(stage: &'a Stage, witness: &'a Witness, seed: u64, budget: Budget) -> Self {
        Self {
            stage,
            witness,
            seed,
            budget,
            closing: AtomicBool::new(false),
            over: AtomicBool::new(false),
            begun: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            accepted: Mutex::default(),
        }
    }

    /// The copies that were accepted so far, by job.
    pub(crate) fn accepted(&self) -> BTreeMap<String, Accepted> {
        self.lock().clone()
    }

    /// Whether another copy is to be asked for; counts it if so.
    fn take_another(&self) -> bool {
        let begun = self.begun.fetch_add(1, Ordering::SeqCst);
        let another = begun < self.budget.least || !self.closing.load(Ordering::SeqCst);
        if !another {
            self.begun.fetch_sub(1, Ordering::SeqCst);
        }
        another
    }

    /// Whether so much has been copied that the next copy has to wait.
    fn is_ahead(&self) -> bool {
        let allowed = self.budget.bytes_per_second * (self.witness.now().as_secs() + 10);
        self.bytes.load(Ordering::SeqCst) > allowed && !self.closing.load(Ordering::SeqCst)
    }

    fn accept(&self, job: &str, accepted: Accepted) {
        self.lock().insert(job.to_owned(), accepted);
    }

    fn cancel(&self, job: &str, cancel: Cancel) {
        if let Some(accepted) = self.lock().get_mut(job) {
            accepted.cancel = cancel;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Accepted>> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a question. None when no answer came; an answer that the API does not have for it is told to the
    /// witness.
    async fn ask(
        &self,
        question: &'static str,
        allowed: &[u16],
        request: RequestBuilder,
    ) -> Option<Answer> {
        let answer = timeout(ANSWER, async { Answer::read(request.send().await?).await }).await;
        let Ok(Ok(answer)) = answer else {
            self.witness.answered(question, None);
            return None;
        };
        self.witness.answered(question, Some(answer.status));
        if !allowed.contains(&answer.status) {
            self.witness.violated(Violation::Answer {
                question: question.to_owned(),
                answer: answer.to_string(),
            });
        }
        Some(answer)
    }
}
