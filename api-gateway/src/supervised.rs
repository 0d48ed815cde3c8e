//! Ends the gateway when a task that it cannot do without ends before it should, be it by a panic: a
//! process that goes on without it would look healthy.

use std::sync::{Arc, OnceLock};

use anyhow::bail;
use tokio_util::sync::CancellationToken;

/// Watches over the tasks of one gateway. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Supervisor {
    /// Cancelled when tasks may end.
    may_end: CancellationToken,
    /// Ends the gateway.
    stop: CancellationToken,
    /// The first task that ended by itself.
    broken: Arc<OnceLock<&'static str>>,
}

/// Held by a task for as long as it runs.
#[derive(Debug)]
pub(crate) struct Supervised {
    task: &'static str,
    supervisor: Supervisor,
}

impl Supervisor {
    /// Cancels `stop` when a task ends before `may_end` is cancelled.
    pub(crate) fn new(may_end: CancellationToken, stop: CancellationToken) -> Self {
        Self {
            may_end,
            stop,
            broken: Arc::default(),
        }
    }

    /// What a task of this name holds.
    pub(crate) fn watch(&self, task: &'static str) -> Supervised {
        Supervised {
            task,
            supervisor: self.clone(),
        }
    }

    /// # Errors
    /// When a task has ended before it should; names it.
    pub(crate) fn verdict(&self) -> anyhow::Result<()> {
        match self.broken.get() {
            Some(task) => bail!("the task `{task}` ended by itself"),
            None => Ok(()),
        }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        if !self.supervisor.may_end.is_cancelled() {
            // Only the first is of interest.
            let _ = self.supervisor.broken.set(self.task);
            self.supervisor.stop.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_the_gateway_and_is_named() {
        let (may_end, stop) = (CancellationToken::new(), CancellationToken::new());
        let supervisor = Supervisor::new(may_end, stop.clone());
        let held = supervisor.watch("worrier");
        let task = tokio::spawn(async move {
            let _held = held;
            panic!("a defect");
        });
        assert!(task.await.is_err());
        assert!(stop.is_cancelled());
        let verdict = supervisor.verdict().expect_err("it ended");
        assert!(verdict.to_string().contains("worrier"));
    }

    #[test]
    fn a_task_that_may_end_ends_nothing() {
        let (may_end, stop) = (CancellationToken::new(), CancellationToken::new());
        let supervisor = Supervisor::new(may_end.clone(), stop.clone());
        let held = supervisor.watch("worrier");
        may_end.cancel();
        drop(held);
        assert!(!stop.is_cancelled());
        assert!(supervisor.verdict().is_ok());
    }
}
