//! The destination region's queue: a broker that keeps, loses, doubles and delays messages.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::RegionId;
use tokio::sync::Notify;
use tokio::time::sleep;
use work_queue::{Announcer, CopyJob, Delivery, DeliveryLost, Listener, PublishError, QueueError};

use crate::process::Process;
use crate::weather::{Trouble, Weather};

/// A consumer waits so long before it tries a broker again that is away.
const RECONNECT: Duration = Duration::from_secs(1);

/// The broker; all clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Broker {
    weather: Arc<Weather>,
    ready: Arc<Mutex<VecDeque<CopyJob>>>,
    arrived: Arc<Notify>,
}

/// The broker as a process that publishes sees it.
#[derive(Debug, Clone)]
pub(crate) struct PublishingEnd {
    pub(crate) broker: Broker,
    pub(crate) process: Process,
}

/// The broker as a worker sees it.
#[derive(Debug)]
pub(crate) struct ConsumingEnd {
    broker: Broker,
    process: Process,
    /// Taken and not acknowledged: goes back when this end goes.
    in_hand: Arc<Mutex<Option<CopyJob>>>,
}

impl Broker {
    pub(crate) fn new(weather: Arc<Weather>) -> Self {
        Self {
            weather,
            ready: Arc::default(),
            arrived: Arc::default(),
        }
    }

    pub(crate) fn consumer(&self, process: Process) -> ConsumingEnd {
        ConsumingEnd {
            broker: self.clone(),
            process,
            in_hand: Arc::default(),
        }
    }

    pub(crate) fn lose_all(&self) {
        let lost = std::mem::take(&mut *self.ready());
        for _ in lost {
            self.weather.journal.meet("message lost", "was waiting");
        }
    }

    pub(crate) fn double_all(&self) {
        let mut ready = self.ready();
        let again: Vec<CopyJob> = ready.iter().cloned().collect();
        for job in again {
            self.weather
                .journal
                .meet("message doubled", format_args!("job {}", job.job_id));
            ready.push_back(job);
        }
        drop(ready);
        self.arrived.notify_waiters();
    }

    fn put(&self, job: CopyJob) {
        self.ready().push_back(job);
        self.arrived.notify_waiters();
    }

    fn is_away(&self) -> bool {
        self.weather.is(Trouble::BrokerAway)
    }

    fn ready(&self) -> MutexGuard<'_, VecDeque<CopyJob>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Announcer for PublishingEnd {
    fn is_connected(&self) -> bool {
        !self.broker.is_away()
    }

    async fn publish(&self, job: &CopyJob, _traceparent: Option<&str>) -> Result<(), PublishError> {
        let weather = &self.broker.weather;
        self.process.pass().await;
        weather.chance.pause(30, 1..=50).await;
        if self.broker.is_away() {
            return Err(QueueError::NotConnected.into());
        }
        let late = weather.is(Trouble::MessagesLate);
        if weather.mishap() {
            weather
                .journal
                .meet("message lost", format_args!("job {}", job.job_id));
        } else if late {
            let (broker, job) = (self.broker.clone(), job.clone());
            let delay = weather.chance.millis(1_000..=30_000);
            weather
                .journal
                .meet("message delayed", format_args!("job {}", job.job_id));
            tokio::spawn(async move {
                sleep(delay).await;
                broker.put(job);
            });
        } else {
            self.broker.put(job.clone());
        }
        self.process.pass().await;
        Ok(())
    }

    async fn ready_count(&self, _region: &RegionId) -> Result<u64, QueueError> {
        self.process.pass().await;
        if self.broker.is_away() {
            return Err(QueueError::NotConnected);
        }
        Ok(self.broker.ready().len() as u64)
    }
}

impl Listener for ConsumingEnd {
    async fn next(&mut self) -> Delivery {
        loop {
            self.process.pass().await;
            if self.broker.is_away() {
                sleep(RECONNECT).await;
                continue;
            }
            let arrived = self.broker.arrived.notified();
            if self.hand().is_some() {
                // Prefetch is one.
                std::future::pending::<()>().await;
            }
            let Some(job) = self.broker.ready().pop_front() else {
                arrived.await;
                continue;
            };
            self.broker
                .weather
                .journal
                .meet("message heard", format_args!("job {}", job.job_id));
            *self.hand() = Some(job.clone());
            let (process, in_hand) = (self.process.clone(), self.in_hand.clone());
            let ack = async move {
                process.pass().await;
                let taken = in_hand
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take();
                taken.map(drop).ok_or(DeliveryLost)
            };
            return Delivery::new(job, "simulated".to_owned(), None, ack);
        }
    }

    async fn stop(&mut self) {
        self.process.pass().await;
        self.give_back();
    }
}

impl ConsumingEnd {
    fn give_back(&self) {
        let held = self.hand().take();
        if let Some(job) = held {
            self.broker
                .weather
                .journal
                .meet("message given back", format_args!("job {}", job.job_id));
            self.broker.put(job);
        }
    }

    fn hand(&self) -> MutexGuard<'_, Option<CopyJob>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ConsumingEnd {
    fn drop(&mut self) {
        self.give_back();
    }
}
