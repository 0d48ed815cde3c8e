//! Readiness: a set of named conditions that must all be met, and a drain that ends it for good. Beside
//! them stand notes, which whoever looks should read and which make nobody unready.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whether a service may get traffic. Cheap to clone; all clones are the same set.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    lines: Arc<Mutex<Lines>>,
}

#[derive(Debug, Default)]
struct Lines {
    conditions: BTreeMap<&'static str, String>,
    notes: BTreeMap<&'static str, String>,
}

/// One thing that a service needs to be ready: met or not, with a word on why not.
#[derive(Debug, Clone)]
pub struct Condition {
    name: &'static str,
    of: Readiness,
}

/// A line of the report about something that is no reason to get no traffic. Its name is none of a condition.
#[derive(Debug, Clone)]
pub struct Note {
    name: &'static str,
    of: Readiness,
}

/// What a met condition reads in the report.
const MET: &str = "ok";

// === impl Readiness ===

impl Readiness {
    /// Adds a condition, not yet met.
    #[must_use]
    pub fn condition(&self, name: &'static str) -> Condition {
        self.set(name, "not yet".to_owned());
        Condition {
            name,
            of: self.clone(),
        }
    }

    /// Adds a note that says nothing yet.
    #[must_use]
    pub fn note(&self, name: &'static str) -> Note {
        Note {
            name,
            of: self.clone(),
        }
    }

    /// Ends readiness for good: the service is going away.
    pub fn drain(&self) {
        self.set("drain", "draining".to_owned());
    }

    /// Whether all conditions are met.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.lock().conditions.values().all(|detail| detail == MET)
    }

    /// Each condition with its detail, and each note that says something.
    #[must_use]
    pub fn report(&self) -> BTreeMap<&'static str, String> {
        let lines = self.lock();
        let mut report = lines.notes.clone();
        report.extend(lines.conditions.clone());
        report
    }

    fn set(&self, name: &'static str, detail: String) {
        self.lock().conditions.insert(name, detail);
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Condition ===

impl Condition {
    /// The condition is met.
    pub fn met(&self) {
        self.of.set(self.name, MET.to_owned());
    }

    /// The condition is not met; `why` is shown at `/readyz` and must hold no secret.
    pub fn unmet(&self, why: impl Into<String>) {
        self.of.set(self.name, why.into());
    }
}

// === impl Note ===

impl Note {
    /// Says something at `/readyz`, instead of what was said before; it must hold no secret.
    pub fn say(&self, text: impl Into<String>) {
        self.of.lock().notes.insert(self.name, text.into());
    }
}
