//! What can happen to one request of a unit, and to the unit just then.

use tokio_util::sync::CancellationToken;

use super::course::{Ends, Memory};
use crate::fake_glance::{Fault, Operation};

/// A late request takes effect after so many more have come, or when all is over.
const LATER: [Option<usize>; 5] = [Some(1), Some(2), Some(3), Some(4), None];

/// One disturbance of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disturbance {
    /// It fails before it takes effect: a 503.
    Refused,
    /// The same: a closed connection.
    Broken,
    /// The same: no word until the time is up.
    TimedOut,
    /// It takes effect and its answer is lost: a closed connection.
    AnswerLost,
    /// The same: a front answers with a 502.
    AnsweredByFront,
    /// The same: no word until the time is up.
    Unanswered,
    /// It is done twice.
    Twice,
    /// Its answer is lost and it takes effect later.
    Late(Option<usize>),
    /// It is done, answered, and later done again.
    AgainLater(Option<usize>),
    /// Its body breaks in the middle.
    CutOff,
    /// The server that takes its body dies in the middle.
    ServerDied,
    /// The worker crashes before it.
    CrashBefore(Memory),
    /// The worker crashes in the middle of its body.
    CrashMidway(Memory),
    /// The worker crashes after it.
    CrashAfter(Memory),
    /// The caller cancels just then.
    Canceled,
    /// The worker shuts down just then.
    HandedBack,
}

impl Disturbance {
    /// Everything that can happen to a request of this kind; `may_end` when the job can be canceled and forgotten
    /// without another end.
    pub(crate) fn of(operation: Operation, may_end: bool) -> Vec<Self> {
        use Disturbance::*;
        let mut all = vec![Refused, Broken, TimedOut, HandedBack];
        all.extend(may_end.then_some(Canceled));
        let mut memories = vec![Memory::Told, Memory::Untold];
        // What is canceled and then forgotten altogether is nobody's to clean up.
        memories.extend(may_end.then_some(Memory::Forgotten));
        all.extend(memories.iter().copied().map(CrashBefore));
        if operation.is_write() {
            all.extend([AnswerLost, AnsweredByFront, Unanswered, Twice]);
            all.extend(LATER.map(Late));
            all.extend(LATER.map(AgainLater));
            all.extend(memories.iter().copied().map(CrashAfter));
        }
        match operation {
            Operation::Upload => {
                all.extend([CutOff, ServerDied]);
                all.extend(memories.iter().copied().map(CrashMidway));
            }
            Operation::Download => all.push(CutOff),
            Operation::Show | Operation::Create | Operation::Patch | Operation::Delete => {}
        }
        all
    }

    /// What the fake is to do; `half` of the image's bytes.
    pub(crate) fn fault(
        self,
        operation: Operation,
        half: usize,
        ends: &Ends,
        cancel: &CancellationToken,
    ) -> Fault {
        let nobody = CancellationToken::new;
        match self {
            Self::Refused => Fault::Refuse(503, "busy"),
            Self::Broken => Fault::Ignore,
            Self::TimedOut => Fault::NeverDo(nobody()),
            Self::AnswerLost => Fault::LoseAnswer,
            Self::AnsweredByFront => Fault::AnswerAnyway(502, "bad gateway"),
            Self::Unanswered => Fault::NeverAnswer(nobody()),
            Self::Twice => Fault::Twice,
            Self::Late(requests) => Fault::Late(requests),
            Self::AgainLater(requests) => Fault::AgainLater(requests),
            Self::CutOff if operation == Operation::Download => Fault::BreakAfter(half),
            Self::CutOff => Fault::DropAfter(half),
            Self::ServerDied => Fault::DieAfter(half),
            Self::CrashBefore(_) => Fault::NeverDo(ends.crash.clone()),
            Self::CrashMidway(_) => Fault::Hold(ends.crash.clone()),
            Self::CrashAfter(_) => Fault::NeverAnswer(ends.crash.clone()),
            Self::Canceled => Fault::Tell(cancel.clone()),
            Self::HandedBack => Fault::Tell(ends.hand_back.clone()),
        }
    }

    /// What is known afterwards of a unit whose worker crashes.
    pub(crate) fn memory(self) -> Memory {
        match self {
            Self::CrashBefore(memory) | Self::CrashMidway(memory) | Self::CrashAfter(memory) => {
                memory
            }
            _ => Memory::Told,
        }
    }

    pub(crate) fn is_left_for_the_end(self) -> bool {
        matches!(self, Self::Late(None) | Self::AgainLater(None))
    }
}
