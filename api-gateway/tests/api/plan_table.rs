//! The plans of the double of the scheduler. Nothing fires here.

use proto::v1::plan_service_server::PlanService;
use proto::v1::{self, PlanEvent, PlanStatus};
use tonic::{Request, Response, Status};

use crate::scheduler::Table;

/// When the first plan was made, in milliseconds since the Unix epoch; each further one is a second younger.
const FIRST: i64 = 1_767_225_600_000;

/// What the scheduler knows of plans, and what it was asked.
#[derive(Default)]
pub(crate) struct PlanTable {
    /// In the order of creation.
    pub plans: Vec<v1::Plan>,
    pub trouble: PlanTrouble,
    pub creates: Vec<v1::CreatePlanRequest>,
    pub updates: Vec<v1::UpdatePlanRequest>,
    pub signals: Vec<v1::SignalPlanRequest>,
    pub pages: usize,
}

/// What goes wrong with the next calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum PlanTrouble {
    #[default]
    None,
    /// The plan changes under this many updates.
    Outdates(usize),
    /// One update is made, and its answer gets lost.
    LosesAnswer,
    /// Nothing is answered.
    Hangs,
    /// The tenant has as many plans as it may.
    Full,
}

impl PlanTable {
    fn visible(&mut self, viewer: Option<v1::Viewer>, id: &str) -> Result<&mut v1::Plan, Status> {
        let plan = self.plans.iter_mut().find(|plan| plan.plan_id == id);
        plan.filter(|plan| viewer.is_some_and(|viewer| is_visible(&viewer, plan)))
            .ok_or_else(|| Status::not_found("no such plan"))
    }

    fn create(&mut self, request: v1::CreatePlanRequest) -> Result<v1::Plan, Status> {
        self.creates.push(request.clone());
        if let Some(plan) = self
            .plans
            .iter()
            .find(|plan| plan.plan_id == request.plan_id)
        {
            return match plan.tenant_id == request.tenant_id {
                true => Ok(plan.clone()),
                false => Err(Status::already_exists("another tenant's")),
            };
        }
        let made_at = FIRST + i64::try_from(self.plans.len()).expect("few") * 1000;
        let plan = v1::Plan {
            plan_id: request.plan_id,
            region_id: request.region_id,
            tenant_id: request.tenant_id,
            creator_id: request.creator.unwrap_or_default().user_id,
            document: request.document,
            revision: 1,
            status: PlanStatus::Scheduled.into(),
            created_at_ms: made_at,
            updated_at_ms: made_at,
            scheduled_at_ms: made_at,
            ..v1::Plan::default()
        };
        self.plans.push(plan.clone());
        Ok(plan)
    }

    fn update(&mut self, request: v1::UpdatePlanRequest) -> Result<v1::Plan, Status> {
        self.updates.push(request.clone());
        let outdates = match self.trouble {
            PlanTrouble::Outdates(times) if times > 0 => {
                self.trouble = PlanTrouble::Outdates(times - 1);
                true
            }
            _ => false,
        };
        let plan = self.visible(request.viewer, &request.plan_id)?;
        plan.revision += u64::from(outdates);
        if plan.revision != request.revision {
            return Err(Status::aborted("another revision"));
        }
        plan.revision += 1;
        plan.document = request.document;
        plan.creator_id = request.creator.unwrap_or_default().user_id;
        let plan = plan.clone();
        if self.trouble == PlanTrouble::LosesAnswer {
            self.trouble = PlanTrouble::None;
            return Err(Status::unavailable("the connection broke"));
        }
        Ok(plan)
    }
}

fn is_visible(viewer: &v1::Viewer, plan: &v1::Plan) -> bool {
    viewer.all_tenants || viewer.tenant_id == plan.tenant_id && viewer.region_id == plan.region_id
}

#[tonic::async_trait]
impl PlanService for Table {
    async fn create_plan(
        &self,
        request: Request<v1::CreatePlanRequest>,
    ) -> Result<Response<v1::PlanResponse>, Status> {
        let plan = match self.edit(|state| state.plans.trouble) {
            PlanTrouble::Full => return Err(Status::resource_exhausted("the limit is 2")),
            PlanTrouble::Hangs => std::future::pending().await,
            _ => self.edit(|state| state.plans.create(request.into_inner()))?,
        };
        Ok(Response::new(v1::PlanResponse { plan: Some(plan) }))
    }

    async fn get_plan(
        &self,
        request: Request<v1::GetPlanRequest>,
    ) -> Result<Response<v1::PlanResponse>, Status> {
        let request = request.into_inner();
        let plan = self.edit(|state| {
            let plan = state.plans.visible(request.viewer, &request.plan_id)?;
            Ok::<_, Status>(plan.clone())
        })?;
        Ok(Response::new(v1::PlanResponse { plan: Some(plan) }))
    }

    async fn list_plans(
        &self,
        request: Request<v1::ListPlansRequest>,
    ) -> Result<Response<v1::ListPlansResponse>, Status> {
        let request = request.into_inner();
        let viewer = request.viewer.unwrap_or_default();
        let mut plans: Vec<v1::Plan> = self.edit(|state| {
            state.plans.pages += 1;
            let newest_first = state.plans.plans.iter().rev();
            newest_first
                .filter(|plan| is_visible(&viewer, plan))
                .cloned()
                .collect()
        });
        if let Some(marker) = request.marker {
            let place = plans.iter().position(|plan| plan.plan_id == marker);
            let place = place.ok_or_else(|| Status::invalid_argument("marker: is unknown"))?;
            plans.drain(..=place);
        }
        let limit = usize::try_from(request.limit).expect("small");
        let has_more = plans.len() > limit;
        plans.truncate(limit);
        Ok(Response::new(v1::ListPlansResponse { plans, has_more }))
    }

    async fn update_plan(
        &self,
        request: Request<v1::UpdatePlanRequest>,
    ) -> Result<Response<v1::PlanResponse>, Status> {
        let plan = self.edit(|state| state.plans.update(request.into_inner()))?;
        Ok(Response::new(v1::PlanResponse { plan: Some(plan) }))
    }

    async fn signal_plan(
        &self,
        request: Request<v1::SignalPlanRequest>,
    ) -> Result<Response<v1::SignalPlanResponse>, Status> {
        let request = request.into_inner();
        let (plan, result) = self.edit(|state| {
            state.plans.signals.push(request.clone());
            let event = request.event();
            let plan = state.plans.visible(request.viewer, &request.plan_id)?;
            let name = event.as_str_name().trim_start_matches("PLAN_EVENT_");
            let result = match plan.last_event() == event {
                true => format!("{} already requested", name.to_lowercase()),
                false => "success".to_owned(),
            };
            plan.last_event = Some(event.into());
            plan.status = match event {
                PlanEvent::Start => PlanStatus::Running.into(),
                _ => PlanStatus::Stop.into(),
            };
            Ok::<_, Status>((plan.clone(), result))
        })?;
        Ok(Response::new(v1::SignalPlanResponse {
            plan: Some(plan),
            result,
        }))
    }

    async fn delete_plan(
        &self,
        request: Request<v1::DeletePlanRequest>,
    ) -> Result<Response<v1::DeletePlanResponse>, Status> {
        let request = request.into_inner();
        let viewer = request.viewer.unwrap_or_default();
        self.edit(|state| {
            let goes =
                |plan: &v1::Plan| plan.plan_id == request.plan_id && is_visible(&viewer, plan);
            state.plans.plans.retain(|plan| !goes(plan));
        });
        Ok(Response::new(v1::DeletePlanResponse {}))
    }
}
