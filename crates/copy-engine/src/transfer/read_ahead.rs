//! The bytes between download and upload: a queue, in order, within the copy's share of the memory.
//!
//! It lets the download run ahead, so that a short break of the source does not pause the upload
//! (destinations drop an upload that pauses: uWSGI does after 4 s by default). How far ahead is learnt: an upload that
//! never waits needs little, and what little there is goes from socket to socket without leaving the processor's cache;
//! each time that it waits for long, the queue may become twice as deep, up to the share. Invariant: the upload
//! sees the end of the body only after the download has said that it is complete; a download that
//! gives up breaks the upload off, so that Glance never takes a part for the whole.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame as BodyFrame};
use tokio::time::Instant;

use super::memory::Share;
use super::pile::{Frame, Pile};
use crate::progress::Progress;

/// The download's end of the queue. Dropping it without [`Filler::complete`] breaks the upload off.
#[derive(Debug)]
pub(super) struct Filler {
    queue: Arc<Mutex<Queue>>,
    share: Share,
}

/// The upload's end of the queue: the body of the PUT. Counts what it hands on.
#[derive(Debug)]
pub(super) struct UploadBody {
    queue: Arc<Mutex<Queue>>,
    progress: Progress,
}

/// Tells whether bytes wait for the upload.
#[derive(Debug)]
pub(super) struct Backlog {
    queue: Arc<Mutex<Queue>>,
}

/// How deep the queue is while the upload does not wait, in bytes.
const SHALLOW: usize = 4 * 1024 * 1024;
/// An upload that waits for so long could have used a deeper queue.
const LONG_WAIT: Duration = Duration::from_millis(20);

#[derive(Debug)]
struct Queue {
    pile: Pile,
    /// Bytes in the pile, and how many there may be.
    ahead: usize,
    depth: usize,
    /// The upload has got its first bytes: what it waited for before was the source's beginning.
    has_begun: bool,
    is_complete: bool,
    is_given_up: bool,
    has_upload_ended: bool,
    /// Of the upload, while it waits for bytes, and since when.
    waiting: Option<(Waker, Instant)>,
    /// How long it has waited before.
    waited: Duration,
}

/// What became of a frame that was offered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Offered {
    Taken,
    /// There is no memory for it now.
    NoRoom,
}

/// The upload has ended: nobody takes bytes any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UploadEnded;

/// The download gave up; the reason is reported where it happened.
#[derive(Debug, thiserror::Error)]
#[error("the download was given up")]
pub(super) struct DownloadGivenUp;

/// A queue that holds what `share` allows.
pub(super) fn read_ahead(share: Share, progress: Progress) -> (Filler, UploadBody, Backlog) {
    let queue = Arc::new(Mutex::new(Queue {
        pile: Pile::default(),
        ahead: 0,
        depth: SHALLOW,
        has_begun: false,
        is_complete: false,
        is_given_up: false,
        has_upload_ended: false,
        waiting: None,
        waited: Duration::ZERO,
    }));
    (
        Filler {
            queue: queue.clone(),
            share,
        },
        UploadBody {
            queue: queue.clone(),
            progress,
        },
        Backlog { queue },
    )
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Queue ===

impl Queue {
    fn wake(&mut self) {
        if let Some((waker, since)) = self.waiting.take() {
            let waited = since.elapsed();
            self.waited += waited;
            if self.has_begun && waited >= LONG_WAIT {
                self.depth = self.depth.saturating_mul(2);
            }
            waker.wake();
        }
    }

    fn check_upload(&self) -> Result<(), UploadEnded> {
        match self.has_upload_ended {
            true => Err(UploadEnded),
            false => Ok(()),
        }
    }
}

// === impl Filler ===

impl Filler {
    /// The memory that the copy may use.
    pub(super) fn share(&self) -> &Share {
        &self.share
    }

    /// Queues a frame, if there is room for it.
    pub(super) fn offer(&self, frame: &Frame) -> Result<Offered, UploadEnded> {
        let mut queue = lock(&self.queue);
        queue.check_upload()?;
        let is_waited_for = queue.pile.is_empty();
        if !is_waited_for && queue.ahead + frame.bytes.len() > queue.depth {
            self.share.refused();
            return Ok(Offered::NoRoom);
        }
        if !queue.pile.push(frame, &self.share, is_waited_for) {
            return Ok(Offered::NoRoom);
        }
        queue.ahead += frame.bytes.len();
        queue.wake();
        Ok(Offered::Taken)
    }

    /// Queues what has been waiting for its turn, and is charged already.
    pub(super) fn append(&self, pile: Pile) -> Result<(), UploadEnded> {
        let mut queue = lock(&self.queue);
        queue.check_upload()?;
        if !pile.is_empty() {
            queue.ahead += pile.slices().map(<[u8]>::len).sum::<usize>();
            queue.pile.append(pile);
            queue.wake();
        }
        Ok(())
    }

    /// Everything has been sent: the upload may end its body.
    pub(super) fn complete(&self) -> Result<(), UploadEnded> {
        let mut queue = lock(&self.queue);
        queue.check_upload()?;
        queue.is_complete = true;
        queue.wake();
        Ok(())
    }

    /// For how long, all in all, the upload has waited for bytes.
    pub(super) fn waited(&self) -> Duration {
        let queue = lock(&self.queue);
        let now = queue.waiting.as_ref().map(|(_, since)| since.elapsed());
        queue.waited + now.unwrap_or_default()
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        let mut queue = lock(&self.queue);
        queue.is_given_up = !queue.is_complete;
        queue.wake();
    }
}

// === impl UploadBody ===

impl Body for UploadBody {
    type Data = Bytes;
    type Error = DownloadGivenUp;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, DownloadGivenUp>>> {
        let mut queue = lock(&self.queue);
        if let Some((bytes, charge)) = queue.pile.pop() {
            queue.ahead -= bytes.len();
            queue.has_begun = true;
            drop(queue);
            // Freed with the queue unlocked, and empty if that was all: who waits for room looks at both.
            drop(charge);
            self.progress.add_bytes(bytes.len());
            return Poll::Ready(Some(Ok(BodyFrame::data(bytes))));
        }
        if queue.is_complete {
            return Poll::Ready(None);
        }
        if queue.is_given_up {
            return Poll::Ready(Some(Err(DownloadGivenUp)));
        }
        let since = match queue.waiting.take() {
            Some((_, since)) => since,
            None => Instant::now(),
        };
        queue.waiting = Some((context.waker().clone(), since));
        Poll::Pending
    }
}

impl Drop for UploadBody {
    fn drop(&mut self) {
        let mut queue = lock(&self.queue);
        queue.has_upload_ended = true;
        // Frees the memory, which is what a download that waits for room hears of.
        let left = std::mem::take(&mut queue.pile);
        queue.ahead = 0;
        drop(queue);
        drop(left);
    }
}

// === impl Backlog ===

impl Backlog {
    /// Whether the upload has been given bytes that it has not taken.
    pub(super) fn is_waiting(&self) -> bool {
        !lock(&self.queue).pile.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::transfer::memory::ReadAheadMemory;

    const MEBIBYTE: usize = 1 << 20;

    fn queue(progress: Progress) -> (Filler, UploadBody, Backlog) {
        read_ahead(ReadAheadMemory::new(MEBIBYTE).share(MEBIBYTE), progress)
    }

    async fn next_length(body: &mut UploadBody) -> usize {
        let frame = body.frame().await.expect("a frame").expect("bytes");
        frame.into_data().expect("data").len()
    }

    fn frame(bytes: usize) -> Frame {
        Frame {
            bytes: Bytes::from(vec![7; bytes]),
            buffer: bytes,
        }
    }

    #[tokio::test]
    async fn frames_come_out_as_they_went_in_and_are_counted() {
        let progress = Progress::new();
        let (filler, mut body, backlog) = queue(progress.clone());
        assert_eq!(filler.offer(&frame(3)), Ok(Offered::Taken));
        assert_eq!(filler.offer(&frame(5)), Ok(Offered::Taken));
        filler.complete().expect("the upload takes bytes");
        assert_eq!(next_length(&mut body).await, 3);
        assert_eq!(progress.bytes_copied(), 3);
        assert!(backlog.is_waiting());
        assert_eq!(next_length(&mut body).await, 5);
        assert!(!backlog.is_waiting());
        assert!(body.frame().await.is_none());
        assert_eq!(progress.bytes_copied(), 8);
    }

    #[tokio::test]
    async fn a_full_queue_makes_the_download_wait() {
        let (filler, mut body, _) = queue(Progress::new());
        let half = frame(MEBIBYTE / 2);
        assert_eq!(filler.offer(&half), Ok(Offered::Taken));
        assert_eq!(filler.offer(&half), Ok(Offered::Taken));
        assert_eq!(filler.offer(&half), Ok(Offered::NoRoom));
        next_length(&mut body).await;
        filler.share().freed().await;
        assert_eq!(filler.offer(&half), Ok(Offered::Taken));
    }

    #[tokio::test]
    async fn a_frame_larger_than_the_queue_passes_alone() {
        let (filler, mut body, _) = queue(Progress::new());
        assert_eq!(filler.offer(&frame(2 * MEBIBYTE)), Ok(Offered::Taken));
        assert_eq!(filler.offer(&frame(1)), Ok(Offered::NoRoom));
        next_length(&mut body).await;
        filler.share().freed().await;
        assert_eq!(filler.offer(&frame(1)), Ok(Offered::Taken));
    }

    #[tokio::test]
    async fn a_download_that_gives_up_breaks_the_body_off() {
        let (filler, mut body, _) = queue(Progress::new());
        assert_eq!(filler.offer(&frame(1)), Ok(Offered::Taken));
        drop(filler);
        next_length(&mut body).await;
        body.frame()
            .await
            .expect("not the end")
            .expect_err("broken off");
    }

    #[tokio::test]
    async fn an_upload_that_ended_tells_the_download() {
        let (filler, body, _) = queue(Progress::new());
        assert_eq!(filler.offer(&frame(MEBIBYTE)), Ok(Offered::Taken));
        assert_eq!(filler.offer(&frame(1)), Ok(Offered::NoRoom));
        drop(body);
        filler.share().freed().await;
        assert_eq!(filler.offer(&frame(1)), Err(UploadEnded));
    }

    #[tokio::test(start_paused = true)]
    async fn the_queue_becomes_deeper_when_the_upload_has_waited_for_long() {
        const MEMORY: usize = 6 * SHALLOW;
        let share = ReadAheadMemory::new(MEMORY).share(MEMORY);
        let (filler, mut body, _) = read_ahead(share, Progress::new());
        let piece = frame(SHALLOW / 4);
        let fill = |filler: &Filler| {
            let taken = std::iter::repeat_with(|| filler.offer(&piece));
            taken
                .take_while(|offered| *offered == Ok(Offered::Taken))
                .count()
        };
        for (wait, frames) in [
            (Duration::ZERO, 4),
            (LONG_WAIT, 8),
            (Duration::from_millis(1), 8),
            (Duration::from_millis(500), 16),
            (Duration::from_millis(500), 24),
        ] {
            let feeding = async {
                tokio::time::sleep(wait).await;
                filler.offer(&piece)
            };
            let (_, offered) = tokio::join!(next_length(&mut body), feeding);
            assert_eq!(offered, Ok(Offered::Taken));
            assert_eq!(fill(&filler), frames, "after a wait of {wait:?}");
            for _ in 0..frames {
                next_length(&mut body).await;
            }
        }
    }

    #[tokio::test]
    async fn a_queue_that_is_deep_enough_tells_when_it_takes_more() {
        let share = ReadAheadMemory::new(2 * SHALLOW).share(2 * SHALLOW);
        let (filler, mut body, _) = read_ahead(share, Progress::new());
        assert_eq!(filler.offer(&frame(SHALLOW)), Ok(Offered::Taken));
        assert_eq!(filler.offer(&frame(1)), Ok(Offered::NoRoom));
        next_length(&mut body).await;
        filler.share().freed().await;
        assert_eq!(filler.offer(&frame(1)), Ok(Offered::Taken));
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_is_told_that_an_upload_has_waited() {
        let (filler, mut body, _) = queue(Progress::new());
        let waiting = async { next_length(&mut body).await };
        let feeding = async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            assert_eq!(filler.waited(), Duration::from_secs(3));
            filler.offer(&frame(1))
        };
        let (length, offered) = tokio::join!(waiting, feeding);
        assert_eq!((length, offered), (1, Ok(Offered::Taken)));
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(filler.waited(), Duration::from_secs(3));
    }
}
