//! What is going on, for everybody: for administrators of the cloud.

use proto::v1;
use tokio::time::Instant;

use super::{SchedulerClient, SchedulerError, Viewer};

impl SchedulerClient {
    /// The limits with what is in use of them, and what workers work on. The viewer sees all tenants.
    ///
    /// # Errors
    /// [`SchedulerError::Defect`] for a viewer who does not.
    pub(crate) async fn workload(
        &self,
        viewer: &Viewer,
        deadline: Instant,
    ) -> Result<v1::ShowWorkloadResponse, SchedulerError> {
        let request = v1::ShowWorkloadRequest {
            viewer: Some(viewer.into()),
        };
        self.repeated(
            &self.workload,
            deadline,
            async |mut rpc, request| rpc.show_workload(request).await,
            request,
        )
        .await
    }
}
