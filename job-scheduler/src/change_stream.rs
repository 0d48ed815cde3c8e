//! A caller's stream of job changes. Pulled, never pushed: the next change is read from the store
//! when the last one has been sent, so a slow caller costs nothing and misses no final state.

use domain::JobId;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tokio::sync::watch;

use crate::jobs::Jobs;
use crate::status::CallError;
use crate::store::{Scope, Stored};
use crate::viewer::Viewer;
use crate::watch::ChangeFeed;

/// Changes that are read at once.
const BATCH: usize = 100;

/// What a stream tells.
#[derive(Debug)]
pub(crate) enum Told {
    /// Nothing has changed; this is where the stream stands. A caller that loses the stream before
    /// the first change can go on from here.
    Position(u64),
    /// A job has changed.
    Changed(Box<Stored>),
}

/// Changes, one after the other.
pub(crate) type Changes = BoxStream<'static, Result<Told, CallError>>;

/// What a stream reads from.
#[derive(Clone)]
pub(crate) struct Watched {
    pub(crate) jobs: Jobs,
    pub(crate) feed: ChangeFeed,
}

// === impl Watched ===

impl Watched {
    /// One job: its state at once, then each change, until its final status.
    pub(crate) async fn one(self, viewer: Viewer, id: JobId) -> Result<Changes, CallError> {
        let changes = self.feed.of_job(id);
        let first = viewer.load(&*self.jobs.store, id).await?;
        let following = One {
            watched: self,
            changes,
            id,
            seen: first.version,
            over: first.record.status.is_final(),
        };
        let rest = stream::try_unfold(following, One::next);
        let all = stream::once(std::future::ready(Ok(first))).chain(rest);
        Ok(all.map_ok(changed).boxed())
    }

    /// All of the viewer's jobs: where the stream stands, what changed behind a sequence number, and
    /// what changes from now on.
    pub(crate) async fn all(
        self,
        viewer: Viewer,
        after: Option<u64>,
    ) -> Result<Changes, CallError> {
        let scope = viewer.scope();
        let changes = self.feed.of_scope(&scope);
        let newest = self.jobs.store.sequence().await?;
        // A number from the future was given out before the store fell back to an older state:
        // what it stood for is unknown, so everything is told again.
        let seen = match after {
            Some(after) if after <= newest => after,
            Some(_) => 0,
            None => newest,
        };
        let following = All {
            watched: self,
            changes,
            scope,
            seen,
        };
        let batches = stream::try_unfold(following, All::next);
        let each = batches.flat_map(|batch| match batch {
            Ok(batch) => stream::iter(batch.into_iter().map(Ok)).boxed(),
            Err(error) => stream::once(std::future::ready(Err(error))).boxed(),
        });
        let position = stream::once(std::future::ready(Ok(Told::Position(seen))));
        Ok(position.chain(each.map_ok(changed)).boxed())
    }

    /// Waits for a change, but no longer than a heartbeat: a notice may have been lost.
    async fn wait(&self, changes: &mut watch::Receiver<u64>) {
        let heartbeat = self.jobs.settings.heartbeat;
        if let Ok(Err(_)) = tokio::time::timeout(heartbeat, changes.changed()).await {
            // The feed forgot the subscription; re-reading at the heartbeat's pace goes on.
            tokio::time::sleep(heartbeat).await;
        }
    }
}

fn changed(stored: Stored) -> Told {
    Told::Changed(Box::new(stored))
}

struct One {
    watched: Watched,
    changes: watch::Receiver<u64>,
    id: JobId,
    seen: u64,
    over: bool,
}

impl One {
    async fn next(mut self) -> Result<Option<(Stored, Self)>, CallError> {
        while !self.over {
            self.watched.wait(&mut self.changes).await;
            let Some(stored) = self.watched.jobs.store.load(self.id).await? else {
                return Ok(None);
            };
            // Lower after the store fell back to an older state.
            if stored.version != self.seen {
                self.seen = stored.version;
                self.over = stored.record.status.is_final();
                return Ok(Some((stored, self)));
            }
        }
        Ok(None)
    }
}

struct All {
    watched: Watched,
    changes: watch::Receiver<u64>,
    scope: Scope,
    seen: u64,
}

impl All {
    async fn next(mut self) -> Result<Option<(Vec<Stored>, Self)>, CallError> {
        let store = self.watched.jobs.store.clone();
        loop {
            let changed = store.changed_since(&self.scope, self.seen, BATCH).await?;
            if let Some((_, end)) = changed.last() {
                self.seen = *end;
                let ids: Vec<JobId> = changed.iter().map(|(id, _)| *id).collect();
                let mut batch = store.load_many(&ids).await?;
                // One that has changed again meanwhile stands further back by now and comes then.
                batch.retain(|stored| stored.version <= self.seen);
                batch.sort_by_key(|stored| stored.version);
                if !batch.is_empty() {
                    return Ok(Some((batch, self)));
                }
                continue;
            }
            // A store that fell back, or was wiped, gives numbers out again: everything is told anew.
            if store.sequence().await? < self.seen {
                self.seen = 0;
                continue;
            }
            self.watched.wait(&mut self.changes).await;
        }
    }
}
