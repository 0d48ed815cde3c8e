//! How a plan gets written: a new one under its id, an existing one against the revision that was read.
//!
//! Invariant: whatever is written, the caller may have the copies made that it says; a plan's fires are done in the
//! name of whoever wrote it last.

use domain::{PlanAction, PlanDocument, PlanId, PlanView};
use serde::Serialize;
use utoipa::ToSchema;

use super::action::WrittenAction;
use super::admit;
use super::backup_job::hex;
use super::draft::PlanDraft;
use super::edit::{Rescheduling, identified, merged};
use super::plan_caller::PlanCaller;
use crate::abandoned_creates::not_after;
use crate::app::App;
use crate::fault::Fault;
use crate::scheduler_client::{CreateError, NewPlan, PlanEdit, SchedulerError, Viewer};
use crate::scope::Scope;

/// How often a change is made again on top of another that was faster.
const TRIES: usize = 5;

/// The answer to a new plan.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct NewPlanId {
    /// The plan: 32 hex digits.
    pub(super) job_id: String,
}

/// The answer to a plan that was written again.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PlanVersion {
    /// The plan: 32 hex digits.
    job_id: String,
    /// Grows with each change.
    version: u64,
}

impl From<PlanView> for PlanVersion {
    fn from(plan: PlanView) -> Self {
        Self {
            job_id: hex(plan.id),
            version: plan.revision,
        }
    }
}

/// A request that writes.
#[derive(Clone, Copy)]
pub(super) struct Writing<'a> {
    /// The parts behind the gateway.
    pub app: &'a App,
    /// Who writes.
    pub caller: &'a PlanCaller,
    /// The request.
    pub scope: &'a Scope,
}

/// How an existing plan is written.
#[derive(Debug, Clone, Copy)]
enum How {
    /// What is not said stays.
    Change,
    /// What is not said has its default.
    Replace,
}

impl Writing<'_> {
    /// Creates a plan in the caller's project. Its id is made here unless one is given; one that is given must not be
    /// in use.
    pub(super) async fn create(
        &self,
        draft: &PlanDraft,
        id: Option<PlanId>,
    ) -> Result<PlanView, Fault> {
        let project = self.caller.project();
        let actions = self
            .admitted(project, draft.required_actions()?, &[])
            .await?;
        let plan = NewPlan {
            id: id.unwrap_or_else(PlanId::generate),
            owner: self.caller.of_project(self.app),
            creator: self.caller.as_creator(),
            document: merged(&PlanDocument::default(), draft, Some(actions)),
            not_after: not_after(self.app.clock.now(), self.scope.deadline()),
        };
        self.scope
            .is_about(|subject| subject.id = Some(*plan.id.as_uuid()));
        let created = self
            .app
            .scheduler
            .create_plan(&plan, self.scope.deadline())
            .await
            .map_err(|error| unknown_fate(error, plan.id))?;
        if created.tenant == plan.owner.tenant && created.document == plan.document {
            tracing::info!(plan.id = %plan.id, "a plan is accepted");
            return Ok(created);
        }
        // Only an id that the caller chose can stand for another plan already.
        Err(Fault::plan_id_taken())
    }

    /// Changes what `draft` says of a plan.
    pub(super) async fn update(&self, id: PlanId, draft: &PlanDraft) -> Result<PlanView, Fault> {
        let viewer = self.caller.of_all_writable(self.app);
        self.write_again(&viewer, id, draft, How::Change).await
    }

    /// Writes a plan whole; what `draft` leaves out has its default.
    pub(super) async fn replace(&self, id: PlanId, draft: &PlanDraft) -> Result<PlanView, Fault> {
        draft.required_actions()?;
        let viewer = self.caller.of_project(self.app);
        self.write_again(&viewer, id, draft, How::Replace).await
    }

    /// Reads, edits and writes, again and again while others are faster.
    async fn write_again(
        &self,
        viewer: &Viewer,
        id: PlanId,
        draft: &PlanDraft,
        how: How,
    ) -> Result<PlanView, Fault> {
        let Self { app, scope, .. } = self;
        // What was sent with an answer that never came: it may be what is read next.
        let mut perhaps_written: Option<PlanEdit> = None;
        for _ in 0..TRIES {
            let before = app.scheduler.plan(viewer, id, scope.deadline()).await;
            let before = before.map_err(Fault::of_plan)?;
            if perhaps_written.is_some_and(|sent| stands(&sent, &before)) {
                return Ok(before);
            }
            let edit = self.edited(before, draft, how).await?;
            let written = app.scheduler.update_plan(viewer, &edit, scope.deadline());
            perhaps_written = match written.await {
                Ok(plan) => {
                    tracing::info!(plan.id = %id, plan.revision = plan.revision, "a plan is changed");
                    return Ok(plan);
                }
                Err(SchedulerError::GivenUp) => None,
                Err(error) if error.is_outage() => Some(edit),
                Err(error) => return Err(Fault::of_plan(error)),
            };
        }
        Err(Fault::Conflict(
            "The plan is being changed by others at the same time. Try again.".to_owned(),
        ))
    }

    /// The plan as it shall be, checked.
    async fn edited(
        &self,
        before: PlanView,
        draft: &PlanDraft,
        how: How,
    ) -> Result<PlanEdit, Fault> {
        let actions = match &draft.actions {
            Some(written) => {
                let stood = &before.document.actions;
                Some(self.admitted(&before.tenant, written, stood).await?)
            }
            None => {
                self.take_over(&before, draft).await?;
                None
            }
        };
        let (document, rescheduling) = match how {
            How::Change => (
                merged(&before.document, draft, actions),
                Rescheduling::of_change(draft, &before.document),
            ),
            How::Replace => (
                merged(&PlanDocument::default(), draft, actions),
                Rescheduling::ANEW,
            ),
        };
        Ok(PlanEdit {
            id: before.id,
            revision: before.revision,
            document,
            creator: self.caller.as_creator(),
            reschedule: rescheduling.starts_over,
            empty_is_off: rescheduling.empty_is_off,
        })
    }

    /// The actions, checked, with destinations and ids.
    async fn admitted(
        &self,
        source: &domain::TenantId,
        written: &[WrittenAction],
        before: &[PlanAction],
    ) -> Result<Vec<PlanAction>, Fault> {
        let Self { app, caller, scope } = self;
        let destinations = admit::destinations(app, caller, source, written, scope).await?;
        Ok(identified(written, destinations, before))
    }

    /// That the caller may do what others wrote, when it is to fire in the caller's name from now on. A plan that
    /// is disabled does not fire, and must be possible to disable.
    async fn take_over(&self, before: &PlanView, draft: &PlanDraft) -> Result<(), Fault> {
        let Self { app, caller, scope } = self;
        let is_disabled = draft.disabled.unwrap_or(before.document.disabled);
        if is_disabled || before.creator == caller.as_creator().id {
            return Ok(());
        }
        admit::take_over(app, caller, &before.tenant, &before.document.actions, scope).await
    }
}

/// Whether an edit whose answer was lost is what the plan is now.
fn stands(sent: &PlanEdit, now: &PlanView) -> bool {
    now.revision > sent.revision && now.document == sent.document && now.creator == sent.creator.id
}

/// A plan that may exist: the caller is told its id, with which it can be found and deleted.
fn unknown_fate(error: CreateError, id: PlanId) -> Fault {
    match error {
        CreateError::Unknown(error) => {
            tracing::warn!(plan.id = %id, %error, "a plan may have been created");
            let id = hex(id);
            Fault::unavailable(format!(
                "The scheduler did not answer in time. Plan {id} may exist: show it to be sure, \
                 and create it again if it does not."
            ))
        }
        error => Fault::of_plan_create(error),
    }
}
