//! Two fake Glances, one image in the source's, and a job that copies it.

use std::sync::Arc;
use std::time::Duration;

use copy_engine::{
    CopyEngine, Ended, EngineSettings, MinimumRate, Order, Progress, Signals, StreamBounds,
    Ungated, Withheld, WriteGate, clean_up,
};
use domain::{
    CopySpec, Destination, ErrorCode, Grant, IfIdentical, ImageId, JobId, RegionId, Source,
    TenantId, UserId,
};
use futures::future::BoxFuture;
use openstack::{HttpClient, HttpSettings};

use crate::fake_glance::{FakeGlance, FakeImage};

pub(crate) const SOURCE_TENANT: &str = "11111111111111111111111111111111";
pub(crate) const TENANT: &str = "22222222222222222222222222222222";

pub(crate) struct Rig {
    pub(crate) source: FakeGlance,
    pub(crate) destination: FakeGlance,
    pub(crate) http: HttpClient,
    pub(crate) settings: EngineSettings,
    pub(crate) signals: Signals,
    pub(crate) data: Vec<u8>,
    pub(crate) job: JobId,
    pub(crate) spec: CopySpec,
}

/// How a unit ended and what it told on its way.
pub(crate) struct Run {
    pub(crate) ended: Ended,
    pub(crate) progress: Progress,
}

/// Permits writes until the destination has had so many.
pub(crate) struct RefuseAfter<'a> {
    pub(crate) destination: &'a FakeGlance,
    pub(crate) writes: usize,
}

impl WriteGate for RefuseAfter<'_> {
    fn permit(&self) -> BoxFuture<'_, Result<(), Withheld>> {
        let is_open = self.destination.writes() < self.writes;
        Box::pin(std::future::ready(is_open.then_some(()).ok_or(Withheld)))
    }
}

/// Always so many ranges at once, however small the image.
pub(crate) fn in_ranges(number: usize) -> StreamBounds {
    StreamBounds {
        min: number,
        max: number,
        smallest_range: 500,
    }
}

impl Rig {
    /// An image of 300 000 bytes that differ.
    pub(crate) async fn new() -> Self {
        Self::with_bytes(300_000).await
    }

    pub(crate) async fn with_bytes(count: u32) -> Self {
        // The upper byte of a product by a large odd number: no short period.
        let data = (0..count)
            .map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0])
            .collect();
        Self::with_data(data).await
    }

    pub(crate) async fn with_data(data: Vec<u8>) -> Self {
        openstack::install_crypto_provider();
        let http = HttpClient::new(HttpSettings::default()).expect("defaults are good");
        Self::over(http, data).await
    }

    /// One that speaks to its Glances through this client.
    pub(crate) async fn over(http: HttpClient, data: Vec<u8>) -> Self {
        let image: ImageId = "a0a0a0a0-0000-4000-8000-000000000001"
            .parse()
            .expect("a UUID");
        let source_image = FakeImage::active(image, SOURCE_TENANT, &data)
            .with("name", "jammy")
            .with("os_distro", "ubuntu");
        let spec = CopySpec {
            source: Source {
                region: RegionId::new("ot1"),
                tenant: TenantId::new(SOURCE_TENANT),
                image,
            },
            source_image_name: "jammy".to_owned(),
            source_digest: source_image.digest(),
            destination: Destination {
                region: RegionId::new("ot2"),
                tenant: TenantId::new(TENANT),
            },
            if_identical: IfIdentical::Copy,
            requested_by: UserId::new("alice"),
            traceparent: None,
            plan_id: None,
            retry_of: None,
        };
        let rig = Self {
            source: FakeGlance::start().await,
            destination: FakeGlance::start().await,
            http,
            settings: EngineSettings {
                idle_timeout: Duration::from_millis(800),
                minimum_rate: MinimumRate {
                    bytes_per_second: 0,
                    window: Duration::from_secs(600),
                },
                ..EngineSettings::default()
            },
            signals: Signals::default(),
            data,
            job: JobId::generate(),
            spec,
        };
        rig.source.put(source_image);
        rig
    }

    /// Changes the source image, and what was admitted with it.
    pub(crate) fn change_source(&mut self, change: impl Fn(FakeImage) -> FakeImage) {
        let image = self.source.image(self.spec.source.image);
        let image = change(image.expect("the rig made it"));
        self.spec.source_digest = image.digest();
        self.source.put(image);
    }

    pub(crate) fn image(&self, attempt: u32) -> ImageId {
        self.job.image_of_attempt(attempt)
    }

    /// An attempt whose leftovers are all earlier attempts' images.
    pub(crate) fn order(&self, attempt: u32) -> Order {
        Order {
            job_id: self.job,
            spec: self.spec.clone(),
            attempt,
            leftovers: (1..attempt).map(|earlier| self.image(earlier)).collect(),
        }
    }

    /// What a grant orders.
    pub(crate) fn order_of(&self, grant: &Grant, spec: &CopySpec) -> Order {
        Order {
            job_id: grant.job_id,
            spec: spec.clone(),
            attempt: grant.attempt,
            leftovers: grant.leftovers.clone(),
        }
    }

    pub(crate) fn engine(&self) -> CopyEngine {
        CopyEngine::new(
            self.source.client(&self.http),
            self.destination.client(&self.http),
            self.settings.clone(),
        )
    }

    pub(crate) async fn copy(&self, attempt: u32) -> Run {
        self.copy_gated(attempt, &Ungated).await
    }

    pub(crate) async fn copy_gated(&self, attempt: u32, gate: &dyn WriteGate) -> Run {
        self.copy_order(&self.order(attempt), gate).await
    }

    pub(crate) async fn copy_order(&self, order: &Order, gate: &dyn WriteGate) -> Run {
        let progress = Progress::new();
        let engine = self.engine();
        let ended = engine.copy(order, &progress, &self.signals, gate).await;
        Run { ended, progress }
    }

    /// Starts a copy that goes on by itself, as a worker does.
    pub(crate) fn spawn_copy(&self, attempt: u32) -> tokio::task::JoinHandle<Run> {
        let (engine, order, signals) = (self.engine(), self.order(attempt), self.signals.clone());
        tokio::spawn(async move {
            let progress = Progress::new();
            let gate: Arc<dyn WriteGate> = Arc::new(Ungated);
            let ended = engine.copy(&order, &progress, &signals, &*gate).await;
            Run { ended, progress }
        })
    }

    /// Removes the images of the attempts 1 to `attempts`.
    pub(crate) async fn clean_up(&self, attempts: u32) -> Run {
        let progress = Progress::new();
        let order = Order {
            leftovers: (1..=attempts).map(|attempt| self.image(attempt)).collect(),
            ..self.order(attempts)
        };
        let glance = self.destination.client(&self.http);
        let ended = clean_up(
            &glance,
            &order,
            &self.settings,
            &progress,
            &self.signals,
            &Ungated,
        )
        .await;
        Run { ended, progress }
    }

    /// The destination has the source's bytes under this id, for all its users, and nothing else.
    pub(crate) fn assert_replica(&self, image: ImageId) {
        let state = self.destination.state();
        let [replica] = state.images.all()[..] else {
            panic!("not one image: {:?}", state.images);
        };
        assert_eq!(replica.text("id"), Some(&*image.to_string()));
        assert_eq!(replica.status(), "active");
        assert!(replica.data == self.data, "the bytes differ");
        assert!(!replica.is("os_hidden"), "the image is hidden");
    }

    pub(crate) fn assert_empty(&self) {
        let state = self.destination.state();
        assert!(state.images.all().is_empty(), "left: {:?}", state.images);
    }
}

impl Run {
    pub(crate) fn assert_replicated(&self, image: ImageId) {
        assert_eq!(self.ended, Ended::Replicated { image });
    }

    /// The code and whether it is transient.
    pub(crate) fn failure(&self) -> (ErrorCode, bool) {
        match &self.ended {
            Ended::Failed(failure) => (failure.error.code, failure.transient),
            other => panic!("not a failure: {other:?}"),
        }
    }

    pub(crate) fn has_settled(&self, image: ImageId) -> bool {
        self.progress.steps().settled.contains(&image)
    }
}
