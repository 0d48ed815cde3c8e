//! What can be planned to go wrong, and with which request.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// The calls of the Image API that the engine makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Show,
    Create,
    Patch,
    Delete,
    Download,
    Upload,
}

/// One disturbance of one request.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Answers so and does nothing.
    Refuse(u16, &'static str),
    /// Closes the connection and does nothing.
    Ignore,
    /// Does what was asked and closes the connection without an answer.
    LoseAnswer,
    /// Does what was asked, after another has deleted the image.
    AfterDeletion,
    /// A download that announces everything and breaks after so many bytes.
    BreakAfter(usize),
    /// A download that ends, as if complete, after so many bytes.
    EndAfter(usize),
    /// A download with so many bytes too many.
    Excess(usize),
    /// A download whose byte at this position is wrong.
    WrongByte(usize),
    /// A download that stops after so many bytes and keeps the connection open.
    HangAfter(usize),
    /// A download that takes this long for each byte.
    Drip(Duration),
    /// A download that is refused for so many seconds.
    Busy { retry_after: u64 },
    /// A download that begins when so many have been asked for.
    AwaitDownloads(usize),
    /// A download that stops after so many bytes until so many have been asked for.
    PauseAfter { bytes: usize, downloads: usize },
    /// A download that takes no notice of the range that was asked for.
    IgnoreRange,
    /// An upload that is dropped after so many bytes; the image is `queued` again.
    DropAfter(usize),
    /// An upload that is dropped after so many bytes by a server that dies: `saving` for ever.
    DieAfter(usize),
    /// An upload that is read up to so many bytes and then left waiting.
    StallAfter(usize),
    /// An upload that is stored only when somebody asks how its image stands, long after its last byte.
    StoreOnceAskedFor,
    /// Does what was asked and answers with half a document.
    GarbleAnswer,
    /// An upload that is stored with a flipped bit.
    StoreWrongly,
    /// Waits for somebody's word, and then does what was asked, or refuses it.
    Await(CancellationToken, Option<u16>),
    /// Tells somebody, then does what was asked.
    Tell(CancellationToken),
    /// Tells somebody, does nothing and says nothing until the other side has had enough.
    NeverDo(CancellationToken),
    /// Does what was asked, tells somebody, and says nothing until the other side has had enough.
    NeverAnswer(CancellationToken),
    /// An upload of which somebody is told, and that goes no further; the image is `queued` again once the
    /// sender has gone.
    Hold(CancellationToken),
    /// Does what was asked and answers so all the same.
    AnswerAnyway(u16, &'static str),
    /// Does what was asked twice, as when a front repeats it; the answer is the second one's.
    Twice,
    /// Closes the connection, and does what was asked when so many more requests have come; none: when the test
    /// says so.
    Late(Option<usize>),
    /// Does what was asked and answers; and does it once more when so many more requests have come; none: when
    /// the test says so.
    AgainLater(Option<usize>),
}

impl Operation {
    pub(crate) fn is_write(self) -> bool {
        match self {
            Self::Create | Self::Patch | Self::Delete | Self::Upload => true,
            Self::Show | Self::Download => false,
        }
    }
}
