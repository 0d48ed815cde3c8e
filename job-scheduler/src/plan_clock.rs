//! A clock of plans that a test moves, so that a month of daily fires is over in seconds. Everything else,
//! leases above all, goes by the true time.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use service_kit::Clock;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How often the file is read.
const EVERY: Duration = Duration::from_millis(100);

/// The true time and how far a file says that plans are ahead of it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PlanClock {
    truth: Arc<dyn Clock>,
    file: PathBuf,
    /// In milliseconds.
    ahead: Arc<AtomicI64>,
}

// === impl PlanClock ===

impl PlanClock {
    /// A clock that agrees with the true one until the file is read.
    #[must_use]
    pub fn new(truth: Arc<dyn Clock>, file: PathBuf) -> Self {
        Self {
            truth,
            file,
            ahead: Arc::default(),
        }
    }

    /// Reads the file; says whether the clock has moved. A file that does not exist moves nothing.
    ///
    /// # Errors
    /// When the file holds no duration such as `36h`; the clock stays where it was.
    pub async fn read(&self) -> anyhow::Result<bool> {
        let ahead = match tokio::fs::read_to_string(&self.file).await {
            Ok(text) => humantime::parse_duration(text.trim())?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Duration::ZERO,
            Err(error) => return Err(error.into()),
        };
        let ahead = i64::try_from(ahead.as_millis())?;
        let has_moved = self.ahead.swap(ahead, Ordering::Relaxed) != ahead;
        if has_moved {
            tracing::info!(ahead.milliseconds = ahead, "moved the clock of plans");
        }
        Ok(has_moved)
    }

    /// Follows the file until shutdown; tells whoever keeps the plans when the clock has moved.
    pub async fn run(self, moved: Arc<Notify>, shutdown: CancellationToken) {
        let file = self.file.display();
        tracing::warn!(file = %file, "a file moves the clock of plans: this is a test cloud");
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut readable = true;
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            match self.read().await {
                Ok(true) => moved.notify_one(),
                Ok(false) => {}
                Err(error) if readable => {
                    tracing::warn!(file = %file, error = %error, "the clock of plans stays");
                    readable = false;
                    continue;
                }
                Err(_) => continue,
            }
            readable = true;
        }
    }
}

impl Clock for PlanClock {
    fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_millis(self.ahead.load(Ordering::Relaxed));
        let now = self.truth.now();
        now.checked_add(ahead).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use service_kit::ManualClock;

    use super::*;
    use crate::lifecycle::sample::at;

    #[tokio::test]
    async fn the_clock_is_as_far_ahead_as_the_file_says() {
        let name = format!("plan-clock-{}", std::process::id());
        let file = std::env::temp_dir().join(name);
        let clock = PlanClock::new(Arc::new(ManualClock::at(at(0))), file.clone());
        assert!(!clock.read().await.expect("no file is no fault"));
        std::fs::write(&file, "2days 1h\n").expect("written");
        assert!(clock.read().await.expect("a duration"));
        assert!(!clock.read().await.expect("a duration"));
        assert_eq!(clock.now(), at(2 * 86_400 + 3_600));
        std::fs::write(&file, "tomorrow").expect("written");
        clock.read().await.expect_err("no duration");
        assert_eq!(clock.now(), at(2 * 86_400 + 3_600));
        std::fs::remove_file(&file).expect("removed");
    }
}
