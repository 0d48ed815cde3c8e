//! What there is in the cloud for the fuzzer to ask for, and values that a generator would never come upon.

use anyhow::Context;
use scenarios::{Copies, Plans};
use serde_json::{Value, json};
use testbed::{Cloud, NewImage, Region, TestBed};

/// Jobs that can still be canceled.
const WAITING_JOBS: usize = 4;

/// Plans; the fuzzer deletes some before it comes to the operations that want one.
const PLANS: usize = 24;

/// Plans that are deleted in one go.
const PAGE: &str = "?limit=1000";

/// Values by kind, as `hooks.py` wants them.
pub(crate) struct Pool(Value);

impl Pool {
    /// Makes images with and without data, jobs that are over and that are not, and plans.
    pub(crate) async fn filled(bed: &TestBed, alice: &Cloud) -> anyhow::Result<Self> {
        let (there, copies, plans) = (
            bed.project_id(Region::Ot2, "proj-ot2")?,
            Copies::of(alice),
            Plans::of(alice),
        );
        let image = |name, mebibytes| {
            NewImage::named(name, mebibytes)
                .with("architecture", "x86_64")
                .with("tags", json!(["nightly"]))
        };
        let whole = alice.make_image(&image("golden", 1)).await?.id;
        let other = alice.make_image(&image("silver", 4)).await?.id;
        let empty = image("empty", 0);
        let empty = alice.create_image(&empty.attributes).await?;
        let over = copies.start(&whole, &there).await?;
        copies.until_replicated(&over).await?;
        let mut jobs = vec![over, copies.start(&other, &there).await?];
        // Nobody copies into the source's own region: these stay until they are canceled.
        let waiting = json!({"image_id": other, "tenant_id_dst": there, "region_id_dst": "ot1"});
        for _ in 0..WAITING_JOBS {
            jobs.push(copies.post(&waiting).await?.accepted_job()?);
        }
        let plan = json!({
            "name": "half-daily",
            "job_schedule": {"schedule_interval": "12 hours"},
            "job_actions": [{"freezer_action": {
                "action": "backup", "mode": "glance-image", "image_id": whole, "tenant_id_dst": there,
            }}],
        });
        let mut made = Vec::new();
        for _ in 0..PLANS {
            made.push(plans.create(&plan).await?);
        }
        Ok(Self(json!({
            "project": [alice.project_id],
            "image": [whole, other, empty],
            "property": ["architecture"],
            "job": jobs,
            "plan": made,
            "event": ["0"],
            "body": {
                "image_id": [whole, other, empty],
                "image_name": ["golden", "silver"],
                "image_tag": ["nightly"],
                "tenant_id_dst": [there],
                "region_id_dst": ["ot2"],
                "schedule_date": ["2099-12-31T23:00:00"],
                "schedule_interval": ["12 hours", "1 weeks"],
                "schedule_start_date": ["2027-01-01T00:00:00"],
                "schedule_end_date": ["2098-01-01"],
                "schedule_year": ["*", 2030],
                "schedule_month": ["jan-mar", "*/2"],
                "schedule_day": ["last", "2nd tue", 1],
                "schedule_week": ["*", "1-53/4"],
                "schedule_day_of_week": [0, "mon-fri"],
                "schedule_hour": ["00", "*/6", 13],
                "schedule_minute": ["0", 30],
                "schedule_second": ["0"],
            },
        })))
    }

    pub(crate) fn as_json(&self) -> String {
        self.0.to_string()
    }
}

/// Cancels every job of alice's project that waits for ever.
pub(crate) async fn cancel_waiting(alice: &Cloud) -> anyhow::Result<()> {
    let copies = Copies::of(alice);
    let jobs = copies
        .list("?status=replicate_requested")
        .await?
        .json(200)?;
    for job in jobs.as_array().into_iter().flatten() {
        if job["destination_region_id"] == "ot1" {
            let id = job["job_id"].as_str().context("no job_id")?;
            copies.cancel(id).await?.expect_no_content()?;
        }
    }
    Ok(())
}

/// Deletes every plan of alice's project, so that none makes copies any more.
pub(crate) async fn delete_plans(alice: &Cloud) -> anyhow::Result<()> {
    let plans = Plans::of(alice);
    loop {
        let page = plans.list(PAGE).await?;
        if page.is_empty() {
            return Ok(());
        }
        for plan in page {
            let id = plan["job_id"].as_str().context("no job_id")?;
            plans.delete(id).await?.expect_no_content()?;
        }
    }
}
