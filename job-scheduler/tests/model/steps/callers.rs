//! What callers do through the gateway: a job is created, told to the workers and canceled.

use crate::calls::{Answer, Call};
use crate::world::{Asked, World};

use super::{Action, Steps};

impl Steps<'_> {
    pub(super) fn callers(&mut self) {
        for job in 0..self.life.jobs {
            let at = usize::from(job);
            let caller = self.before.callers[at];
            match caller.asked {
                Asked::Nothing => self.answered_or_not(
                    Call::Create { job },
                    |answered| Action::Create { job, answered },
                    true,
                    |after, _| {
                        after.callers[at].asked = Asked::Created;
                        Vec::new()
                    },
                    |_| {},
                ),
                Asked::Created => self.publish(job),
                Asked::Accepted => {}
            }
            let view = self.life.scheduler.view(self.before.store, job);
            let cancelable = view.is_some_and(|view| view.status.can_be_canceled());
            if caller.asked != Asked::Nothing
                && cancelable
                && let Some(spent) = self.spend(|faults| &mut faults.cancels)
            {
                let left = spent.faults;
                let wish = |after: &mut World| {
                    after.faults.cancels = left.cancels;
                    after.callers[at].canceled = true;
                };
                self.answered_or_not(
                    Call::Cancel { job },
                    |answered| Action::Cancel { job, answered },
                    false,
                    |after, answer| {
                        wish(after);
                        match answer {
                            Answer::Done => vec!["cancels"],
                            _ => Vec::new(),
                        }
                    },
                    wish,
                );
            }
        }
    }

    fn publish(&mut self, job: u8) {
        let at = usize::from(job);
        let send = |mut after: World, copies: u8| {
            after.callers[at].asked = Asked::Accepted;
            after.messages[at] += copies;
            (Action::Publish { job, copies }, after)
        };
        // Without faults of messages they say no more than a worker's own timer.
        if self.life.faults.bad_messages == 0 {
            let (action, after) = send(self.before.clone(), 0);
            self.take(action, after, true, Vec::new());
            return;
        }
        let (action, after) = send(self.before.clone(), 1);
        self.take(action, after, true, Vec::new());
        for (copies, what) in [(0, "messages lost"), (2, "messages doubled")] {
            if let Some(after) = self.spend(|faults| &mut faults.bad_messages) {
                let (action, after) = send(after, copies);
                self.take(action, after, false, vec![what]);
            }
        }
    }
}
