//! `GET /dashboard/api/projects`: the projects of this region that the caller can go on with.

use std::sync::Arc;

use axum::extract::State;
use domain::TenantId;
use openstack::Error;
use serde::Serialize;

use crate::answer::Document;
use crate::app::App;
use crate::auth::Caller;
use crate::fault::Fault;
use crate::scope::Scope;

/// The projects, by name.
#[derive(Serialize)]
pub(super) struct Projects {
    projects: Vec<Project>,
}

#[derive(Serialize)]
struct Project {
    id: TenantId,
    name: String,
}

/// Lists them.
pub(super) async fn list_projects(
    caller: Caller,
    State(app): State<Arc<App>>,
    scope: Scope,
) -> Result<Document<Projects>, Fault> {
    let keystone = app.authenticator.keystone(&scope.onward());
    let listing = async {
        let own = keystone.own_projects(&caller.token).await;
        own.map_err(|error| failure(&error))
    };
    let own = Scope::within(scope.deadline(), "Listing your projects", listing).await?;
    let mut projects: Vec<Project> = own
        .projects
        .into_iter()
        .filter(|project| project.enabled)
        .map(|project| Project {
            id: project.id,
            name: project.name,
        })
        .collect();
    projects.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Document(Projects { projects }))
}

fn failure(error: &Error) -> Fault {
    match error {
        // Valid a moment ago, as far as the cache knew.
        Error::Unauthorized(_) => Fault::NotAuthenticated,
        error if error.is_outage() => {
            tracing::warn!(%error, "projects could not be listed");
            Fault::unavailable("Keystone is out of reach. Try again later.")
        }
        error => Fault::internal(error),
    }
}
