//! Says when an accepted job could be lost: by log, metric and readiness detail, at start, every minute, and whenever a
//! connection was made anew, since it may lead to another Redis or to one with other settings.

use std::sync::Arc;
use std::time::Duration;

use service_kit::admin::Note;
use tokio_util::sync::CancellationToken;

use crate::acceptance::Acceptance;
use crate::metrics::Metrics;
use crate::store::StoreError;
use crate::store::redis::{Durability, RedisStore};

/// How often Redis is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How often it is tried while Redis is away.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// Where it is said.
pub(crate) struct Told {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) note: Note,
    pub(crate) acceptance: Acceptance,
}

/// Looks until shutdown.
pub(crate) async fn run(store: Arc<RedisStore>, told: Told, shutdown: CancellationToken) {
    let mut connections = store.connections();
    let mut in_doubt = false;
    while !shutdown.is_cancelled() {
        // What is connected for this look itself is no news.
        let looked = store.check_durability().await;
        connections.mark_unchanged();
        let pause = if looked.is_ok() {
            LOOK_EVERY
        } else {
            TRY_EVERY
        };
        told.say(looked, &mut in_doubt);
        let connected = async {
            if connections.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
            () = connected => {}
        }
    }
}

// === impl Told ===

impl Told {
    fn say(&self, looked: Result<Durability, StoreError>, in_doubt: &mut bool) {
        let found = match looked {
            Ok(found) => found,
            Err(error) => {
                self.note.say(format!("not known: {error}"));
                return self.acceptance.unknown();
            }
        };
        for concern in &found.concerns {
            let (kind, why) = (concern.kind.as_str(), &concern.text);
            if concern.kind.loses() {
                tracing::error!(concern = kind, why, "redis could lose an accepted job");
            } else {
                tracing::warn!(concern = kind, why, "redis may come to lose accepted jobs");
            }
        }
        let losing: Vec<&str> = found.losing().map(|it| it.text.as_str()).collect();
        if losing.is_empty() && *in_doubt {
            tracing::info!("redis keeps what is accepted again");
        }
        *in_doubt = !losing.is_empty();
        self.metrics.durability(&found);
        let doubt = (*in_doubt).then(|| losing.join("; "));
        self.acceptance.doubt(doubt);
        let all: Vec<&str> = found.concerns.iter().map(|it| it.text.as_str()).collect();
        self.note.say(match (all.is_empty(), *in_doubt) {
            (true, _) => "accepted jobs are safe".to_owned(),
            (false, true) => format!("an accepted job could be lost: {}", all.join("; ")),
            (false, false) => format!("accepted jobs are safe for now: {}", all.join("; ")),
        });
    }
}
