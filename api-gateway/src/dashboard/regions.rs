//! `GET /dashboard/api/regions`: where the caller may have copies made: each region with the caller's projects there.

use std::sync::Arc;

use axum::extract::State;
use domain::{RegionId, TenantId};
use serde::Serialize;

use crate::answer::Document;
use crate::app::App;
use crate::auth::Caller;
use crate::fault::Fault;
use crate::scope::Scope;

/// The regions, by id.
#[derive(Serialize)]
pub(super) struct Regions {
    regions: Vec<Region>,
}

#[derive(Serialize)]
struct Region {
    id: RegionId,
    /// The gateway's own, from which it copies.
    is_source: bool,
    projects: Vec<Project>,
    /// Why the projects are not known, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown_because: Option<String>,
}

#[derive(Serialize)]
struct Project {
    id: TenantId,
    name: String,
}

/// Lists them.
pub(super) async fn list_regions(
    caller: Caller,
    State(app): State<Arc<App>>,
    scope: Scope,
) -> Result<Document<Regions>, Fault> {
    let asking = admission::Caller {
        token: caller.token.clone(),
        tenant: caller.project.clone(),
        info: caller.info.clone(),
    };
    let context = scope.onward();
    let listing = async { Ok(app.admission.choices(&asking, &context).await) };
    let choices = Scope::within(scope.deadline(), "Listing the destinations", listing).await?;
    let regions = choices.into_iter().map(|choice| {
        let (tenants, unknown_because) = match choice.tenants {
            Ok(tenants) => (tenants, None),
            Err(refusal) => (Vec::new(), Some(refusal.to_string())),
        };
        let projects = tenants.into_iter().map(|tenant| Project {
            id: tenant.id,
            name: tenant.name,
        });
        Region {
            is_source: choice.region == app.region,
            id: choice.region,
            projects: projects.collect(),
            unknown_because,
        }
    });
    Ok(Document(Regions {
        regions: regions.collect(),
    }))
}
