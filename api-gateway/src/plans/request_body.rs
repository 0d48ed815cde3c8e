//! The body of a request about plans: its size, its time, its Content-Type.

use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;

use super::invalid_plan::InvalidPlan;
use crate::app::App;
use crate::extract::{read_body, require_json};
use crate::fault::Fault;
use crate::scope::Scope;

/// Reads a body that must be JSON.
pub(super) async fn read_json(
    app: &App,
    scope: &Scope,
    headers: &HeaderMap,
    body: Body,
) -> Result<Bytes, Fault> {
    require_json(headers).map_err(|_| {
        Fault::BadRequest(
            "The request body must be JSON: send Content-Type: application/json.".to_owned(),
        )
    })?;
    read_any(app, scope, headers, body).await
}

/// Reads a body that may be left out.
pub(super) async fn read_any(
    app: &App,
    scope: &Scope,
    headers: &HeaderMap,
    body: Body,
) -> Result<Bytes, Fault> {
    read_body(headers, body, app.body_limit, scope.deadline()).await
}

impl From<InvalidPlan> for Fault {
    fn from(invalid: InvalidPlan) -> Self {
        Self::BadRequest(invalid.to_string())
    }
}
