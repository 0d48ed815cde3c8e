//! Callers who copy all the time, and remember every answer that they were not promised.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use reqwest::Method;
use scenarios::{Answer, Copies, EventStream, PATIENCE, is_final};
use serde_json::Value;
use testbed::{Cloud, MadeImage, eventually};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Pause between two looks at a job.
const PAUSE: Duration = Duration::from_millis(200);

/// The callers.
pub(crate) struct Load {
    stop: CancellationToken,
    ledger: Arc<Mutex<Ledger>>,
    callers: JoinSet<anyhow::Result<()>>,
}

/// What was answered.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Answers by status code.
    pub(crate) answers: BTreeMap<u16, usize>,
    /// Every job that was accepted, with the image that is copied.
    pub(crate) accepted: Vec<(String, MadeImage)>,
    /// Jobs whose end came as an event.
    pub(crate) ended: Vec<String>,
    /// Streams that were opened.
    pub(crate) streams: usize,
}

impl Load {
    /// As many callers as there are images, each of whom copies its image to `tenant` again and again, and one who
    /// listens to what becomes of all jobs.
    pub(crate) fn start(cloud: &Cloud, images: &[MadeImage], tenant: &str) -> Self {
        let (stop, ledger) = (CancellationToken::new(), Arc::default());
        let mut callers = JoinSet::new();
        for image in images {
            let caller = Caller {
                cloud: cloud.clone(),
                ledger: Arc::clone(&ledger),
            };
            let (image, tenant) = (image.clone(), tenant.to_owned());
            let stop = stop.clone();
            callers.spawn(async move {
                while !stop.is_cancelled() {
                    caller.copy(&image, &tenant).await?;
                }
                Ok(())
            });
        }
        let (listener, stopped) = (cloud.clone(), stop.clone());
        let heard = Arc::clone(&ledger);
        callers.spawn(async move { listen(&listener, &heard, &stopped).await });
        Self {
            stop,
            ledger,
            callers,
        }
    }

    /// Waits until every caller can have been answered some more times.
    pub(crate) async fn until_answered_again(&mut self) -> anyhow::Result<()> {
        let count = || lock(&self.ledger).answers.values().sum::<usize>();
        let before = count();
        let what = "answers to go on";
        eventually(PATIENCE, what, || async {
            let more = count() - before;
            ensure!(more >= 30, "{more} more answers");
            Ok(())
        })
        .await?;
        if let Some(ended) = self.callers.try_join_next() {
            ended??;
            bail!("a caller has ended");
        }
        Ok(())
    }

    /// Ends the callers, each after what it is at; gives what they were answered.
    pub(crate) async fn end(mut self) -> anyhow::Result<Ledger> {
        self.stop.cancel();
        let all = async {
            while let Some(ended) = self.callers.join_next().await {
                ended??;
            }
            anyhow::Ok(())
        };
        timeout(PATIENCE, all).await.context("the last copies")??;
        Ok(std::mem::take(&mut *lock(&self.ledger)))
    }
}

/// One caller. Everything but success and a 503 that says when to come back is an error, as is a connection that
/// breaks.
struct Caller {
    cloud: Cloud,
    ledger: Arc<Mutex<Ledger>>,
}

impl Caller {
    /// One copy from the request to its end.
    async fn copy(&self, image: &MadeImage, tenant: &str) -> anyhow::Result<()> {
        let copies = Copies::of(&self.cloud);
        let accepted = loop {
            if let Some(answer) = self.take(copies.ask(&image.id, tenant).await?).await? {
                break answer.accepted_job()?;
            }
        };
        lock(&self.ledger)
            .accepted
            .push((accepted.clone(), image.clone()));
        loop {
            let answer = self.take(copies.get(&accepted).await?).await?;
            if let Some(answer) = answer
                && is_final(&answer.json(200)?)
            {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
    }

    /// Notes an answer. None when the caller was asked to come back, and has waited as long as was said.
    async fn take(&self, answer: Answer) -> anyhow::Result<Option<Answer>> {
        *lock(&self.ledger).answers.entry(answer.status).or_default() += 1;
        match answer.status {
            200..300 => Ok(Some(answer)),
            503 => {
                let wait: u64 = answer
                    .header("retry-after")
                    .parse()
                    .with_context(|| format!("a 503 without Retry-After: {answer}"))?;
                sleep(Duration::from_secs(wait)).await;
                Ok(None)
            }
            _ => bail!("the answer was {answer}"),
        }
    }
}

/// Listens to all jobs until every accepted one has ended: a stream that ends is opened again where it ended.
async fn listen(
    cloud: &Cloud,
    ledger: &Mutex<Ledger>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut last = String::new();
    loop {
        let mut request = Copies::of(cloud).request(Method::GET, "/events");
        if !last.is_empty() {
            request = request.header("last-event-id", &last);
        }
        let mut stream = match EventStream::open(request).await {
            Ok(stream) => stream,
            Err(error) if format!("{error}").starts_with("503 ") => {
                sleep(PAUSE).await;
                continue;
            }
            Err(error) => return Err(error.context("the events")),
        };
        lock(ledger).streams += 1;
        loop {
            if stop.is_cancelled() && all_have_ended(&lock(ledger)) {
                return Ok(());
            }
            let event = match timeout(PAUSE, stream.next()).await {
                Ok(next) => match next? {
                    Some(event) => event,
                    None => break,
                },
                Err(_) => continue,
            };
            if !event.id.is_empty() {
                last.clone_from(&event.id);
            }
            let document: Value = serde_json::from_str(&event.data).unwrap_or_default();
            if is_final(&document)
                && let Some(job) = document["job_id"].as_str()
            {
                lock(ledger).ended.push(job.to_owned());
            }
        }
    }
}

fn all_have_ended(ledger: &Ledger) -> bool {
    let mut accepted = ledger.accepted.iter();
    accepted.all(|(job, _)| ledger.ended.contains(job))
}

fn lock(ledger: &Mutex<Ledger>) -> std::sync::MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}
