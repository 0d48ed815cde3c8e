//! A process of the system, as far as others can tell: it runs, stands still or is gone.
//!
//! Whatever a simulated process has to do with the outside (a call, an answer, a byte on a connection, a
//! command to the store) passes through here. While it is frozen nothing passes, in either direction,
//! and goes on where it was when it is thawed: a write that was permitted before arrives after. Once it is
//! dead nothing ever passes again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// What was sent while a process stood still has arrived by then.
const JUST: Duration = Duration::from_secs(1);

/// A process; all clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    name: Arc<str>,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    thawed_at: Option<Instant>,
    /// Who waits for another state.
    wakers: Vec<Waker>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Frozen { since: Instant },
    Dead,
}

impl Process {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into().into(),
            inner: Arc::new(Mutex::new(Inner {
                state: State::Running,
                thawed_at: None,
                wakers: Vec::new(),
            })),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.lock().state == State::Dead
    }

    pub(crate) fn is_running(&self) -> bool {
        self.lock().state == State::Running
    }

    pub(crate) fn freeze(&self) {
        if self.is_running() {
            self.become_(State::Frozen {
                since: Instant::now(),
            });
        }
    }

    pub(crate) fn thaw(&self) {
        if !self.is_dead() && !self.is_running() {
            self.lock().thawed_at = Some(Instant::now());
            self.become_(State::Running);
        }
    }

    /// Whether what it does now may be what it meant to do before it stood still.
    pub(crate) fn has_just_thawed(&self) -> bool {
        let thawed_at = self.lock().thawed_at;
        thawed_at.is_some_and(|at| at.elapsed() < JUST)
    }

    pub(crate) fn kill(&self) {
        self.become_(State::Dead);
    }

    fn become_(&self, state: State) {
        let wakers = {
            let mut inner = self.lock();
            inner.state = state;
            std::mem::take(&mut inner.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Ready when something may pass.
    pub(crate) fn poll_pass(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_state(cx, |state| state == State::Running)
    }

    /// Waits until something may pass; for ever when the process is dead.
    pub(crate) async fn pass(&self) {
        std::future::poll_fn(|cx| self.poll_pass(cx)).await;
    }

    /// Ready when the process is dead.
    pub(crate) fn poll_death(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_state(cx, |state| state == State::Dead)
    }

    /// Waits until others find out that nobody is there: at once when it dies, for its connections are
    /// closed then, or when it has been frozen for `patience`.
    pub(crate) async fn unresponsive(&self, patience: Duration) {
        loop {
            std::future::poll_fn(|cx| self.poll_state(cx, |state| state != State::Running)).await;
            let frozen_since = match self.lock().state {
                State::Running => continue,
                State::Dead => return,
                State::Frozen { since } => since,
            };
            let left = patience.saturating_sub(frozen_since.elapsed());
            if left.is_zero() {
                return;
            }
            tokio::select! {
                biased;
                () = std::future::poll_fn(|cx| self.poll_state(cx, |state| {
                    state != State::Frozen { since: frozen_since }
                })) => {}
                () = sleep(left) => return,
            }
        }
    }

    fn poll_state(&self, cx: &mut Context<'_>, reached: impl Fn(State) -> bool) -> Poll<()> {
        let mut inner = self.lock();
        if reached(inner.state) {
            return Poll::Ready(());
        }
        if !inner.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            inner.wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
