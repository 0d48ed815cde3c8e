//! What the handlers share. Built once, in `gateway.rs`.

use std::sync::Arc;
use std::time::Duration;

use admission::Admission;
use domain::RegionId;
use http::HeaderValue;
use service_kit::Clock;
use tokio_util::sync::CancellationToken;

use crate::abandoned_creates::AbandonedCreates;
use crate::auth::{Authenticator, Caller};
use crate::copy_jobs::StreamPermits;
use crate::dashboard::SignInRate;
use crate::images::ImageService;
use crate::metrics::Metrics;
use crate::middleware::Operations;
use crate::origin::Fronts;
use crate::request_rate::RequestRate;
use crate::scheduler_client::{SchedulerClient, Viewer};
use crate::wake_up::WakeUps;

/// The parts behind the routes.
pub(crate) struct App {
    /// The region that this gateway serves as a source.
    pub region: RegionId,
    /// Sent with every 401.
    pub challenge: HeaderValue,
    /// Tokens → callers.
    pub authenticator: Authenticator,
    /// Holds tenants to their request rate.
    pub request_rate: RequestRate,
    /// Holds those who sign in to theirs.
    pub sign_in_rate: SignInRate,
    /// May this copy be made?
    pub admission: Admission,
    /// This region's images.
    pub image_service: ImageService,
    /// Jobs.
    pub scheduler: SchedulerClient,
    /// Wakes workers.
    pub wake_ups: WakeUps,
    /// Cancels what may have been created.
    pub abandoned_creates: AbandonedCreates,
    /// Bounds the event streams.
    pub stream_permits: StreamPermits,
    /// Counts.
    pub metrics: Metrics,
    /// Wall time; tells when a token expires.
    pub clock: Arc<dyn Clock>,
    /// How long a request may take.
    pub request_deadline: Duration,
    /// The largest request body in bytes.
    pub body_limit: usize,
    /// Period of the comments on an event stream.
    pub keep_alive: Duration,
    /// The API document.
    pub openapi: Arc<str>,
    /// What the API document calls what changes something.
    pub operations: Operations,
    /// Whom to believe where a request came from.
    pub fronts: Fronts,
    /// Ends the event streams.
    pub shutdown: CancellationToken,
}

impl App {
    /// The caller's own jobs, in its project and this region.
    #[must_use]
    pub(crate) fn own_jobs_of(&self, caller: &Caller) -> Viewer {
        Viewer {
            region: self.region.clone(),
            tenant: caller.project.clone(),
            all_tenants: false,
        }
    }

    /// Everything that the caller may see: its own jobs, or all.
    #[must_use]
    pub(crate) fn jobs_visible_to(&self, caller: &Caller) -> Viewer {
        Viewer {
            all_tenants: caller.sees_all,
            ..self.own_jobs_of(caller)
        }
    }

    /// Everything that the caller may cancel. What it merely sees is not there for it.
    #[must_use]
    pub(crate) fn jobs_in_the_hands_of(&self, caller: &Caller) -> Viewer {
        Viewer {
            all_tenants: caller.is_admin,
            ..self.own_jobs_of(caller)
        }
    }
}
