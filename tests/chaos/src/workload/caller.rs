//! One caller: copy after copy, each followed to its end.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use scenarios::{JOBS, is_final};
use serde_json::{Value, json};
use testbed::{Cloud, Region};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::Workload;
use crate::checker::Violation;
use crate::evidence::{Accepted, Cancel};
use crate::stage::Original;

/// Of a hundred copies, so many go from `ot1` to `ot2`; the others go back.
const FORTH: u32 = 80;
/// Of a hundred copies, so many are canceled at some moment.
const CANCELED: u32 = 12;
/// A copy that was not accepted by then never will be.
const ACCEPTANCE: Duration = Duration::from_secs(180);
/// A job that has not ended by then is left to the checker.
const END: Duration = Duration::from_secs(420);

/// A job, as its caller knows it.
struct Job<'a> {
    id: String,
    owner: &'a Cloud,
}

/// Asks for copies until there are enough.
pub(crate) async fn call(workload: &Workload<'_>, number: u64) {
    let mut dice = StdRng::seed_from_u64(workload.seed.wrapping_mul(1000).wrapping_add(number));
    while workload.take_another() {
        while workload.is_ahead() {
            sleep(Duration::from_millis(200)).await;
        }
        copy(workload, &mut dice).await;
        sleep(Duration::from_millis(dice.random_range(0..2000))).await;
    }
}

async fn copy(workload: &Workload<'_>, dice: &mut StdRng) {
    let (from, to) = if dice.random_range(0..100) < FORTH {
        (Region::Ot1, Region::Ot2)
    } else {
        (Region::Ot2, Region::Ot1)
    };
    let original = choose(&workload.stage.originals[&from], dice);
    let cancel = dice.random_range(0..100) < CANCELED;
    let cancel_after = Duration::from_millis(dice.random_range(0..4000));
    let Some(job) = request(workload, original, from, to, dice).await else {
        return;
    };
    let cancel = async {
        if cancel {
            sleep(cancel_after).await;
            ask_to_cancel(workload, &job).await;
        }
    };
    let mut dice = StdRng::from_rng(dice);
    tokio::join!(follow(workload, &job, &mut dice), cancel);
}

/// One of the originals, by their weights.
fn choose<'a>(originals: &'a [Original], dice: &mut StdRng) -> &'a Original {
    let total: u32 = originals.iter().map(|original| original.weight).sum();
    let mut left = dice.random_range(0..total);
    for original in originals {
        if left < original.weight {
            return original;
        }
        left -= original.weight;
    }
    &originals[0]
}

/// Asks until a copy is accepted, always under the same key.
async fn request<'a>(
    workload: &Workload<'a>,
    original: &Original,
    from: Region,
    to: Region,
    dice: &mut StdRng,
) -> Option<Job<'a>> {
    let owner = &workload.stage.alice[&from];
    let project = &workload.stage.projects[&to];
    let key = Uuid::from_u128(dice.random()).to_string();
    let body = json!({"image_id": original.image.id, "tenant_id_dst": project});
    let begun = Instant::now();
    loop {
        let request = owner
            .gateway(Method::POST, JOBS)
            .header("idempotency-key", &key)
            .json(&body);
        // 409: a Glance does not answer.
        let answer = workload.ask("POST", &[202, 409, 503], request).await;
        if let Some(answer) = &answer
            && let Ok(job) = answer.accepted_job()
        {
            let accepted = Accepted {
                source: original.image.id.clone(),
                destination: to,
                project: project.clone(),
                at: workload.witness.now(),
                cancel: Cancel::No,
            };
            workload.accept(&job, accepted);
            workload
                .bytes
                .fetch_add(original.image.size, Ordering::SeqCst);
            return Some(repeat(workload, Job { id: job, owner }, &key, &body, dice).await);
        }
        if begun.elapsed() > ACCEPTANCE {
            workload.witness.violated(Violation::NeverAccepted {
                answer: answer.map_or_else(|| "none".to_owned(), |answer| answer.to_string()),
            });
            return None;
        }
        sleep(Duration::from_millis(dice.random_range(200..800))).await;
    }
}

/// Now and then the same is asked again, as by a caller who did not get the answer: it is the same job.
async fn repeat<'a>(
    workload: &Workload<'a>,
    job: Job<'a>,
    key: &str,
    body: &Value,
    dice: &mut StdRng,
) -> Job<'a> {
    if dice.random_range(0..4) == 0 {
        let request = job
            .owner
            .gateway(Method::POST, JOBS)
            .header("idempotency-key", key)
            .json(body);
        let answer = workload.ask("POST again", &[202, 409, 503], request).await;
        if let Some(other) = answer.and_then(|answer| answer.accepted_job().ok())
            && other != job.id
        {
            workload.witness.violated(Violation::TwoJobs {
                first: job.id.clone(),
                other,
            });
        }
    }
    job
}

/// Looks at the job until it is over, now by its own gateway, now as an administrator by either.
async fn follow(workload: &Workload<'_>, job: &Job<'_>, dice: &mut StdRng) {
    let begun = Instant::now();
    loop {
        let path = format!("{JOBS}/{}", job.id);
        let (asker, by) = match dice.random_range(0..4) {
            0 => (
                &workload.stage.admin[&Region::Ot1],
                "ot1's gateway, to an administrator",
            ),
            1 => (
                &workload.stage.admin[&Region::Ot2],
                "ot2's gateway, to an administrator",
            ),
            _ => (job.owner, "its own gateway"),
        };
        let mut look = workload.witness.look_at(&job.id);
        let request = asker.gateway(Method::GET, &path);
        let answer = workload.ask("GET", &[200, 503], request).await;
        if let Some(document) = answer.and_then(|answer| answer.json(200).ok()) {
            workload.witness.saw(&mut look, &document, by);
            if is_final(&document) {
                return;
            }
        }
        if begun.elapsed() > END {
            return;
        }
        sleep(Duration::from_millis(dice.random_range(200..700))).await;
    }
}

/// Asks for a cancel until there is a decision.
async fn ask_to_cancel(workload: &Workload<'_>, job: &Job<'_>) {
    let begun = Instant::now();
    let path = format!("{JOBS}/{}", job.id);
    workload.cancel(&job.id, Cancel::Asked);
    let mut certain = true;
    while begun.elapsed() < END {
        let request = job.owner.gateway(Method::DELETE, &path);
        let answer = workload.ask("DELETE", &[204, 409, 503], request).await;
        match answer.map(|answer| answer.status) {
            Some(204) => return workload.cancel(&job.id, Cancel::Granted),
            // It is over; if a request before this one was lost, that may be why.
            Some(409) if certain => return workload.cancel(&job.id, Cancel::TooLate),
            Some(409) => return,
            _ => certain = false,
        }
        sleep(Duration::from_millis(500)).await;
    }
}
