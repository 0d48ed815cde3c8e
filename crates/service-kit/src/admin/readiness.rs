//! Readiness: a set of named conditions that must all be met, and a drain that ends it for good.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whether a service may get traffic. Cheap to clone; all clones are the same set.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    conditions: Arc<Mutex<BTreeMap<&'static str, String>>>,
}

/// One thing that a service needs to be ready: met or not, with a word on why not.
#[derive(Debug, Clone)]
pub struct Condition {
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

    /// Ends readiness for good: the service is going away.
    pub fn drain(&self) {
        self.set("drain", "draining".to_owned());
    }

    /// Whether all conditions are met.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.lock().values().all(|detail| detail == MET)
    }

    /// Each condition with its detail.
    pub(crate) fn report(&self) -> BTreeMap<&'static str, String> {
        self.lock().clone()
    }

    fn set(&self, name: &'static str, detail: String) {
        self.lock().insert(name, detail);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, String>> {
        self.conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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
