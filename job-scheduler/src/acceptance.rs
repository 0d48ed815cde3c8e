//! Whether new jobs and plans are accepted at all: always, or, where the operator wants it so, only while the store is
//! known to keep them. Asked by the services of gateways; what was accepted before goes on in any case.

use std::sync::{Arc, Mutex, PoisonError};

use crate::status::CallError;

/// What is said before anybody has looked at the store.
const UNKNOWN: &str = "it is not known yet whether redis keeps what is accepted";

/// Cheap to clone; all clones agree. By default everything is accepted.
#[derive(Debug, Clone, Default)]
pub struct Acceptance(Option<Arc<Mutex<Option<String>>>>);

// === impl Acceptance ===

impl Acceptance {
    /// Accepts only while there is no doubt about the store; there is until somebody has looked at it.
    #[must_use]
    pub fn while_durable() -> Self {
        Self(Some(Arc::new(Mutex::new(Some(UNKNOWN.to_owned())))))
    }

    /// Somebody has looked at the store: what is to be doubted, if anything.
    pub fn doubt(&self, why: Option<String>) {
        if let Some(standing) = &self.0 {
            *standing.lock().unwrap_or_else(PoisonError::into_inner) = why;
        }
    }

    /// Nobody could look at the store.
    pub(crate) fn unknown(&self) {
        self.doubt(Some(UNKNOWN.to_owned()));
    }

    /// Whether something new is accepted now.
    ///
    /// # Errors
    /// [`CallError::NotDurable`], with the reason.
    pub(crate) fn check(&self) -> Result<(), CallError> {
        let Some(standing) = &self.0 else {
            return Ok(());
        };
        let doubt = standing.lock().unwrap_or_else(PoisonError::into_inner);
        doubt
            .clone()
            .map_or(Ok(()), |why| Err(CallError::NotDurable(why)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_accepted_before_somebody_has_looked_unless_everything_is() {
        let careful = Acceptance::while_durable();
        assert!(careful.check().is_err());
        careful.doubt(None);
        assert!(careful.check().is_ok());
        careful.doubt(Some("appendonly is no".to_owned()));
        assert!(careful.clone().check().is_err());
        let careless = Acceptance::default();
        careless.doubt(Some("appendonly is no".to_owned()));
        assert!(careless.check().is_ok());
    }
}
