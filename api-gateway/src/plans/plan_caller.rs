//! Who asks, and whose plans: the caller's token together with the project of the path.
//!
//! Invariant: beyond this file, the project of a path is the token's, or the caller sees all projects; and once
//! [`PlanCaller::require_writer`] has passed, the token's, or the caller is an administrator.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use domain::{Creator, PlanId, TenantId};
use http::request::Parts;

use crate::app::App;
use crate::auth::Caller;
use crate::fault::Fault;
use crate::scheduler_client::Viewer;

/// A caller at the plans of a project.
#[derive(Debug, Clone)]
pub(crate) struct PlanCaller {
    caller: Caller,
    project: TenantId,
}

impl FromRequestParts<Arc<App>> for PlanCaller {
    type Rejection = Fault;

    /// Validates the token, then holds the caller to its project.
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Fault> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let text = path_parameter(parts, app, "project_id").await;
        let text = text.ok_or_else(Fault::no_such_plan)?;
        let is_own = text == caller.project.as_str()
            || TenantId::parse(&text).is_ok_and(|project| project == caller.project);
        if is_own {
            let project = caller.project.clone();
            return Ok(Self { caller, project });
        }
        match TenantId::parse(&text) {
            Ok(project) if caller.sees_all => Ok(Self { caller, project }),
            Ok(_) | Err(_) => Err(not_your_project(&caller)),
        }
    }
}

fn not_your_project(caller: &Caller) -> Fault {
    Fault::Forbidden(format!(
        "Your token is for project {}: ask for the plans of that one, or take a token of \
         the project in the path.",
        caller.project
    ))
}

impl PlanCaller {
    /// Whether the caller sees the plans of all projects.
    #[must_use]
    pub(super) fn sees_all(&self) -> bool {
        self.caller.sees_all
    }

    /// The project whose plans are meant.
    #[must_use]
    pub(super) fn project(&self) -> &TenantId {
        &self.project
    }

    /// Requires a role that reads.
    pub(super) fn require_reader(&self) -> Result<(), Fault> {
        if self.caller.may_read {
            return Ok(());
        }
        Err(Fault::Forbidden(
            "None of your roles in this project allows you to see its plans.".to_owned(),
        ))
    }

    /// Requires a role that writes plans, in this project.
    pub(super) fn require_writer(&self) -> Result<(), Fault> {
        if self.project != self.caller.project && !self.caller.is_admin {
            return Err(not_your_project(&self.caller));
        }
        if self.caller.may_plan {
            return Ok(());
        }
        Err(Fault::Forbidden(
            "None of your roles in this project allows you to write its plans.".to_owned(),
        ))
    }

    /// The plans of the project.
    #[must_use]
    pub(super) fn of_project(&self, app: &App) -> Viewer {
        Viewer {
            region: app.region.clone(),
            tenant: self.project.clone(),
            all_tenants: false,
        }
    }

    /// Every plan that the caller may see: who sees all finds those of all projects, as a list of all shows them.
    #[must_use]
    pub(super) fn of_all_visible(&self, app: &App) -> Viewer {
        Viewer {
            all_tenants: self.caller.sees_all,
            ..self.of_project(app)
        }
    }

    /// Every plan that the caller may write: an administrator's are those of all projects.
    #[must_use]
    pub(super) fn of_all_writable(&self, app: &App) -> Viewer {
        Viewer {
            all_tenants: self.caller.is_admin,
            ..self.of_project(app)
        }
    }

    /// Whose rights the fires of what this caller writes need.
    #[must_use]
    pub(super) fn as_creator(&self) -> Creator {
        let user = &self.caller.info.user;
        Creator {
            id: user.id.clone(),
            name: user.name.clone(),
            domain_id: user.domain.id.clone(),
            domain_name: user.domain.name.clone(),
        }
    }

    /// The caller as admission knows one who copies out of `project`.
    #[must_use]
    pub(super) fn as_copier(&self, project: &TenantId) -> admission::Caller {
        admission::Caller {
            token: self.caller.token.clone(),
            tenant: project.clone(),
            info: self.caller.info.clone(),
        }
    }
}

/// The plan id of the path; none when the text is no UUID, which names no plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlanIdPath(Option<PlanId>);

impl PlanIdPath {
    /// The id, if it can be one.
    #[must_use]
    pub(super) const fn id(self) -> Option<PlanId> {
        self.0
    }

    /// The id of a plan that must be there.
    pub(super) fn known(self) -> Result<PlanId, Fault> {
        self.0.ok_or_else(Fault::no_such_plan)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PlanIdPath {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let text = path_parameter(parts, state, "job_id").await;
        Ok(Self(text.and_then(|text| text.parse().ok())))
    }
}

/// A parameter of the path; none when the path is no UTF-8.
async fn path_parameter<S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
    name: &str,
) -> Option<String> {
    let params = RawPathParams::from_request_parts(parts, state).await.ok()?;
    let (_, text) = params.iter().find(|(key, _)| *key == name)?;
    Some(text.to_owned())
}
