//! One reading of the source: a download into a queue, and the ends of it that the upload and its watch have.
//!
//! It may begin before there is an image to upload to: what comes waits in the queue, in no more memory than any copy reads
//! ahead in, and then in the source's sockets. Invariant: it goes on only while somebody waits for it or beside it, and
//! dropping it closes its connections.

use std::future::ready;
use std::pin::pin;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use openstack::Glance;
use tokio::time::sleep;

use super::download::{Delivered, Download, Trouble};
use super::read_ahead::{Backlog, UploadBody, read_ahead};
use crate::Failure;
use crate::bandwidth::Pace;
use crate::unit::Unit;
use crate::verify::{StreamHasher, must_hash_stream};

/// A source is not kept waiting for longer: it serves few at a time, and drops who does not read.
const PATIENCE: Duration = Duration::from_secs(5);

/// A reading that has not ended, or whose end nobody has seen yet.
pub(crate) struct Reading<'a> {
    pub(super) downloading: BoxFuture<'a, Result<Delivered, Failure>>,
    pub(super) body: UploadBody,
    pub(super) backlog: Backlog,
    /// The caps that it reads under.
    pub(super) pace: Pace,
    pub(super) trouble: Trouble,
}

impl<'a> Reading<'a> {
    /// The source is asked when this is first waited for.
    pub(crate) fn prepare(unit: &Unit<'a>, source: &'a Glance) -> Self {
        let (settings, spec) = (unit.settings, unit.spec());
        unit.progress.restart_bytes();
        let share = settings.memory.share(settings.read_ahead_bytes);
        let (filler, body, backlog) = read_ahead(share, unit.progress.clone());
        let trouble = Trouble::default();
        let (from, to) = (&spec.source.region, &spec.destination.region);
        let pace = settings.bandwidth.between(from, to);
        let download = Download {
            source,
            spec,
            idle_timeout: settings.idle_timeout,
            streams: settings.streams,
            pace: pace.clone(),
            trouble: trouble.clone(),
            hasher: must_hash_stream(&spec.source_digest).then(StreamHasher::new),
        };
        Self {
            downloading: download.run(filler).boxed(),
            body,
            backlog,
            pace,
            trouble,
        }
    }

    /// Goes on while something else is waited for, and is given up when that takes long. How it ended is told
    /// afterwards: what was waited for comes first.
    pub(crate) async fn beside<T>(mut self, other: impl Future<Output = T>) -> (T, Option<Self>) {
        let mut other = pin!(other);
        let mut patience = pin!(sleep(PATIENCE));
        let mut is_over = false;
        loop {
            tokio::select! {
                biased;
                output = &mut other => return (output, Some(self)),
                ended = &mut self.downloading, if !is_over => {
                    self.downloading = ready(ended).boxed();
                    is_over = true;
                }
                () = &mut patience => break,
            }
        }
        drop(self);
        (other.await, None)
    }
}
