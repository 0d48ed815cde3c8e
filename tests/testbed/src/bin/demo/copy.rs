//! The copy as any client asks for it: POST, then GET until it is over.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use testbed::{Cloud, MadeImage};
use tokio::time::{Instant, sleep};

use crate::bar::Bar;

/// Where the image copy API lives on a region's front.
pub(crate) const JOBS: &str = "/v2/extension/image_replicator/jobs";

/// Pause between two looks at the job.
const PAUSE: Duration = Duration::from_millis(250);

/// A copy that is done.
pub(crate) struct Copied {
    pub(crate) job_id: String,
    pub(crate) image_id: String,
    /// From the POST to the first GET that says `replicated`.
    pub(crate) seconds: f64,
}

/// Asks for a copy of `image` to the project `tenant` and follows it to its end.
///
/// # Errors
/// When the API refuses or the job ends as anything but `replicated`.
pub(crate) async fn copy(
    source: &Cloud,
    image: &MadeImage,
    tenant: &str,
) -> anyhow::Result<Copied> {
    let started = Instant::now();
    let order = json!({"image_id": image.id, "tenant_id_dst": tenant});
    let answer = json_of(source.front(Method::POST, JOBS).json(&order).send().await?).await?;
    let job_id = text(&answer, "job_id").context("an answer without job_id")?;
    println!("job {job_id} accepted");
    let bar = Bar::new();
    loop {
        let request = source.front(Method::GET, &format!("{JOBS}/{job_id}"));
        let job = json_of(request.send().await?).await?;
        let status = text(&job, "status").context("a job without status")?;
        bar.show(job["copy_progress"].as_u64().unwrap_or_default(), &status);
        match status.as_str() {
            "replicated" => {
                bar.finish();
                return Ok(Copied {
                    job_id,
                    image_id: text(&job, "destination_image_id").context("no destination image")?,
                    seconds: started.elapsed().as_secs_f64(),
                });
            }
            "error" | "canceled" => {
                bar.finish();
                bail!("the job has ended as {status}: {}", job["error"]);
            }
            _ => sleep(PAUSE).await,
        }
    }
}

async fn json_of(answer: Response) -> anyhow::Result<Value> {
    let status = answer.status();
    let body = answer.text().await?;
    anyhow::ensure!(status.is_success(), "the API answers {}", body.trim());
    serde_json::from_str(&body).context("the API's answer is no JSON")
}

fn text(object: &Value, key: &str) -> Option<String> {
    object[key].as_str().map(str::to_owned)
}
