//! Says when an accepted job could be lost: by log, metric and readiness detail, at start, every minute, and whenever a
//! connection was made anew, since it may lead to another Redis or to one with other settings. While something is not
//! as it should be it looks more often, so that it is noticed soon when all is well again.

use std::sync::Arc;
use std::time::Duration;

use service_kit::admin::Note;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::acceptance::Acceptance;
use crate::metrics::Metrics;
use crate::store::StoreError;
use crate::store::redis::{ConcernKind, Durability, RedisStore};

/// How often Redis is looked at, and how often what stays so is said again in the log.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How often it is looked at while there is a concern.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How often it is tried while Redis is away.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// Where it is said.
pub(crate) struct Told {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) note: Note,
    pub(crate) acceptance: Acceptance,
}

/// What was logged last, and when.
type Logged = Option<(Instant, Vec<ConcernKind>)>;

/// Looks until shutdown.
pub(crate) async fn run(store: Arc<RedisStore>, told: Told, shutdown: CancellationToken) {
    let mut connections = store.connections();
    let mut logged = None;
    while !shutdown.is_cancelled() {
        // What is connected for this look itself is no news.
        let looked = store.check_durability().await;
        connections.mark_unchanged();
        let pause = match &looked {
            Ok(found) if found.concerns.is_empty() => LOOK_EVERY,
            Ok(_) => LOOK_AGAIN,
            Err(_) => TRY_EVERY,
        };
        told.say(looked, &mut logged);
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
    fn say(&self, looked: Result<Durability, StoreError>, logged: &mut Logged) {
        let found = match looked {
            Ok(found) => found,
            Err(error) => {
                self.note.say(format!("not known: {error}"));
                return self.acceptance.unknown();
            }
        };
        log(&found, logged);
        self.metrics.durability(&found);
        let losing: Vec<&str> = found.losing().map(|it| it.text.as_str()).collect();
        let all: Vec<&str> = found.concerns.iter().map(|it| it.text.as_str()).collect();
        self.note.say(match (all.is_empty(), losing.is_empty()) {
            (true, _) => "accepted jobs are safe".to_owned(),
            (false, true) => format!("accepted jobs are safe for now: {}", all.join("; ")),
            (false, false) => format!("an accepted job could be lost: {}", all.join("; ")),
        });
        let doubt = (!losing.is_empty()).then(|| losing.join("; "));
        self.acceptance.doubt(doubt);
    }
}

/// What is new is said at once, what stays so every minute.
fn log(found: &Durability, logged: &mut Logged) {
    let kinds: Vec<ConcernKind> = found.concerns.iter().map(|it| it.kind).collect();
    let before = logged.as_ref();
    let is_news = before.is_none_or(|(at, known)| *known != kinds || at.elapsed() >= LOOK_EVERY);
    if !is_news {
        return;
    }
    if kinds.is_empty() && before.is_some_and(|(_, known)| !known.is_empty()) {
        tracing::info!("redis keeps what is accepted again");
    }
    for concern in &found.concerns {
        let (kind, why) = (concern.kind.as_str(), &concern.text);
        if concern.kind.loses() {
            tracing::error!(concern = kind, why, "redis could lose an accepted job");
        } else {
            tracing::warn!(concern = kind, why, "redis may come to lose accepted jobs");
        }
    }
    *logged = Some((Instant::now(), kinds));
}
