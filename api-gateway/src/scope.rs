//! What is known of a request from its head to its last log line: its ids, its deadline, once
//! the token is validated, whose it is, and, as far as it was understood, what it would change.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::extract::FromRequestParts;
use domain::{ImageId, PlanEvent, RegionId, TenantId, UserId};
use http::request::Parts;
use openstack::RequestContext;
use service_kit::telemetry::trace_context::current_traceparent;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

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
    subject: Mutex<Subject>,
}

/// What a request would change, beyond what its path says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Subject {
    /// The job or plan.
    pub id: Option<Uuid>,
    /// What a plan is told.
    pub event: Option<PlanEvent>,
    /// Of a copy: the image.
    pub image: Option<ImageId>,
    /// Of a copy: whose it will be.
    pub tenant: Option<TenantId>,
    /// Of a copy: where it goes.
    pub region: Option<RegionId>,
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
                subject: Mutex::default(),
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

    /// Notes what the request would change, for the audit trail: as soon as it is known, and before anything is done.
    pub(crate) fn is_about(&self, note: impl FnOnce(&mut Subject)) {
        let subject = self.inner.subject.lock();
        note(&mut subject.unwrap_or_else(PoisonError::into_inner));
    }

    /// What was noted.
    #[must_use]
    pub(crate) fn subject(&self) -> Subject {
        let subject = self.inner.subject.lock();
        subject.unwrap_or_else(PoisonError::into_inner).clone()
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
