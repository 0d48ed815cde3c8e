//! One attempt of the copy engine in this process.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use copy_engine::{
    Bandwidth, CopyEngine, Ended, EngineSettings, Order, Progress, Signals, StreamBounds, Ungated,
};
use domain::{
    CopySpec, Destination, IfIdentical, ImageDigest, JobId, RegionId, Source, TenantId, UserId,
};
use openstack::{Auth, Glance, HttpClient, HttpSettings};
use secrecy::SecretString;
use tokio::time::{Instant, sleep};

use super::glances::Glances;
use crate::alone::sink::Sink;
use crate::alone::source::StaticImage;

/// A copy that has not begun.
pub(crate) struct Copy {
    source: Glance,
    destination: Glance,
    settings: EngineSettings,
    spec: CopySpec,
}

/// The port of `http://host:port…`.
///
/// # Errors
/// When there is none.
pub(crate) fn port_of(url: &str) -> anyhow::Result<u16> {
    let after = url.rsplit_once(':').context("an address without a port")?;
    let digits = after.1.split('/').next().unwrap_or_default();
    digits.parse().with_context(|| format!("the port of {url}"))
}

impl Copy {
    /// Of an image that nginx serves at `source`, into a sink at `sink`; over TLS if there is somebody to trust.
    ///
    /// # Errors
    /// When no client can be made.
    pub(crate) fn of_static(
        image: &StaticImage,
        source: u16,
        sink: u16,
        trusted: Option<PathBuf>,
        streams: StreamBounds,
    ) -> anyhow::Result<Self> {
        let scheme = if trusted.is_some() { "https" } else { "http" };
        let http = client(trusted)?;
        let glance = |port| at(&format!("{scheme}://127.0.0.1:{port}"), "none", &http);
        let digest = ImageDigest {
            size_bytes: image.size,
            checksum: None,
            os_hash_algo: Some("sha512".to_owned()),
            os_hash_value: Some("ab".repeat(64)),
        };
        let tenant = "11111111111111111111111111111111";
        Ok(Self {
            source: glance(source)?,
            destination: glance(sink)?,
            settings: settings(streams),
            spec: spec(&image.id, digest, tenant, tenant)?,
        })
    }

    /// Between two Glances, the source's reached by way of a port.
    ///
    /// # Errors
    /// When the image can't be shown.
    pub(crate) async fn between(
        glances: &Glances,
        image: &str,
        source: u16,
        streams: StreamBounds,
    ) -> anyhow::Result<Self> {
        let http = client(None)?;
        let (from, to) = (&glances.source, &glances.destination);
        let shown = at(&from.front_url, &from.token, &http)?
            .show(image.parse()?)
            .await?;
        let digest = shown.digest().context("an image of unknown size")?;
        Ok(Self {
            source: at(&format!("http://127.0.0.1:{source}"), &from.token, &http)?,
            destination: at(&to.front_url, &to.token, &http)?,
            settings: settings(streams),
            spec: spec(image, digest, &from.project_id, &to.project_id)?,
        })
    }

    /// The same under caps.
    pub(crate) fn under(mut self, bandwidth: Bandwidth) -> Self {
        self.settings.bandwidth = bandwidth;
        self
    }

    /// Copies; how long it took, and the image.
    ///
    /// # Errors
    /// When the engine ends otherwise.
    pub(crate) async fn run(self) -> anyhow::Result<(Duration, String)> {
        let begun = Instant::now();
        let engine = CopyEngine::new(self.source, self.destination, self.settings);
        let order = Order {
            job_id: JobId::generate(),
            spec: self.spec,
            attempt: 1,
            leftovers: Vec::new(),
        };
        let (progress, signals) = (Progress::new(), Signals::default());
        match engine.copy(&order, &progress, &signals, &Ungated).await {
            Ended::Replicated { image } => Ok((begun.elapsed(), image.to_string())),
            other => bail!("the engine ends with {other:?}"),
        }
    }

    /// Copies until the sink has counted so many bytes; how long it took, and how many they were then.
    ///
    /// # Errors
    /// When the copy ends before.
    pub(crate) async fn run_until(
        self,
        sink: &Sink,
        bytes: u64,
    ) -> anyhow::Result<(Duration, u64)> {
        let begun = Instant::now();
        let counting = async {
            while sink.counted() < bytes {
                sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            ended = self.run() => bail!("the copy ended early: {ended:?}"),
            () = counting => Ok((begun.elapsed(), sink.counted())),
        }
    }
}

fn client(ca_file: Option<PathBuf>) -> anyhow::Result<HttpClient> {
    Ok(HttpClient::new(HttpSettings {
        ca_file,
        ..HttpSettings::default()
    })?)
}

fn at(url: &str, token: &str, http: &HttpClient) -> anyhow::Result<Glance> {
    let auth = Auth::Caller(SecretString::from(token));
    Ok(Glance::new(url.parse()?, auth, http.clone()))
}

fn settings(streams: StreamBounds) -> EngineSettings {
    EngineSettings {
        streams,
        ..EngineSettings::default()
    }
}

fn spec(image: &str, digest: ImageDigest, from: &str, to: &str) -> anyhow::Result<CopySpec> {
    Ok(CopySpec {
        source: Source {
            region: RegionId::new("source"),
            tenant: TenantId::new(from),
            image: image.parse().context("an image's id")?,
        },
        source_image_name: "measured".to_owned(),
        source_digest: digest,
        destination: Destination {
            region: RegionId::new("sink"),
            tenant: TenantId::new(to),
        },
        if_identical: IfIdentical::Copy,
        requested_by: UserId::new("nobody"),
        traceparent: None,
        plan_id: None,
        retry_of: None,
    })
}
