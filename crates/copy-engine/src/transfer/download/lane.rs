//! One connection to the source and what it brings, as futures that end with an event.

use std::time::Duration;

use bytes::Bytes;
use domain::ImageId;
use http_body_util::BodyExt;
use openstack::{ByteRange, DownloadBody, DownloadRefused, Error, Glance, SpareConnections};
use tokio::time::timeout;

use crate::bandwidth::Pace;
use crate::transfer::pile::Frame;

/// A download that is open.
#[derive(Debug)]
pub(super) struct Lane {
    body: DownloadBody,
    /// What has come and may not go on yet.
    rest: Bytes,
    /// Bytes before the one that is wanted, when the source takes no ranges.
    skip: u64,
}

/// What came of a request or a read.
#[derive(Debug)]
pub(super) struct Event {
    /// The part that it is about.
    pub(super) start: u64,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Opened(Lane),
    Refused(DownloadRefused),
    Frame {
        lane: Lane,
        frame: Frame,
        /// For a cap.
        has_waited: bool,
    },
    /// The source has ended.
    End,
    Broken(Error),
    /// A connection whose part is complete has come to its end, or one that is spare has been made.
    Spent,
}

/// What is to be asked of the source.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) start: u64,
    pub(super) image: ImageId,
    pub(super) range: Option<ByteRange>,
    pub(super) skip: u64,
    pub(super) spare: Option<SpareConnections>,
    pub(super) patience: Duration,
}

/// Opens a download.
pub(super) async fn ask(source: &Glance, question: Question) -> Event {
    let Question { start, image, .. } = question;
    let opening = source.open_download(image, question.range, question.spare.as_ref());
    let opened = timeout(question.patience, opening).await;
    let opened = opened.unwrap_or_else(|_| Err(Error::Timeout("opening the download").into()));
    let what = match opened {
        Ok(download) => What::Opened(Lane {
            body: download.body,
            rest: Bytes::new(),
            skip: question.skip,
        }),
        Err(refused) => What::Refused(refused),
    };
    Event { start, what }
}

/// Reads the next frame, or as much of it as may go on at once.
pub(super) async fn read(start: u64, mut lane: Lane, patience: Duration, pace: Pace) -> Event {
    while lane.rest.is_empty() {
        let what = match timeout(patience, lane.body.frame()).await {
            Ok(Some(Ok(frame))) => {
                lane.rest = lane.wanted(frame.into_data().unwrap_or_default());
                continue;
            }
            Ok(None) => What::End,
            Ok(Some(Err(error))) => What::Broken(error),
            Err(_) => What::Broken(Error::Timeout("the source stood still")),
        };
        return Event { start, what };
    }
    let (bytes, has_waited) = pace.next(&mut lane.rest).await;
    let buffer = DownloadBody::READ_BUFFER;
    let frame = Frame { bytes, buffer };
    let what = What::Frame {
        lane,
        frame,
        has_waited,
    };
    Event { start, what }
}

/// Makes a connection for who asks after a break.
pub(super) async fn prepare(
    start: u64,
    source: &Glance,
    spare: SpareConnections,
    patience: Duration,
) -> Event {
    // Without it, whoever needs one makes it.
    let _prepared = timeout(patience, source.prepare_download(&spare)).await;
    Event {
        start,
        what: What::Spent,
    }
}

/// Lets a connection come to its end, so that it can be used again.
pub(super) async fn spend(start: u64, mut lane: Lane, patience: Duration) -> Event {
    // Whatever comes instead of the end: the connection is dropped, and nothing is lost.
    let _end = timeout(patience, lane.body.frame()).await;
    Event {
        start,
        what: What::Spent,
    }
}

impl Lane {
    fn wanted(&mut self, mut bytes: Bytes) -> Bytes {
        let skipped = usize::try_from(self.skip).map_or(bytes.len(), |skip| skip.min(bytes.len()));
        self.skip -= skipped as u64;
        bytes.split_off(skipped)
    }
}
