//! The bytes between download and upload: a queue bounded in bytes.
//!
//! It lets the download run ahead, so that a short break of the source does not pause the upload
//! (destinations drop an upload that pauses: uWSGI does after 4 s by default). Frames are handed on
//! as they came, without copying. Invariant: the upload sees the end of the body only after the
//! download has said that it is complete; a download that gives up breaks the upload off, so that
//! Glance never takes a part for the whole.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::progress::Progress;

/// What a frame costs at least. A frame of few bytes still keeps the read buffer alive that it was
/// cut from, so many of them must not be held at once.
const SMALLEST_CHARGE: usize = 256 * 1024;

/// The download's end of the queue. Dropping it without [`Filler::complete`] breaks the upload off.
#[derive(Debug)]
pub(super) struct Filler {
    frames: mpsc::UnboundedSender<Item>,
    room: Arc<Semaphore>,
    capacity: u32,
}

/// The upload's end of the queue: the body of the PUT. Counts what it hands on.
#[derive(Debug)]
pub(super) struct UploadBody {
    frames: mpsc::UnboundedReceiver<Item>,
    room: Arc<Semaphore>,
    progress: Progress,
}

/// Tells whether bytes wait for the upload.
#[derive(Debug)]
pub(super) struct Backlog {
    room: Arc<Semaphore>,
    capacity: u32,
}

#[derive(Debug)]
enum Item {
    Frame(Bytes, OwnedSemaphorePermit),
    Complete,
}

/// The upload has ended: nobody takes bytes any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UploadEnded;

/// The download gave up; the reason is reported where it happened.
#[derive(Debug, thiserror::Error)]
#[error("the download was given up")]
pub(super) struct DownloadGivenUp;

/// A queue that holds at most about `capacity` bytes (more only for a single larger frame).
pub(super) fn read_ahead(capacity: usize, progress: Progress) -> (Filler, UploadBody, Backlog) {
    let capacity = u32::try_from(capacity.max(SMALLEST_CHARGE)).unwrap_or(u32::MAX);
    let room = Arc::new(Semaphore::new(capacity as usize));
    let (sender, receiver) = mpsc::unbounded_channel();
    (
        Filler {
            frames: sender,
            room: room.clone(),
            capacity,
        },
        UploadBody {
            frames: receiver,
            room: room.clone(),
            progress,
        },
        Backlog { room, capacity },
    )
}

// === impl Filler ===

impl Filler {
    /// Queues a frame as soon as there is room for it.
    pub(super) async fn send(&self, frame: Bytes) -> Result<(), UploadEnded> {
        let charge = u32::try_from(frame.len().max(SMALLEST_CHARGE))
            .unwrap_or(u32::MAX)
            .min(self.capacity);
        let permit = self
            .room
            .clone()
            .acquire_many_owned(charge)
            .await
            .map_err(|_| UploadEnded)?;
        self.frames
            .send(Item::Frame(frame, permit))
            .map_err(|_| UploadEnded)
    }

    /// Everything has been sent: the upload may end its body.
    pub(super) fn complete(self) -> Result<(), UploadEnded> {
        self.frames.send(Item::Complete).map_err(|_| UploadEnded)
    }
}

// === impl UploadBody ===

impl Body for UploadBody {
    type Data = Bytes;
    type Error = DownloadGivenUp;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, DownloadGivenUp>>> {
        match std::task::ready!(self.frames.poll_recv(context)) {
            Some(Item::Frame(frame, _permit)) => {
                self.progress.add_bytes(frame.len());
                Poll::Ready(Some(Ok(Frame::data(frame))))
            }
            Some(Item::Complete) => Poll::Ready(None),
            None => Poll::Ready(Some(Err(DownloadGivenUp))),
        }
    }
}

impl Drop for UploadBody {
    fn drop(&mut self) {
        self.room.close();
    }
}

// === impl Backlog ===

impl Backlog {
    /// Whether the upload has been given bytes that it has not taken.
    pub(super) fn is_waiting(&self) -> bool {
        self.room.available_permits() < self.capacity as usize
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use http_body_util::BodyExt;

    use super::*;

    async fn next_length(body: &mut UploadBody) -> usize {
        let frame = body.frame().await.expect("a frame").expect("bytes");
        frame.into_data().expect("data").len()
    }

    fn frame(bytes: usize) -> Bytes {
        Bytes::from(vec![7; bytes])
    }

    #[tokio::test]
    async fn frames_come_out_as_they_went_in_and_are_counted() {
        let progress = Progress::new();
        let (filler, mut body, backlog) = read_ahead(1 << 20, progress.clone());
        filler.send(frame(3)).await.expect("there is room");
        filler.send(frame(5)).await.expect("there is room");
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
        let (filler, mut body, _) = read_ahead(1 << 20, Progress::new());
        // Tiny frames are charged for the buffers that they keep alive: four fill a mebibyte.
        for _ in 0..4 {
            filler.send(frame(1)).await.expect("there is room");
        }
        assert!(filler.send(frame(1)).now_or_never().is_none());
        next_length(&mut body).await;
        filler.send(frame(1)).await.expect("there is room again");
    }

    #[tokio::test]
    async fn a_frame_larger_than_the_queue_passes_alone() {
        let (filler, mut body, _) = read_ahead(1 << 20, Progress::new());
        filler.send(frame(2 << 20)).await.expect("it passes");
        assert!(filler.send(frame(1)).now_or_never().is_none());
        next_length(&mut body).await;
        filler.send(frame(1)).await.expect("there is room again");
    }

    #[tokio::test]
    async fn a_download_that_gives_up_breaks_the_body_off() {
        let (filler, mut body, _) = read_ahead(1 << 20, Progress::new());
        filler.send(frame(1)).await.expect("there is room");
        drop(filler);
        next_length(&mut body).await;
        body.frame()
            .await
            .expect("not the end")
            .expect_err("broken off");
    }

    #[tokio::test]
    async fn an_upload_that_ended_tells_the_download() {
        let (filler, body, _) = read_ahead(SMALLEST_CHARGE, Progress::new());
        filler.send(frame(1)).await.expect("there is room");
        drop(body);
        assert_eq!(filler.send(frame(1)).await, Err(UploadEnded));
    }
}
