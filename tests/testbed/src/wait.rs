//! Waits for conditions, never for times.

use std::fmt::Display;
use std::time::Duration;

use anyhow::Context;
use tokio::time::{Instant, sleep};

/// Pause between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(50);

/// Looks again and again until `condition` answers `Ok`, and gives that answer.
///
/// # Errors
/// The condition's last error, with `what` and the time waited, when `patience` is over first.
pub async fn eventually<T, F>(
    patience: Duration,
    what: impl Display,
    mut condition: impl FnMut() -> F,
) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    let started = Instant::now();
    loop {
        match condition().await {
            Ok(answer) => return Ok(answer),
            Err(error) if started.elapsed() >= patience => {
                return Err(error)
                    .with_context(|| format!("{what} did not come about within {patience:?}"));
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_last_error_is_told_when_patience_ends() {
        let mut looks = 0;
        let result: anyhow::Result<()> = eventually(Duration::from_secs(1), "snow", || {
            looks += 1;
            async move { anyhow::bail!("look {looks}") }
        })
        .await;
        let error = format!("{:#}", result.expect_err("never true"));
        assert!(
            error.starts_with("snow did not come about within 1s: look "),
            "{error}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_success_ends_the_wait() {
        let mut looks = 0;
        let answer = eventually(Duration::from_secs(9), "it", || {
            looks += 1;
            async move {
                if looks < 3 {
                    anyhow::bail!("not yet")
                } else {
                    Ok(looks)
                }
            }
        })
        .await;
        assert_eq!(answer.expect("true at the third look"), 3);
    }
}
