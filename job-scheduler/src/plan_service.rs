//! gRPC from the gateway about plans. Thin: nothing is decided here.

use domain::{Creator, PlanDocument, PlanEvent, PlanId, RegionId, TenantId};
use jiff::Timestamp;
use proto::convert::parse;
use proto::v1;
use proto::v1::plan_service_server::PlanService;
use service_kit::telemetry::trace_context;
use tonic::{Request, Response, Status};

use crate::acceptance::Acceptance;
use crate::page_limit::PageLimit;
use crate::plan_keeper;
use crate::plan_lifecycle::{Edit, Signal, Wanted, accept, edit, signal, view};
use crate::plan_record::PlanRecord;
use crate::plans::{Decision, Plans};
use crate::status::CallError;
use crate::store::StoreError;
use crate::store::plans::{CreatedPlan, PlanQuery, PlanTerms, StoredPlan};
use crate::viewer::Viewer;

/// The most plans that are read at once for a page.
const READ_AT_ONCE: usize = 50;
/// The most replicas and jobs that a plan is shown with: a page must fit into a message.
const SHOWN: usize = 100;

/// The service.
#[derive(Clone)]
pub struct PlanApi {
    /// The plans.
    pub plans: Plans,
    /// Whether there may be new ones.
    pub acceptance: Acceptance,
}

// === impl PlanApi ===

impl PlanApi {
    async fn load(&self, viewer: &Viewer, id: PlanId) -> Result<StoredPlan, CallError> {
        let stored = self.plans.jobs.store.load_plan(id).await?;
        let stored = stored.filter(|stored| viewer.sees(&stored.record.owner()));
        stored.ok_or(CallError::NoSuchPlan)
    }

    async fn create(
        &self,
        wanted: Wanted,
        not_after: Option<Timestamp>,
    ) -> Result<StoredPlan, CallError> {
        let (plans, jobs) = (&self.plans, &self.plans.jobs);
        if not_after.is_some_and(|until| until < jobs.now()) {
            return Err(CallError::CameTooLate);
        }
        self.acceptance.check()?;
        let record = accept(wanted, plans.now(), &plans.rules)?;
        let limit = jobs.settings.plans_per_tenant;
        let terms = PlanTerms {
            plans_per_tenant: limit,
            not_after,
        };
        match jobs.store.create_plan(&record, &terms, jobs.now()).await {
            Ok(CreatedPlan::New { version }) => {
                tracing::info!(
                    plan.id = %record.id,
                    source.region.id = %record.region,
                    tenant.id = %record.tenant,
                    "accepted a plan"
                );
                plans.nudge(&record);
                return Ok(StoredPlan { record, version });
            }
            Ok(CreatedPlan::Exists) => {}
            Err(StoreError::TooLate) => return Err(CallError::CameTooLate),
            Err(StoreError::LimitReached) => return Err(CallError::TooManyPlans { limit }),
            Err(error) => return Err(error.into()),
        }
        // The call that made it may have died waiting for a replica.
        jobs.store.barrier(jobs.now()).await?;
        let stored = jobs.store.load_plan(record.id).await?;
        // Gone again just now: it was created all the same.
        let Some(stored) = stored else {
            return Err(CallError::NoSuchPlan);
        };
        if stored.record.owner() == record.owner() {
            Ok(stored)
        } else {
            Err(CallError::PlanTaken)
        }
    }

    async fn page(
        &self,
        request: v1::ListPlansRequest,
    ) -> Result<v1::ListPlansResponse, CallError> {
        let store = &*self.plans.jobs.store;
        let viewer = Viewer::parse(request.viewer)?;
        let limit = PageLimit::parse(request.limit)?;
        let after = match &request.marker {
            None => None,
            Some(marker) => {
                let marker = self.load(&viewer, parse("marker", marker)?).await;
                let marker = marker.map_err(|error| match error {
                    CallError::NoSuchPlan => CallError::Invalid("marker: no such plan".to_owned()),
                    other => other,
                })?;
                Some((marker.record.created_at, marker.record.id))
            }
        };
        let query = PlanQuery {
            scope: viewer.scope(),
            after,
            limit: limit.to_ask_for(),
        };
        let mut ids = store.plan_page(&query).await?;
        let has_more = limit.cut(&mut ids);
        let mut plans = Vec::with_capacity(ids.len());
        for ids in ids.chunks(READ_AT_ONCE) {
            plans.extend(store.load_plans(ids).await?.iter().map(plan));
        }
        Ok(v1::ListPlansResponse { plans, has_more })
    }

    /// Changes a plan that the viewer sees.
    async fn decide<T: Send>(
        &self,
        viewer: &Viewer,
        id: PlanId,
        decision: impl Fn(&PlanRecord, Timestamp) -> Result<Decision<T>, CallError> + Send + Sync,
    ) -> Result<(StoredPlan, T), CallError> {
        let decided = self
            .plans
            .decide::<_, CallError>(id, |record, now| {
                if viewer.sees(&record.owner()) {
                    decision(record, now)
                } else {
                    Err(CallError::NoSuchPlan)
                }
            })
            .await?;
        // Whatever was found may have been written by a call that died waiting for a replica.
        let jobs = &self.plans.jobs;
        jobs.store.barrier(jobs.now()).await?;
        decided.ok_or(CallError::NoSuchPlan)
    }
}

/// The plan as the gateway sees it.
fn plan(stored: &StoredPlan) -> v1::Plan {
    let mut seen = view(&stored.record);
    seen.recovery_points.truncate(SHOWN);
    if let Some(run) = &mut seen.last_run {
        run.jobs.truncate(SHOWN);
    }
    (&seen).into()
}

fn required<T>(field: &str, value: Option<T>) -> Result<T, CallError> {
    value.ok_or_else(|| CallError::Invalid(format!("{field}: is missing")))
}

#[tonic::async_trait]
impl PlanService for PlanApi {
    async fn create_plan(
        &self,
        request: Request<v1::CreatePlanRequest>,
    ) -> Result<Response<v1::PlanResponse>, Status> {
        let request = request.into_inner();
        let wanted = Wanted {
            id: parse("plan_id", &request.plan_id)?,
            region: RegionId::new(request.region_id),
            tenant: TenantId::new(request.tenant_id),
            creator: Creator::from(required("creator", request.creator)?),
            document: PlanDocument::try_from(required("document", request.document)?)?,
        };
        let not_after = request
            .not_after_ms
            .map(Timestamp::from_millisecond)
            .transpose()
            .map_err(|error| CallError::Invalid(format!("not_after_ms: {error}")))?;
        let stored = self.create(wanted, not_after).await?;
        Ok(Response::new(answer(&stored)))
    }

    async fn get_plan(
        &self,
        request: Request<v1::GetPlanRequest>,
    ) -> Result<Response<v1::PlanResponse>, Status> {
        let request = request.into_inner();
        let viewer = Viewer::parse(request.viewer)?;
        let id = parse("plan_id", &request.plan_id)?;
        Ok(Response::new(answer(&self.load(&viewer, id).await?)))
    }

    async fn list_plans(
        &self,
        request: Request<v1::ListPlansRequest>,
    ) -> Result<Response<v1::ListPlansResponse>, Status> {
        Ok(Response::new(self.page(request.into_inner()).await?))
    }

    async fn update_plan(
        &self,
        request: Request<v1::UpdatePlanRequest>,
    ) -> Result<Response<v1::PlanResponse>, Status> {
        let request = request.into_inner();
        let viewer = Viewer::parse(request.viewer)?;
        let id = parse("plan_id", &request.plan_id)?;
        let word = Edit {
            document: PlanDocument::try_from(required("document", request.document)?)?,
            creator: Creator::from(required("creator", request.creator)?),
            reschedule: request.reschedule,
            empty_is_off: request.empty_is_off,
        };
        let (stored, ()) = self
            .decide(&viewer, id, |record, now| {
                if record.revision != request.revision {
                    return Err(CallError::OtherRevision);
                }
                let record = edit(record, word.clone(), now, &self.plans.rules)?;
                Ok(Decision { record, answer: () })
            })
            .await?;
        tracing::info!(plan.id = %id, plan.revision = stored.record.revision, "edited a plan");
        Ok(Response::new(answer(&stored)))
    }

    async fn signal_plan(
        &self,
        request: Request<v1::SignalPlanRequest>,
    ) -> Result<Response<v1::SignalPlanResponse>, Status> {
        let request = request.into_inner();
        let event = PlanEvent::try_from(request.event())?;
        let viewer = Viewer::parse(request.viewer)?;
        let id = parse("plan_id", &request.plan_id)?;
        let told = match event {
            PlanEvent::Start => Signal::Start {
                creator: Creator::from(required("creator", request.creator)?),
                traceparent: trace_context::current_traceparent(),
            },
            PlanEvent::Stop => Signal::Stop,
            PlanEvent::Abort => Signal::Abort,
        };
        let (stored, result) = self
            .decide(&viewer, id, |record, now| {
                let told = signal(record, told.clone(), now, &self.plans.rules);
                Ok(Decision {
                    record: told.record,
                    answer: told.result,
                })
            })
            .await?;
        tracing::info!(plan.id = %id, event = ?event, result, "told a plan");
        Ok(Response::new(v1::SignalPlanResponse {
            plan: Some(plan(&stored)),
            result: result.to_owned(),
        }))
    }

    async fn delete_plan(
        &self,
        request: Request<v1::DeletePlanRequest>,
    ) -> Result<Response<v1::DeletePlanResponse>, Status> {
        let request = request.into_inner();
        let viewer = Viewer::parse(request.viewer)?;
        let id = parse("plan_id", &request.plan_id)?;
        let gone = plan_keeper::remove(&self.plans, id, |record| viewer.sees(&record.owner()));
        if gone.await.map_err(CallError::from)? {
            tracing::info!(plan.id = %id, "deleted a plan");
        }
        Ok(Response::new(v1::DeletePlanResponse {}))
    }
}

fn answer(stored: &StoredPlan) -> v1::PlanResponse {
    v1::PlanResponse {
        plan: Some(plan(stored)),
    }
}
