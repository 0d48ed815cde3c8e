//! Copy jobs as gateways make them and workers take them, by gRPC. No byte of them is ever copied.

use anyhow::{Context, bail, ensure};
use domain::{
    CopySpec, Destination, IfIdentical, ImageDigest, ImageId, JobId, RegionId, Source, TenantId,
    UserId,
};
use futures::{StreamExt, TryStreamExt, stream};
use proto::v1::job_service_client::JobServiceClient;
use proto::v1::work_service_client::WorkServiceClient;
use proto::v1::{self, finish_request};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;
use uuid::Uuid;

/// Where they come from and where they go. The gateway's jobs go the other way, so that neither are in the other's.
pub(super) const SOURCE: &str = "ot2";
pub(super) const DESTINATION: &str = "ot1";

/// Requests at once while jobs are made that nobody measures.
const AT_ONCE: usize = 32;

/// Claims in vain before it is believed that there is no work.
const MOST_CLAIMS: u32 = 100;

/// What a real job says of its image.
pub(super) fn spec(tenant: &str) -> CopySpec {
    CopySpec {
        source: Source {
            region: RegionId::new(SOURCE),
            tenant: TenantId::new(tenant),
            image: ImageId::from_uuid(Uuid::new_v4()),
        },
        source_image_name: "debian-13-genericcloud-amd64".to_owned(),
        source_digest: ImageDigest {
            size_bytes: 1 << 30,
            checksum: Some("d41d8cd98f00b204e9800998ecf8427e".to_owned()),
            os_hash_algo: Some("sha512".to_owned()),
            os_hash_value: Some("ab".repeat(64)),
        },
        destination: Destination {
            region: RegionId::new(DESTINATION),
            tenant: TenantId::new("91b5c7c09cbd45caa3c146fd67ae471e"),
        },
        if_identical: IfIdentical::Copy,
        requested_by: UserId::new("5a4e1e1b6c3f4f0fa0f2a1bb2b4c8a11"),
        traceparent: None,
        plan_id: None,
        retry_of: None,
    }
}

/// Whose eyes the jobs of a tenant are looked at with.
pub(super) fn viewer(tenant: &str) -> Option<v1::Viewer> {
    Some(v1::Viewer {
        region_id: SOURCE.to_owned(),
        tenant_id: tenant.to_owned(),
        all_tenants: false,
    })
}

/// Has a scheduler accept a job.
///
/// # Errors
/// When it refuses.
pub(super) async fn create(channel: &Channel, spec: &CopySpec) -> anyhow::Result<JobId> {
    let id = JobId::generate();
    let request = v1::CreateJobRequest {
        job_id: id.to_string(),
        spec: Some(spec.into()),
        idempotency: None,
        not_after_ms: None,
    };
    JobServiceClient::new(channel.clone())
        .create_job(request)
        .await?;
    Ok(id)
}

/// The same for many jobs, each of the tenant that `tenant` says.
///
/// # Errors
/// As [`create`].
pub(super) async fn create_many(
    channel: &Channel,
    count: usize,
    tenant: impl Fn(usize) -> String,
) -> anyhow::Result<Vec<JobId>> {
    let specs = (0..count).map(|number| spec(&tenant(number)));
    stream::iter(specs)
        .map(|spec| async move { create(channel, &spec).await })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// Asks for work until there is some, with the job of a message as a hint; also says how often there was none, for who
/// finds others faster again and again is told so.
///
/// # Errors
/// When there is none, however often it is asked for.
pub(super) async fn claim(channel: &Channel, hint: JobId) -> anyhow::Result<(v1::Grant, u32)> {
    for in_vain in 0..MOST_CLAIMS {
        let request = v1::ClaimRequest {
            region_id: DESTINATION.to_owned(),
            claim_id: Uuid::new_v4().to_string(),
            hinted_job_id: Some(hint.to_string()),
            worker_id: "benchmark".to_owned(),
        };
        let answer = WorkServiceClient::new(channel.clone())
            .claim(request)
            .await?;
        if let Some(grant) = answer.into_inner().grant {
            return Ok((grant, in_vain));
        }
    }
    bail!("no work was granted in {MOST_CLAIMS} claims")
}

/// A worker's stream about one copy.
pub(super) struct Progress {
    pub(super) reports: mpsc::Sender<v1::ProgressReport>,
    pub(super) directives: Streaming<v1::ProgressDirective>,
}

impl Progress {
    /// Opens it with a first report.
    ///
    /// # Errors
    /// When the scheduler refuses.
    pub(super) async fn open(channel: &Channel, grant: &v1::Grant) -> anyhow::Result<Self> {
        // One report waits at most, as in a worker.
        let (reports, receiver) = mpsc::channel(1);
        reports.send(report(grant, 0)).await?;
        let answer = WorkServiceClient::new(channel.clone())
            .report_progress(ReceiverStream::new(receiver))
            .await?;
        Ok(Self {
            reports,
            directives: answer.into_inner(),
        })
    }

    /// The next directive, which must be to go on; gives how many reports are committed.
    ///
    /// # Errors
    /// When the stream ends, or the copy is to be stopped.
    pub(super) async fn next(&mut self) -> anyhow::Result<u64> {
        let told = self.directives.message().await?;
        let told = told.context("the scheduler ended a stream")?;
        ensure!(
            told.directive() == v1::Directive::Continue,
            "a copy that nobody stops is told {:?}",
            told.directive()
        );
        Ok(told.reports_committed)
    }
}

/// A report of a copy that has come so far.
pub(super) fn report(grant: &v1::Grant, bytes_copied: u64) -> v1::ProgressReport {
    v1::ProgressReport {
        job_id: grant.job_id.clone(),
        lease_token: grant.lease_token.clone(),
        stage: v1::Stage::Copying.into(),
        bytes_copied,
        image_id: grant.destination_image_id.clone(),
        settled: Vec::new(),
    }
}

/// Ends a copy well.
///
/// # Errors
/// When that does not stand.
pub(super) async fn finish(channel: &Channel, grant: &v1::Grant) -> anyhow::Result<()> {
    let image_id = grant.destination_image_id.clone().context("no copy")?;
    let request = v1::FinishRequest {
        job_id: grant.job_id.clone(),
        lease_token: grant.lease_token.clone(),
        outcome: Some(finish_request::Outcome::Replicated(v1::Replicated {
            image_id,
        })),
        settled: Vec::new(),
        bytes_copied: 1 << 30,
    };
    let answer = WorkServiceClient::new(channel.clone())
        .finish(request)
        .await?;
    let verdict = answer.into_inner().verdict();
    ensure!(
        verdict == v1::FinishVerdict::Committed,
        "a finish that nobody opposes is told {verdict:?}"
    );
    Ok(())
}
