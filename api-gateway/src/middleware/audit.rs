//! One line in the audit trail for each request that would change something, whoever answers it: a handler, a limit, the
//! router, a panic, or nobody because the caller went away.
//!
//! Inside of [`observe`](super::observe), so that the line stands within the request's span.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Display;
use std::net::IpAddr;
use std::sync::Arc;

use axum::RequestPartsExt;
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use domain::{PlanEvent, TenantId};
use http::Method;
use http::request::Parts;
use service_kit::audit::{Event, Initiator, Outcome, Reason, Target};
use utoipa::openapi::OpenApi;
use uuid::Uuid;

use super::CLIENT_WENT_AWAY;
use crate::api::Api;
use crate::app::App;
use crate::scope::Scope;

/// The action of a request that is none of the API.
const NO_OPERATION: &str = "unknown";

/// Names of the operations that change something, as the API document has them.
#[derive(Debug)]
pub(crate) struct Operations(HashMap<(Method, String), String>);

impl Operations {
    /// Those of `document`.
    #[must_use]
    pub(crate) fn of(document: &OpenApi) -> Self {
        let paths = document.paths.paths.iter();
        let operations = paths.flat_map(|(path, item)| {
            let by_method = [
                (Method::POST, &item.post),
                (Method::PUT, &item.put),
                (Method::PATCH, &item.patch),
                (Method::DELETE, &item.delete),
            ];
            by_method
                .into_iter()
                .filter_map(move |(method, operation)| {
                    let name = operation.as_ref()?.operation_id.clone()?;
                    Some(((method, path.clone()), name))
                })
        });
        Self(operations.collect())
    }

    /// And one that the document does not have.
    #[must_use]
    pub(crate) fn and(mut self, method: Method, path: &str, name: &str) -> Self {
        self.0.insert((method, path.to_owned()), name.to_owned());
        self
    }

    fn name(&self, method: &Method, route: Option<&MatchedPath>) -> &str {
        let route = route.map(|route| route.as_str().to_owned());
        let name = route.and_then(|route| self.0.get(&(method.clone(), route)));
        name.map_or(NO_OPERATION, String::as_str)
    }
}

pub(super) async fn audit(
    State(app): State<Arc<App>>,
    scope: Scope,
    request: Request,
    next: Next,
) -> Response {
    if !changes_something(request.method()) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let act = Act {
        address: app.fronts.origin(&parts),
        place: Place::of(&mut parts).await,
        method: parts.method.clone(),
        route: parts.extensions.get().cloned(),
        status: CLIENT_WENT_AWAY,
        app,
        scope,
    };
    let response = next.run(Request::from_parts(parts, body)).await;
    act.answered(response.status().as_u16());
    response
}

fn changes_something(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method)
}

/// What the path says of the target. Whatever is no id is left out: it may be anything.
#[derive(Debug, Default)]
struct Place {
    kind: Option<&'static str>,
    id: Option<Uuid>,
    project: Option<TenantId>,
}

impl Place {
    async fn of(parts: &mut Parts) -> Self {
        let kind = match Api::of(parts.uri.path()) {
            Api::CopyJobs => Some("copy_job"),
            Api::Plans => Some("plan"),
            Api::Images => Some("image"),
            Api::Other => None,
        };
        // Fails for a path that matches no route, or is no UTF-8.
        let Ok(parameters) = parts.extract::<RawPathParams>().await else {
            return Self {
                kind,
                ..Self::default()
            };
        };
        let parameter = |name| {
            let found = parameters.iter().find(|(known, _)| *known == name);
            found.map(|(_, text)| text)
        };
        Self {
            kind,
            id: parameter("job_id").and_then(|text| text.parse().ok()),
            project: parameter("project_id").and_then(|text| TenantId::parse(text).ok()),
        }
    }
}

/// Written when dropped: also when the caller goes away and the request with it.
struct Act {
    app: Arc<App>,
    scope: Scope,
    address: Option<IpAddr>,
    place: Place,
    method: Method,
    route: Option<MatchedPath>,
    status: u16,
}

impl Act {
    fn answered(mut self, status: u16) {
        self.status = status;
    }
}

impl Drop for Act {
    fn drop(&mut self) {
        let caller = self.scope.caller();
        let subject = self.scope.subject();
        let operation = self.app.operations.name(&self.method, self.route.as_ref());
        let id = subject.id.or(self.place.id).map(|id| id.to_string());
        Event {
            action: &action(operation, subject.event),
            initiator: Initiator {
                id: caller.map(|(_, user)| user.as_str()),
                project_id: caller.map(|(project, _)| project.as_str()),
                name: None,
                address: self.address,
            },
            target: Target {
                kind: self.place.kind,
                id: id.as_deref(),
                project_id: self.place.project.as_ref().map(TenantId::as_str),
                image_id: subject.image.as_ref().map(|image| image as &dyn Display),
                destination_project_id: subject.tenant.as_ref().map(TenantId::as_str),
                destination_region_id: subject.region.as_ref().map(domain::RegionId::as_str),
            },
            outcome: outcome(self.status),
            reason: Reason::Http(self.status),
            request_id: Some(&self.scope.ids().own),
        }
        .write();
    }
}

/// With what a plan is told behind it, as CADF tells actions of one kind apart.
fn action(operation: &str, event: Option<PlanEvent>) -> Cow<'_, str> {
    let told = match event {
        None => return operation.into(),
        Some(PlanEvent::Start) => "start",
        Some(PlanEvent::Stop) => "stop",
        Some(PlanEvent::Abort) => "abort",
    };
    format!("{operation}/{told}").into()
}

/// What a status says of whether something was done. From 500 on nobody can tell: the answer of a part behind the gateway
/// may have been lost.
fn outcome(status: u16) -> Outcome {
    match status {
        CLIENT_WENT_AWAY | 500.. => Outcome::Unknown,
        400.. => Outcome::Failure,
        _ => Outcome::Success,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_to_be_refused_that_may_have_been_done() {
        for (status, expected) in [
            (201, Outcome::Success),
            (204, Outcome::Success),
            (400, Outcome::Failure),
            (401, Outcome::Failure),
            (429, Outcome::Failure),
            (499, Outcome::Unknown),
            (500, Outcome::Unknown),
            (503, Outcome::Unknown),
        ] {
            assert_eq!(outcome(status), expected, "{status}");
        }
    }
}
