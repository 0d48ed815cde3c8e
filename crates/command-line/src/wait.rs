//! Waits until copy jobs have ended, shows how they go, and does what Ctrl-C is answered with.

use std::collections::BTreeSet;

use futures::future::{join_all, try_join_all};
use tokio::sync::mpsc;

use crate::bars::{Bars, say};
use crate::failure::{Exit, Failure};
use crate::follow::follow;
use crate::gateway::{Gateway, JobState};
use crate::question::{self, Answer};

/// How many states may wait to be shown: they wait while a question is open.
const ROOM: usize = 64;

/// Waits for all of them; gives the exit code of the one that ended worst.
pub(crate) async fn until_ended(gateway: &Gateway, jobs: &[String]) -> Result<Exit, Failure> {
    let (sender, receiver) = mpsc::channel(ROOM);
    let following = try_join_all(jobs.iter().map(|job| follow(gateway, job, &sender)));
    let mut shown = Shown {
        gateway,
        open: jobs.iter().cloned().collect(),
        bars: Bars::new(),
        worst: Exit::Done,
    };
    tokio::select! {
        // What ended is shown before the following's own end is heard.
        biased;
        exit = shown.show_all(receiver) => Ok(exit),
        Err(failure) = following => Err(failure),
    }
}

struct Shown<'a> {
    gateway: &'a Gateway,
    open: BTreeSet<String>,
    bars: Bars,
    worst: Exit,
}

impl Shown<'_> {
    async fn show_all(&mut self, mut states: mpsc::Receiver<JobState>) -> Exit {
        while !self.open.is_empty() {
            tokio::select! {
                Some(state) = states.recv() => self.show(&state),
                _ = tokio::signal::ctrl_c() => {
                    if self.interrupted().await == Answer::StopWatching {
                        self.say_how_to_go_on();
                        return Exit::StoppedWatching;
                    }
                }
            }
        }
        self.worst
    }

    fn show(&mut self, state: &JobState) {
        self.bars.show(state);
        if state.is_final() && self.open.remove(&state.job_id) {
            self.worst = worse(self.worst, state.exit());
        }
    }

    async fn interrupted(&self) -> Answer {
        if !question::can_be_asked() {
            return Answer::StopWatching;
        }
        self.bars.beside(|| question::put(self.open.len()));
        let answer = tokio::select! {
            answer = tokio::task::spawn_blocking(question::read) => {
                answer.unwrap_or(Answer::StopWatching)
            }
            _ = tokio::signal::ctrl_c() => Answer::StopWatching,
        };
        if answer == Answer::Cancel {
            let canceled = join_all(self.open.iter().map(|job| self.gateway.cancel(job))).await;
            for failure in canceled.into_iter().filter_map(Result::err) {
                self.bars.beside(|| say(&failure.to_string()));
            }
        }
        answer
    }

    fn say_how_to_go_on(&self) {
        let open: Vec<&str> = self.open.iter().map(String::as_str).collect();
        let open = open.join(" ");
        self.bars.beside(|| {
            say(&format!(
                "Not watched any more; nothing is canceled. Watch again: image-replicator watch {open}\n\
                 Cancel: image-replicator cancel {open}"
            ));
        });
    }
}

/// A failure counts more than a cancel.
fn worse(one: Exit, other: Exit) -> Exit {
    match (one, other) {
        (Exit::CopyFailed, _) | (_, Exit::CopyFailed) => Exit::CopyFailed,
        (Exit::Canceled, _) | (_, Exit::Canceled) => Exit::Canceled,
        _ => Exit::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_end_is_told() {
        assert_eq!(worse(Exit::Done, Exit::Done), Exit::Done);
        assert_eq!(worse(Exit::Canceled, Exit::Done), Exit::Canceled);
        assert_eq!(worse(Exit::Canceled, Exit::CopyFailed), Exit::CopyFailed);
    }
}
