//! Callers who ask for copies all the time, each time with a key of their own, and repeat what was not answered.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::ensure;
use reqwest::Method;
use scenarios::{PATIENCE, Turn};
use serde_json::json;
use testbed::{MadeImage, eventually};

/// How many ask at once.
const CALLERS: usize = 3;
/// Between two requests of one, so that their number stays small.
const PAUSE: Duration = Duration::from_millis(400);

/// The jobs that were accepted.
#[derive(Default)]
pub(crate) struct Load {
    accepted: Mutex<Vec<String>>,
    over: AtomicBool,
}

impl Load {
    /// Asks for copies of an image until told to stop.
    ///
    /// # Errors
    /// When an answer is neither the documented 202 nor a 503 with a time to come back.
    pub(crate) async fn run(&self, turn: &Turn, image: &MadeImage) -> anyhow::Result<()> {
        let callers = (0..CALLERS).map(|_| self.call(turn, image));
        futures::future::try_join_all(callers).await.map(drop)
    }

    /// Stops asking; what is under way is still answered.
    pub(crate) fn stop(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Waits until so many more jobs are accepted.
    pub(crate) async fn until_more(&self, more: usize) -> anyhow::Result<()> {
        let enough = self.accepted().len() + more;
        eventually(PATIENCE, format!("{enough} accepted jobs"), || async {
            let count = self.accepted().len();
            ensure!(count >= enough, "only {count}");
            Ok(())
        })
        .await
    }

    /// The jobs that were accepted so far.
    pub(crate) fn accepted(&self) -> Vec<String> {
        self.accepted.lock().expect("nobody panicked").clone()
    }

    async fn call(&self, turn: &Turn, image: &MadeImage) -> anyhow::Result<()> {
        let body = json!({"image_id": image.id, "tenant_id_dst": turn.tenant()});
        let mut key = uuid::Uuid::new_v4();
        while !self.over.load(Ordering::Relaxed) {
            let request = turn.copies().request(Method::POST, "");
            let request = request.header("idempotency-key", key.to_string());
            let answer = turn.copies().send(request.json(&body)).await?;
            if answer.status == 503 {
                let seconds: u64 = answer.header("retry-after").parse()?;
                ensure!(seconds > 0, "come back at once? {answer}");
            } else {
                let job = answer.accepted_job()?;
                self.accepted.lock().expect("nobody panicked").push(job);
                key = uuid::Uuid::new_v4();
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}
