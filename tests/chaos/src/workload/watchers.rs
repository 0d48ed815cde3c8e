//! Those who watch: an event stream of each region's jobs, resumed wherever it broke, and the lists.

use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::Method;
use scenarios::{EventStream, JOBS};
use serde_json::Value;
use testbed::Region;
use tokio::time::{sleep, timeout};

use super::Workload;
use crate::checker::Violation;

/// A stream that says nothing for so long is opened anew: its gateway may have been killed without a word.
const SILENCE: Duration = Duration::from_secs(10);

/// Holds the stream of a region's jobs open until the run is over.
pub(crate) async fn stream(workload: &Workload<'_>, region: Region) {
    let alice = &workload.stage.alice[&region];
    let by = format!("the event stream of {region}");
    let mut last = String::new();
    while !workload.over.load(Ordering::SeqCst) {
        let mut request = alice.gateway(Method::GET, &format!("{JOBS}/events"));
        if !last.is_empty() {
            request = request.header("last-event-id", &last);
        }
        let mut look = workload.witness.look();
        if let Ok(Ok(mut stream)) = timeout(SILENCE, EventStream::open(request)).await {
            workload.witness.answered("events", Some(200));
            while let Ok(Ok(Some(event))) = timeout(SILENCE, stream.next()).await {
                if let Ok(document) = serde_json::from_str::<Value>(&event.data)
                    && document["job_id"].is_string()
                {
                    workload.witness.saw(&mut look, &document, &by);
                }
                last = event.id;
            }
        } else {
            workload.witness.answered("events", None);
        }
        sleep(Duration::from_millis(300)).await;
    }
}

/// Reads the list of all jobs again and again, from one gateway after the other, until the run is over. A job that
/// was accepted before is in it.
pub(crate) async fn lists(workload: &Workload<'_>) {
    for region in Region::ALL.into_iter().cycle() {
        if workload.over.load(Ordering::SeqCst) {
            return;
        }
        let admin = &workload.stage.admin[&region];
        let by = format!("the list of {region}'s gateway");
        // The newest thousand; with more, the older ones are on other pages.
        let known: Vec<String> = workload.accepted().into_keys().collect();
        let mut look = workload.witness.look();
        let request = admin.gateway(Method::GET, &format!("{JOBS}?all_tenants=true&limit=1000"));
        let answer = workload.ask("list", &[200, 503], request).await;
        if let Some(Value::Array(list)) = answer.and_then(|answer| answer.json(200).ok()) {
            for document in &list {
                workload.witness.saw(&mut look, document, &by);
            }
            let listed = |job: &String| list.iter().any(|one| one["job_id"] == job.as_str());
            if known.len() < 1000
                && let Some(job) = known.iter().find(|job| !listed(job))
            {
                workload.witness.violated(Violation::Lost {
                    job: job.clone(),
                    gateway: region,
                });
            }
        }
        sleep(Duration::from_secs(2)).await;
    }
}
