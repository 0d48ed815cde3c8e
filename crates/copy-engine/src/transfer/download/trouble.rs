//! Why a source delivers nothing, for whoever has to say why an upload came to nothing.

use std::sync::{Arc, Mutex, PoisonError};

use openstack::Error;

/// What a download has to say for itself while nothing comes of it. Clones are the same download's.
#[derive(Debug, Clone, Default)]
pub(in crate::transfer) struct Trouble(Arc<Mutex<Option<Error>>>);

impl Trouble {
    /// The last error, if nothing has come since.
    pub(in crate::transfer) fn last(&self) -> Option<Error> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn set(&self, error: Option<Error>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }
}
