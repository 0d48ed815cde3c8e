//! The run: what is asked for, and what has come of it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::Method;
use scenarios::{AdminPort, Copies, Hold, Plans, strings};
use serde_json::json;
use testbed::{Authority, Behaviour, Cloud, NewImage, Part, Region, TestBed, eventually};

/// The services of the run.
pub(crate) const SERVICES: [Part; 4] = [
    Part::Gateway(Region::Ot1),
    Part::Gateway(Region::Ot2),
    Part::Scheduler(1),
    Part::Worker(Region::Ot2, 1),
];
/// The one whose log is for programs.
pub(crate) const JSON_LOG: Part = Part::Gateway(Region::Ot2);
const WORKER: Part = Part::Worker(Region::Ot2, 1);

/// Attempts that failed, as the worker counts them.
const FAILED: &str =
    "image_replicator_worker_units_ended_total{kind=\"copy\",outcome=\"failed_transiently\"}";

/// As long as a copy may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(180);

/// The trace that the first request says to be of, and its span there.
pub(crate) const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(crate) const CALLERS_SPAN: &str = "00f067aa0ba902b7";

/// Workers practically never ask by themselves, and when a retry is due the claim at the end of the attempt before was
/// answered long ago, so what they do was brought by a message; and a download that is
/// cut off has soon failed.
const CONFIG: &str = "
[scheduler]
reconcile_every = '250ms'
ticket_first = '1s'
ticket_longest = '2s'
retry_first = '4s'
retry_longest = '4s'
[worker]
poll_shortest = '10m'
poll_longest = '20m'
[copy]
idle_timeout = '8s'
";

/// A test bed whose services export their traces to `collector`, with certificates, of which there are metrics too.
pub(crate) async fn bed(collector: &str) -> anyhow::Result<TestBed> {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("telemetry");
    TestBed::builder()
        .tls(Authority::new()?.server(&place)?)
        .config(CONFIG)
        .config(&format!("[telemetry]\notlp_endpoint = '{collector}'\n"))
        .part_config(JSON_LOG, "[telemetry]\nlog_format = 'json'\n")
        .workers(Region::Ot1, 0)
        .faulty_link(Hold::LINK)
        .start()
        .await
}

/// Who asks, and what was made.
pub(crate) struct Run<'a> {
    bed: &'a TestBed,
    alice: Cloud,
    there: Cloud,
    tenant: String,
    small: String,
    made: Vec<String>,
}

/// A plan that has fired.
pub(crate) struct Fired {
    pub(crate) plan: String,
    pub(crate) jobs: Vec<String>,
}

impl<'a> Run<'a> {
    pub(crate) async fn on(bed: &'a TestBed) -> anyhow::Result<Self> {
        let alice = bed.cloud_in("alice", Region::Ot1, "proj-ot1").await?;
        let small = alice.make_image(&NewImage::named("seen", 1)).await?.id;
        Ok(Self {
            bed,
            there: bed.cloud_in("alice", Region::Ot2, "proj-ot2").await?,
            tenant: bed.project_id(Region::Ot2, "proj-ot2")?,
            alice,
            small,
            made: Vec::new(),
        })
    }

    /// A copy that is asked for in the trace of its caller; its job.
    pub(crate) async fn copy(&mut self) -> anyhow::Result<String> {
        let copies = Copies::of(&self.alice);
        let request = copies
            .request(Method::POST, "")
            .header("traceparent", format!("00-{TRACE_ID}-{CALLERS_SPAN}-01"))
            .json(&json!({"image_id": self.small, "tenant_id_dst": self.tenant}));
        let job = copies.send(request).await?.accepted_job()?;
        self.await_replica(&job).await?;
        Ok(job)
    }

    /// A copy whose first attempt fails, because its source is cut off in the middle; its job.
    pub(crate) async fn retried(&mut self) -> anyhow::Result<String> {
        let large = NewImage::named("cut off", Hold::MEBIBYTES);
        let large = self.alice.make_image(&large).await?.id;
        let worker = AdminPort::of(self.bed, WORKER)?;
        let copies = Copies::of(&self.alice);
        let hold = Hold::on(self.bed)?;
        let job = copies.start(&large, &self.tenant).await?;
        hold.until_held(&copies, &job).await?;
        self.bed.link(Hold::LINK)?.set(Behaviour::Reset);
        eventually(PATIENCE, "an attempt that fails", || async {
            let failed = worker.metric(FAILED).await?;
            ensure!(failed.is_some(), "none yet");
            Ok(())
        })
        .await?;
        hold.release();
        let document = self.await_replica(&job).await?;
        ensure!(document["attempt"].as_u64() > Some(1), "{document}");
        self.alice.delete_image(&large).await?;
        Ok(job)
    }

    /// A plan that fires at once, and never again.
    pub(crate) async fn plan(&mut self) -> anyhow::Result<Fired> {
        let plans = Plans::of(&self.alice);
        let plan = plans
            .create(&json!({
                "name": "seen",
                "job_schedule": {},
                "job_actions": [{"freezer_action": {
                    "action": "backup", "mode": "glance-image", "image_id": self.small,
                    "tenant_id_dst": self.tenant, "region_id_dst": "ot2",
                }}],
            }))
            .await?;
        let document = plans.until_result(&plan, "success").await?;
        let jobs = strings(&document["last_run"]["job_ids"]);
        ensure!(!jobs.is_empty(), "no job of the plan: {document}");
        for job in &jobs {
            self.await_replica(job).await?;
        }
        Ok(Fired { plan, jobs })
    }

    /// One request, to see what is logged of it.
    pub(crate) async fn ask(&self) -> anyhow::Result<()> {
        let copies = Copies::of(&self.alice);
        copies.list("?limit=1").await?.json(200).map(drop)
    }

    /// Deletes what was copied, as its owner.
    pub(crate) async fn clean_up(&self) -> anyhow::Result<()> {
        for image in &self.made {
            self.there.delete_image(image).await?;
        }
        self.alice.delete_image(&self.small).await
    }

    async fn await_replica(&mut self, job: &str) -> anyhow::Result<serde_json::Value> {
        let document = Copies::of(&self.alice).until_replicated(job).await?;
        let image = document["destination_image_id"].as_str();
        let image = image.context("no image")?.to_owned();
        // An identical image may stand for a plan's copy.
        if !self.made.contains(&image) {
            self.made.push(image);
        }
        Ok(document)
    }
}
