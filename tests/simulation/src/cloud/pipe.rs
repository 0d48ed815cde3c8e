//! One end of a connection in memory: it stands still while its process is frozen, and breaks when it dies or is cut.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio_util::sync::CancellationToken;

use crate::process::Process;

/// The end.
pub(crate) struct Pipe {
    stream: DuplexStream,
    process: Option<Process>,
    cut: Option<BoxFuture<'static, ()>>,
}

impl Pipe {
    pub(super) fn new(
        stream: DuplexStream,
        process: Option<Process>,
        cut: Option<CancellationToken>,
    ) -> Self {
        Self {
            stream,
            process,
            cut: cut.map(|cut| cut.cancelled_owned().boxed()),
        }
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(cut) = &mut self.cut
            && cut.poll_unpin(cx).is_ready()
        {
            self.cut = Some(futures::future::ready(()).boxed());
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        match &self.process {
            Some(process) => process.poll_pass(cx).map(Ok),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_ready(cx))?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_ready(cx))?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
