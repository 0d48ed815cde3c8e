//! python-freezerclient 6.5.0 and the plans: its own program `freezer`, from job-create to job-delete, and how it tells
//! their errors.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use reqwest::Method;
use scenarios::Copies;
use serde_json::{Value, json};
use testbed::{Cloud, ForeignClient, NewImage, Region, eventually};
use tokio::process::Command;

use crate::bed;
use crate::catalog::endpoint;
use crate::run::{PATIENCE, json_of, output_of, text_of};

/// Alice in `ot1`, through `freezer` and, beside it, by plain HTTP.
struct Alice {
    cloud: Cloud,
    /// Where the plans API is.
    backup: String,
}

impl Alice {
    async fn new() -> anyhow::Result<Self> {
        let cloud = bed().await?.cloud("alice", Region::Ot1).await?;
        let backup = endpoint(&cloud, "backup").await?;
        Ok(Self { cloud, backup })
    }

    /// `freezer` with these arguments. It takes the first endpoint of the catalog, whichever region that is
    /// in, unless it is told one.
    async fn freezer(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let client = ForeignClient::Freezerclient;
        let mut command = bed()
            .await?
            .client(client, "freezer", "alice", Region::Ot1)
            .await?;
        command.env("OS_BACKUP_URL", &self.backup).args(arguments);
        Ok(command)
    }

    /// What `freezer` says when it fails.
    async fn complaint(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = output_of(&mut self.freezer(arguments).await?).await?;
        ensure!(
            !output.status.success(),
            "{arguments:?} succeeds: {output:?}"
        );
        Ok(String::from_utf8(output.stderr)?)
    }

    /// The plan by plain HTTP, or nothing when it is not there.
    async fn plan(&self, id: &str) -> anyhow::Result<Option<Value>> {
        let url = format!("{}/v2/{}/jobs/{id}", self.backup, self.cloud.project_id);
        let answer = testbed::http_client()?
            .request(Method::GET, url)
            .header("x-auth-token", &self.cloud.token)
            .send()
            .await?;
        if answer.status() == 404 {
            return Ok(None);
        }
        Ok(Some(answer.error_for_status()?.json().await?))
    }

    /// The plan, when `reached` says so.
    async fn plan_until(
        &self,
        id: &str,
        reached: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        eventually(PATIENCE, format!("plan {id}"), || async {
            let plan = self.plan(id).await?.context("it is gone")?;
            ensure!(reached(&plan), "{plan}");
            Ok(plan)
        })
        .await
    }

    /// A plan's file; where it is.
    async fn file(&self, name: &str, document: &Value) -> anyhow::Result<PathBuf> {
        let path = bed().await?.directory().join(format!("{name}.json"));
        std::fs::write(&path, document.to_string())?;
        Ok(path)
    }
}

/// A plan that would copy an image once a day.
fn nightly(image: &str, tenant: &str) -> Value {
    json!({
        "description": "nightly copy",
        "job_schedule": {"schedule_interval": "1 days"},
        "job_actions": [{
            "freezer_action": {
                "action": "backup", "mode": "glance-image", "image_id": image,
                "tenant_id_dst": tenant, "recovery_points_rotation": 2,
            },
            "max_retries": 1,
            "max_retries_interval": 60,
            "mandatory": false,
        }],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_created_listed_shown_updated_and_deleted() -> anyhow::Result<()> {
    let alice = Alice::new().await?;
    let tenant = bed().await?.project_id(Region::Ot2, "proj-ot2")?;
    let image = NewImage::named("planned", 1);
    let image = alice.cloud.make_image(&image).await?;

    let file = alice.file("nightly", &nightly(&image.id, &tenant)).await?;
    let create = [
        "job-create",
        "--client",
        "the-client",
        "-f",
        "json",
        "--file",
    ];
    let created = json_of(alice.freezer(&create).await?.arg(&file)).await?;
    let id = created["Job ID"].as_str().context("no id")?;
    ensure!(created["Client ID"] == "the-client", "{created}");
    ensure!(created["Description"] == "nightly copy", "{created}");
    ensure!(created["Interval"] == "1 days", "{created}");
    ensure!(created["Status"] == "scheduled", "{created}");

    let plan = alice.plan(id).await?.context("not there")?;
    ensure!(plan["client_id"] == "the-client", "{plan}");
    ensure!(
        plan["project_id"] == alice.cloud.project_id.as_str(),
        "{plan}"
    );
    let action = &plan["job_actions"][0];
    ensure!(
        action["freezer_action"]["image_id"] == image.id.as_str(),
        "{plan}"
    );
    ensure!(action["max_retries_interval"] == 60, "{plan}");

    for (arguments, is_listed) in [
        (vec!["job-list", "-f", "json"], true),
        (
            vec!["job-list", "-f", "json", "--client", "the-client"],
            true,
        ),
        (vec!["job-list", "-f", "json", "--client", "another"], false),
        (vec!["job-list", "-f", "json", "--search", "nightly"], true),
        (vec!["job-list", "-f", "json", "--search", "hourly"], false),
    ] {
        let listed = json_of(&mut alice.freezer(&arguments).await?).await?;
        let rows = listed.as_array().context("a list")?;
        let row = rows.iter().find(|row| row["Job ID"] == id);
        ensure!(row.is_some() == is_listed, "{arguments:?}: {listed}");
        if let Some(row) = row {
            ensure!(
                row["# Actions"] == 1 && row["Status"] == "scheduled",
                "{listed}"
            );
        }
    }

    let shown = json_of(&mut alice.freezer(&["job-show", id, "-f", "json"]).await?).await?;
    ensure!(shown == created, "{shown} is not {created}");
    let got = text_of(&mut alice.freezer(&["job-get", id]).await?).await?;
    ensure!(got.contains(id) && got.contains(&image.id), "{got}");

    let change = json!({"description": "weekly copy", "job_schedule": {
        "schedule_day_of_week": "sun", "schedule_hour": "04", "schedule_start_date": "2090-01-01T00:00:00",
    }});
    let file = alice.file("weekly", &change).await?;
    let mut update = alice.freezer(&["job-update", "-f", "json", id]).await?;
    let updated = json_of(update.arg(&file)).await?;
    ensure!(updated["Description"] == "weekly copy", "{updated}");
    ensure!(updated["Interval"] == "", "{updated}");
    ensure!(updated["Start Date"] == "2090-01-01T00:00:00", "{updated}");
    let plan = alice.plan(id).await?.context("not there")?;
    ensure!(
        plan["next_fire_at"] == "2090-01-01T04:00:00.000000",
        "{plan}"
    );

    text_of(&mut alice.freezer(&["job-delete", id]).await?).await?;
    ensure!(alice.plan(id).await?.is_none(), "{id} is still there");
    // Deleting what is not there is no error of this API.
    text_of(&mut alice.freezer(&["job-delete", id]).await?).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_started_stopped_and_aborted() -> anyhow::Result<()> {
    let alice = Alice::new().await?;
    let bed = bed().await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let image = NewImage::named("copied by a plan", 1);
    let image = alice.cloud.make_image(&image).await?;
    let file = alice.file("started", &nightly(&image.id, &tenant)).await?;
    let create = [
        "job-create",
        "--client",
        "the-client",
        "-f",
        "json",
        "--file",
    ];
    let created = json_of(alice.freezer(&create).await?.arg(&file)).await?;
    let id = created["Job ID"].as_str().context("no id")?;

    text_of(&mut alice.freezer(&["job-start", id]).await?).await?;
    let plan = alice
        .plan_until(id, |plan| {
            plan["job_schedule"]["result"] != "" && plan["status"] != "running"
        })
        .await?;
    ensure!(plan["job_schedule"]["result"] == "success", "{plan}");
    ensure!(plan["status"] == "scheduled", "{plan}");

    // The plan's copy is an ordinary job, and the image is really there.
    let job = plan["last_run"]["job_ids"][0].as_str().context("no job")?;
    let document = Copies::of(&alice.cloud).show(job).await?;
    ensure!(document["status"] == "replicated", "{document}");
    let replica = document["destination_image_id"]
        .as_str()
        .context("no image")?;
    let owner = bed.cloud("alice", Region::Ot2).await?;
    ensure!(
        owner.sha512_of(replica).await? == image.sha512,
        "{document}"
    );

    text_of(&mut alice.freezer(&["job-stop", id]).await?).await?;
    let shown = json_of(&mut alice.freezer(&["job-show", id, "-f", "json"]).await?).await?;
    ensure!(shown["Status"] == "stop", "{shown}");
    let plan = alice.plan(id).await?.context("not there")?;
    ensure!(plan["next_fire_at"] == Value::Null, "{plan}");
    text_of(&mut alice.freezer(&["job-abort", id]).await?).await?;

    text_of(&mut alice.freezer(&["job-delete", id]).await?).await?;
    ensure!(
        owner.image(replica).await?.is_some(),
        "the replica went with the plan"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_told_with_their_reason() -> anyhow::Result<()> {
    let alice = Alice::new().await?;
    let bed = bed().await?;
    let tenant = bed.project_id(Region::Ot2, "proj-ot2")?;
    let nothing = "00000000000000000000000000000000";
    let image = "335eef3f-551d-46e1-8781-173f43209d48";

    let mut misunderstood = nightly(image, &tenant);
    misunderstood["job_schedule"] = json!({"schedule_hour": "24"});
    let mut another_product = nightly(image, &tenant);
    another_product["job_actions"][0]["freezer_action"]["mode"] = json!("cinder");
    for (name, document, reasons) in [
        (
            "misunderstood",
            misunderstood,
            ["schedule_hour", "write 0 to 23"],
        ),
        ("another-product", another_product, ["mode", "glance-image"]),
        ("nowhere", nightly(image, nothing), ["Error 40", nothing]),
    ] {
        let file = alice.file(name, &document).await?;
        let file = file.to_str().context("a path")?;
        let complaint = alice
            .complaint(&["job-create", "--client", "the-client", "--file", file])
            .await?;
        ensure!(complaint.contains("[*] Error 40"), "{complaint}");
        for reason in reasons {
            ensure!(complaint.contains(reason), "{name}: {complaint}");
        }
    }

    for verb in ["job-show", "job-get"] {
        let complaint = alice.complaint(&[verb, nothing]).await?;
        ensure!(complaint.contains("Job not found"), "{complaint}");
    }
    for verb in ["job-start", "job-stop", "job-abort"] {
        let complaint = alice.complaint(&[verb, nothing]).await?;
        ensure!(complaint.contains("[*] Error 404"), "{complaint}");
    }

    // Another project's plans, as the address says.
    let mut foreign = alice.freezer(&["job-list"]).await?;
    foreign.env("OS_BACKUP_URL", format!("{}/v2/{tenant}", alice.backup));
    let output = output_of(&mut foreign).await?;
    let complaint = String::from_utf8(output.stderr)?;
    ensure!(complaint.contains("[*] Error 403"), "{complaint}");
    Ok(())
}
