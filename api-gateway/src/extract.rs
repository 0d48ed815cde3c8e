//! The parts of a request that handlers ask for; what cannot be had becomes a fault.

mod body;
mod content_type;
mod idempotency_key;

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use domain::JobId;
use http::request::Parts;

pub(crate) use body::read_body;
pub(crate) use content_type::require_json;
pub(crate) use idempotency_key::IdempotencyKey;

use crate::app::App;
use crate::auth::{Caller, PresentedToken};
use crate::fault::Fault;
use crate::scope::Scope;

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Fault;

    /// Validates the token, then holds the tenant to its request rate.
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Fault> {
        let scope = Scope::from_request_parts(parts, app).await?;
        let token = PresentedToken::of(&parts.headers).ok_or(Fault::NotAuthenticated)?;
        app.metrics.token_presented();
        let context = scope.onward();
        let validation = app.authenticator.caller(token, &context);
        let caller = Scope::within(scope.deadline(), "Validating the token", validation).await?;
        scope.set_caller(caller.project.clone(), caller.user_id().clone());
        app.request_rate
            .admit(&caller.project)
            .inspect_err(|_| app.metrics.rate_limited())?;
        Ok(caller)
    }
}

/// The job id of the path. Whatever is no UUID names no job: 404, as for an unknown one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JobIdPath(pub JobId);

impl<S: Send + Sync> FromRequestParts<S> for JobIdPath {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        // Fails for a path that is no UTF-8, which is no UUID either.
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| Fault::no_such_job())?;
        params
            .iter()
            .find(|(name, _)| *name == "job_id")
            .and_then(|(_, text)| text.parse().ok())
            .map(Self)
            .ok_or_else(Fault::no_such_job)
    }
}
