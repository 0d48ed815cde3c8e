//! gRPC from the gateway for administrators of the cloud: what is going on, for everybody. Changes nothing; the reading is that of
//! operators ([`crate::admin`]), who have more verbs and a port of their own.

use proto::v1;
use proto::v1::workload_service_server::WorkloadService;
use tonic::{Request, Response, Status};

use crate::admin::{leases, usage, view};
use crate::jobs::Jobs;
use crate::page_limit::PageLimit;
use crate::status::CallError;
use crate::viewer::Viewer;

/// Leases that are told of, at most: a page for people.
const MOST_LEASES: u32 = 250;

/// The service.
#[derive(Clone)]
pub struct WorkloadApi {
    /// The jobs.
    pub jobs: Jobs,
}

// === impl WorkloadApi ===

impl WorkloadApi {
    async fn workload(&self) -> Result<v1::ShowWorkloadResponse, CallError> {
        let (leased, is_cut_off) = leases(&self.jobs, PageLimit::parse(MOST_LEASES)?).await?;
        let records = leased.iter().map(|stored| &stored.record);
        Ok(v1::ShowWorkloadResponse {
            limits: Some(usage(&self.jobs).await?),
            leased: records.map(view).collect(),
            is_cut_off,
        })
    }
}

#[tonic::async_trait]
impl WorkloadService for WorkloadApi {
    async fn show_workload(
        &self,
        request: Request<v1::ShowWorkloadRequest>,
    ) -> Result<Response<v1::ShowWorkloadResponse>, Status> {
        let viewer = Viewer::parse(request.into_inner().viewer)?;
        if !viewer.sees_all_tenants() {
            return Err(Status::permission_denied(
                "the viewer does not see all tenants",
            ));
        }
        Ok(Response::new(self.workload().await?))
    }
}
