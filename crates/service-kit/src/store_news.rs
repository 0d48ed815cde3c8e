//! What a gateway or worker hears of the schedulers' store, from the name that each of their answers gives it: that it was
//! wiped, fell back to an older state or is another one. It says so by log, metric and readiness detail and goes on.
//!
//! As a scheduler does, it remembers only for as long as it lives: the first name that it hears is no news.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use prometheus_client::metrics::counter::Counter;
use tokio::time::Instant;

use crate::Clock;
use crate::admin::Note;

/// A scheduler looks at the store every second, one that cannot reach it a little later: so long after a new name was heard,
/// whoever still gives the old one just has not looked.
const OLD_NAME_LASTS: Duration = Duration::from_secs(60);

/// Cheap to clone; all clones hear the same.
#[derive(Debug, Clone)]
pub struct StoreNews {
    names: Arc<Mutex<Names>>,
    losses: Counter,
    note: Note,
    clock: Arc<dyn Clock>,
}

/// The name that counts, and those of before with the moment when they were replaced.
#[derive(Debug, Default)]
struct Names {
    current: Option<HeaderValue>,
    old: VecDeque<(HeaderValue, Instant)>,
}

// === impl StoreNews ===

impl StoreNews {
    /// Tells `note` and counts in `losses`.
    #[must_use]
    pub fn new(losses: Counter, note: Note, clock: Arc<dyn Clock>) -> Self {
        Self {
            names: Arc::default(),
            losses,
            note,
            clock,
        }
    }

    /// An answer named the store so; none: that scheduler has not seen it yet.
    pub fn hear(&self, name: Option<&HeaderValue>) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if !name.is_some_and(|name| names.is_another(name, Instant::now())) {
            return;
        }
        let news = "the schedulers' redis was wiped, fell back to an older state or is another one: jobs and plans of before \
                    may be unknown";
        tracing::error!("{news}");
        self.losses.inc();
        self.note
            .say(format!("{news}; heard at {:.0}", self.clock.now()));
    }
}

// === impl Names ===

impl Names {
    /// Whether a name that is heard now is not the one of before.
    fn is_another(&mut self, name: &HeaderValue, now: Instant) -> bool {
        if self.current.as_ref() == Some(name) {
            return false;
        }
        self.old
            .retain(|(_, since)| now.duration_since(*since) < OLD_NAME_LASTS);
        if self.old.iter().any(|(old, _)| old == name) {
            return false;
        }
        let before = self.current.replace(name.clone());
        self.old.extend(before.clone().map(|old| (old, now)));
        before.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemClock;
    use crate::admin::Readiness;

    fn hear(news: &StoreNews, name: &'static str) {
        news.hear(Some(&HeaderValue::from_static(name)));
    }

    #[tokio::test(start_paused = true)]
    async fn another_store_is_told_once_also_while_schedulers_disagree() {
        let (losses, readiness) = (Counter::default(), Readiness::default());
        let clock = Arc::new(SystemClock);
        let news = StoreNews::new(losses.clone(), readiness.note("store"), clock);
        news.hear(None);
        hear(&news, "one");
        hear(&news, "one");
        assert_eq!((losses.get(), readiness.report().len()), (0, 0));
        // The second scheduler has not looked yet.
        for name in ["two", "one", "two", "one", "two"] {
            hear(&news.clone(), name);
        }
        assert_eq!(losses.get(), 1);
        let said = &readiness.report()["store"];
        assert!(said.contains("was wiped, fell back"), "{said}");
        hear(&news, "three");
        assert_eq!(losses.get(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_of_before_that_is_brought_back_is_another_one_again() {
        let (losses, clock) = (Counter::default(), Arc::new(SystemClock));
        let note = Readiness::default().note("store");
        let news = StoreNews::new(losses.clone(), note, clock);
        hear(&news, "one");
        hear(&news, "two");
        tokio::time::advance(OLD_NAME_LASTS).await;
        hear(&news, "one");
        assert_eq!(losses.get(), 2);
    }
}
