//! What is known of a request from its head to its last log line: its ids, its deadline, and, once
//! the token is validated, whose it is.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::FromRequestParts;
use domain::{TenantId, UserId};
use http::request::Parts;
use openstack::RequestContext;
use service_kit::telemetry::trace_context::current_traceparent;
use tokio::time::{Instant, timeout_at};

use crate::fault::Fault;
use crate::request_id::RequestIds;

/// One request. Cheap to clone; all clones are the same request.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    ids: RequestIds,
    deadline: Instant,
    caller: OnceLock<(TenantId, UserId)>,
}

impl Scope {
    /// A request that came in now and shall be answered within `time`.
    #[must_use]
    pub(crate) fn new(ids: RequestIds, time: Duration) -> Self {
        let deadline = Instant::now() + time;
        Self {
            inner: Arc::new(Inner {
                ids,
                deadline,
                caller: OnceLock::new(),
            }),
        }
    }

    /// The request's ids.
    #[must_use]
    pub(crate) fn ids(&self) -> &RequestIds {
        &self.inner.ids
    }

    /// When the answer is due.
    #[must_use]
    pub(crate) fn deadline(&self) -> Instant {
        self.inner.deadline
    }

    /// Remembers whose request it is, for the log.
    pub(crate) fn set_caller(&self, project: TenantId, user: UserId) {
        let _ = self.inner.caller.set((project, user));
    }

    /// Whose request it is, once that is known.
    #[must_use]
    pub(crate) fn caller(&self) -> Option<&(TenantId, UserId)> {
        self.inner.caller.get()
    }

    /// What calls to Keystone and Glance on behalf of this request carry on.
    #[must_use]
    pub(crate) fn onward(&self) -> RequestContext {
        RequestContext::new(self.ids().onward().to_string(), current_traceparent())
    }

    /// Waits for a step of the request, but not beyond `deadline`; `what` is named to the caller.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when the step did not end in time, else its own.
    pub(crate) async fn within<T>(
        deadline: Instant,
        what: &str,
        step: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        match timeout_at(deadline, step).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Fault::unavailable(format!(
                "{what} took too long. Nothing has been done; try again later."
            ))),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Scope {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        // Put there for every request by the outermost middleware.
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or(Fault::Internal)
    }
}
