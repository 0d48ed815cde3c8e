//! The scheduler's plans. Reads and deletes are repeated while the scheduler is away; a create too, for it has its
//! id; a change or a signal only while nothing has been sent, for the second of two would be told of the first.

use domain::{Creator, PlanDocument, PlanEvent, PlanId, PlanView};
use jiff::Timestamp;
use proto::convert::InvalidField;
use proto::v1;
use proto::v1::plan_service_client::PlanServiceClient;
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use super::{CreateError, PATIENCE, SchedulerClient, SchedulerError, Transport, Viewer};

/// A page of fifty plans fits, each as large as a request body and with hundreds of replicas.
pub(super) const LARGEST_ANSWER: usize = 64 * 1024 * 1024;
/// Plans asked for at once.
const PAGE: u32 = 50;

/// A plan to be created. The id is made before: repeating the call creates nothing twice.
#[derive(Debug, Clone)]
pub(crate) struct NewPlan {
    /// The plan's id.
    pub id: PlanId,
    /// Its region and project.
    pub owner: Viewer,
    /// Whose rights its fires need.
    pub creator: Creator,
    /// What was written.
    pub document: PlanDocument,
    /// A create that reaches a scheduler later than this creates nothing.
    pub not_after: Timestamp,
}

/// A plan as it shall be from now on.
#[derive(Debug, Clone)]
pub(crate) struct PlanEdit {
    /// The plan.
    pub id: PlanId,
    /// The revision that the document was made from.
    pub revision: u64,
    /// What was written.
    pub document: PlanDocument,
    /// Whose rights its fires need.
    pub creator: Creator,
    /// The schedule starts over.
    pub reschedule: bool,
    /// An empty schedule never fires, rather than at once.
    pub empty_is_off: bool,
}

/// A page of plans, newest first.
#[derive(Debug, Clone)]
pub(crate) struct PlanPage {
    /// The plans.
    pub plans: Vec<PlanView>,
    /// Whether another page follows.
    pub has_more: bool,
}

type Rpc = PlanServiceClient<Transport>;

impl SchedulerClient {
    /// Creates a plan; answers the one that has its id now.
    ///
    /// # Errors
    /// [`CreateError::Unknown`] when no answer came until `deadline`: the plan may exist.
    pub(crate) async fn create_plan(
        &self,
        plan: &NewPlan,
        deadline: Instant,
    ) -> Result<PlanView, CreateError> {
        let request = v1::CreatePlanRequest {
            plan_id: plan.id.to_string(),
            region_id: plan.owner.region.to_string(),
            tenant_id: plan.owner.tenant.to_string(),
            creator: Some((&plan.creator).into()),
            document: Some((&plan.document).into()),
            not_after_ms: Some(plan.not_after.as_millisecond()),
        };
        let call = async |mut rpc: Rpc, request| rpc.create_plan(request).await;
        let answer = self
            .create_until(&self.plans, deadline, call, request)
            .await?;
        plan_of(answer.plan).map_err(CreateError::Unknown)
    }

    /// One plan.
    ///
    /// # Errors
    /// [`SchedulerError::NotFound`] also when it is not the viewer's.
    pub(crate) async fn plan(
        &self,
        viewer: &Viewer,
        id: PlanId,
        deadline: Instant,
    ) -> Result<PlanView, SchedulerError> {
        let request = v1::GetPlanRequest {
            viewer: Some(viewer.into()),
            plan_id: id.to_string(),
        };
        let call = async |mut rpc: Rpc, request| rpc.get_plan(request).await;
        let answer = self.repeated(&self.plans, deadline, call, request).await?;
        plan_of(answer.plan)
    }

    /// The plans that follow `marker`, or the newest ones.
    ///
    /// # Errors
    /// [`SchedulerError::Invalid`] or [`SchedulerError::NotFound`] for a marker that is gone.
    pub(crate) async fn plans(
        &self,
        viewer: &Viewer,
        marker: Option<PlanId>,
        deadline: Instant,
    ) -> Result<PlanPage, SchedulerError> {
        let request = v1::ListPlansRequest {
            viewer: Some(viewer.into()),
            limit: PAGE,
            marker: marker.map(|id| id.to_string()),
        };
        let call = async |mut rpc: Rpc, request| rpc.list_plans(request).await;
        let answer = self.repeated(&self.plans, deadline, call, request).await?;
        let plans: Result<Vec<PlanView>, InvalidField> =
            answer.plans.into_iter().map(TryInto::try_into).collect();
        Ok(PlanPage {
            plans: plans?,
            has_more: answer.has_more,
        })
    }

    /// Writes a plan anew.
    ///
    /// # Errors
    /// [`SchedulerError::GivenUp`] when it has another revision by now.
    pub(crate) async fn update_plan(
        &self,
        viewer: &Viewer,
        edit: &PlanEdit,
        deadline: Instant,
    ) -> Result<PlanView, SchedulerError> {
        let request = v1::UpdatePlanRequest {
            viewer: Some(viewer.into()),
            plan_id: edit.id.to_string(),
            revision: edit.revision,
            document: Some((&edit.document).into()),
            creator: Some((&edit.creator).into()),
            reschedule: edit.reschedule,
            empty_is_off: edit.empty_is_off,
        };
        let call = async |mut rpc: Rpc, request| rpc.update_plan(request).await;
        plan_of(self.until_sent(deadline, call, request).await?.plan)
    }

    /// Tells a plan something; answers what came of it.
    ///
    /// # Errors
    /// [`SchedulerError::NotFound`] also when it is not the viewer's.
    pub(crate) async fn signal_plan(
        &self,
        viewer: &Viewer,
        id: PlanId,
        event: PlanEvent,
        creator: &Creator,
        deadline: Instant,
    ) -> Result<String, SchedulerError> {
        let request = v1::SignalPlanRequest {
            viewer: Some(viewer.into()),
            plan_id: id.to_string(),
            event: v1::PlanEvent::from(event).into(),
            creator: Some(creator.into()),
        };
        let call = async |mut rpc: Rpc, request| rpc.signal_plan(request).await;
        Ok(self.until_sent(deadline, call, request).await?.result)
    }

    /// Deletes a plan, if there is one.
    ///
    /// # Errors
    /// When the scheduler cannot be asked.
    pub(crate) async fn delete_plan(
        &self,
        viewer: &Viewer,
        id: PlanId,
        deadline: Instant,
    ) -> Result<(), SchedulerError> {
        let request = v1::DeletePlanRequest {
            viewer: Some(viewer.into()),
            plan_id: id.to_string(),
        };
        let call = async |mut rpc: Rpc, request| rpc.delete_plan(request).await;
        match self.repeated(&self.plans, deadline, call, request).await {
            Ok(v1::DeletePlanResponse {}) | Err(SchedulerError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Makes a call until it has been sent, for as long as the deadline and our patience allow.
    async fn until_sent<Q: Clone, A>(
        &self,
        deadline: Instant,
        call: impl AsyncFn(Rpc, Request<Q>) -> Result<Response<A>, Status>,
        request: Q,
    ) -> Result<A, SchedulerError> {
        let give_up = deadline.min(Instant::now() + PATIENCE);
        let mut failures = 0;
        loop {
            match self
                .once(&self.plans, deadline, &call, request.clone())
                .await
            {
                Err(SchedulerError::NotConnected) if self.pause(&mut failures, give_up).await => {}
                outcome => return outcome,
            }
        }
    }
}

fn plan_of(plan: Option<v1::Plan>) -> Result<PlanView, SchedulerError> {
    let plan = plan.ok_or_else(|| InvalidField::new("plan", "is missing"))?;
    Ok(plan.try_into()?)
}
