//! State changes, from the store's one subscription to everybody here who waits for one.
//!
//! A subscriber is only ever told "something has changed, read it": so it cannot lag behind, holds
//! one number, and many changes while it is busy are one to it. A change that was missed while the
//! subscription was down costs a heartbeat, for subscribers re-read by themselves at that pace.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::JobId;
use futures::StreamExt;
use futures::stream::BoxStream;
use service_kit::Backoff;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::job_record::Owner;
use crate::store::{ChangeNotice, Scope, Store};

/// A subscription without any notice for this long is made anew: a connection whose peer vanished
/// without a word looks just the same.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// Tells subscribers of this process about changes. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct ChangeFeed {
    subscribers: Arc<Mutex<Subscribers>>,
}

/// Why a subscription is made anew.
enum Ended {
    Lost,
    Silent,
}

#[derive(Debug, Default)]
struct Subscribers {
    jobs: HashMap<JobId, watch::Sender<u64>>,
    owners: HashMap<Owner, watch::Sender<u64>>,
    all: watch::Sender<u64>,
}

// === impl ChangeFeed ===

impl ChangeFeed {
    /// Changes of one job. Subscribe first and read then, so that nothing falls in between.
    #[must_use]
    pub fn of_job(&self, id: JobId) -> watch::Receiver<u64> {
        self.lock().jobs.entry(id).or_default().subscribe()
    }

    /// Changes of all jobs in a scope.
    #[must_use]
    pub fn of_scope(&self, scope: &Scope) -> watch::Receiver<u64> {
        let mut subscribers = self.lock();
        match scope {
            // Of errands nothing is told.
            Scope::All | Scope::Errands => subscribers.all.subscribe(),
            Scope::Owner(owner) => {
                let owner = subscribers.owners.entry(owner.clone()).or_default();
                owner.subscribe()
            }
        }
    }

    /// Passes changes on until shutdown, subscribing again for as long as it takes.
    pub async fn run(self, store: Arc<dyn Store>, backoff: Backoff, shutdown: CancellationToken) {
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            let Some(subscribed) = shutdown.run_until_cancelled(store.subscribe()).await else {
                return;
            };
            match subscribed {
                Ok(mut notices) => {
                    failures = 0;
                    // Anything may have happened while nobody listened.
                    self.tell_everybody();
                    let pass_on = self.pass_on(&mut notices);
                    if let Some(Ended::Lost) = shutdown.run_until_cancelled(pass_on).await {
                        tracing::warn!("the subscription to changes ended and is made anew");
                    }
                }
                Err(error) if failures <= 1 => {
                    tracing::warn!(error = %error, "no subscription to changes for now");
                }
                Err(_) => {}
            }
            failures += 1;
            let pause: Duration = backoff.delay(failures);
            let _ = shutdown
                .run_until_cancelled(tokio::time::sleep(pause))
                .await;
        }
    }

    async fn pass_on(&self, notices: &mut BoxStream<'static, ChangeNotice>) -> Ended {
        loop {
            match tokio::time::timeout(LONGEST_SILENCE, notices.next()).await {
                Ok(Some(notice)) => self.tell(&notice),
                Ok(None) => return Ended::Lost,
                Err(_) => return Ended::Silent,
            }
        }
    }

    fn tell(&self, notice: &ChangeNotice) {
        let mut subscribers = self.lock();
        tell(&mut subscribers.jobs, &notice.job, notice.version);
        tell(&mut subscribers.owners, &notice.owner, notice.version);
        subscribers.all.send_replace(notice.version);
    }

    /// Has everybody read again, and forgets those who are gone.
    fn tell_everybody(&self) {
        let mut subscribers = self.lock();
        let wake = |sender: &watch::Sender<u64>| {
            sender.send_modify(|_| ());
            sender.receiver_count() > 0
        };
        subscribers.jobs.retain(|_, sender| wake(sender));
        subscribers.owners.retain(|_, sender| wake(sender));
        wake(&subscribers.all);
    }

    /// Forgets subscribers that are gone; called now and then.
    pub fn sweep(&self) {
        let mut subscribers = self.lock();
        subscribers
            .jobs
            .retain(|_, sender| sender.receiver_count() > 0);
        subscribers
            .owners
            .retain(|_, sender| sender.receiver_count() > 0);
    }

    fn lock(&self) -> MutexGuard<'_, Subscribers> {
        // Nothing here panics while it holds the lock.
        self.subscribers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell<K: std::hash::Hash + Eq>(
    subscribers: &mut HashMap<K, watch::Sender<u64>>,
    key: &K,
    version: u64,
) {
    if let Some(sender) = subscribers.get(key)
        && sender.send(version).is_err()
    {
        subscribers.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use domain::{RegionId, TenantId};

    use super::*;
    use crate::lifecycle::sample::job_id;

    fn notice(job: u128, version: u64) -> ChangeNotice {
        ChangeNotice {
            job: job_id(job),
            version,
            owner: Owner {
                region: RegionId::new("ot1"),
                tenant: TenantId::new("t1"),
            },
        }
    }

    #[test]
    fn a_subscriber_hears_of_its_job_only_and_of_many_changes_once() {
        let feed = ChangeFeed::default();
        let mut one = feed.of_job(job_id(1));
        let mut owner = feed.of_scope(&Scope::Owner(notice(1, 0).owner));
        feed.tell(&notice(2, 1));
        assert!(!one.has_changed().expect("open"));
        feed.tell(&notice(1, 2));
        feed.tell(&notice(1, 3));
        assert_eq!(*one.borrow_and_update(), 3);
        assert_eq!(*owner.borrow_and_update(), 3);
        assert!(!one.has_changed().expect("open"));
        feed.tell_everybody();
        assert!(one.has_changed().expect("open"));
    }

    #[test]
    fn who_is_gone_is_forgotten() {
        let feed = ChangeFeed::default();
        drop(feed.of_job(job_id(1)));
        drop(feed.of_job(job_id(2)));
        feed.tell(&notice(1, 1));
        assert_eq!(feed.lock().jobs.len(), 1);
        feed.sweep();
        assert_eq!(feed.lock().jobs.len(), 0);
    }
}
