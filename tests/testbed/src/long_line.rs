//! A long line to one upstream: each connection gets a rate and a delay, as between two regions that are far apart.
//!
//! What one TCP connection brings over a long line is limited by its window and by loss; here it is a number. The delay is
//! real, one way: a byte leaves that much later than it came, and a connection takes a round trip to be made. Nothing is
//! limited across connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

/// A piece takes about so long to pass.
const TICK: Duration = Duration::from_millis(5);
const LARGEST_PIECE: u64 = 64 * 1024;
/// Kept small, so that what the line does not take is soon felt by the sender.
const BUFFER: u32 = 256 * 1024;

/// What each connection of a line gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// In each direction.
    pub bytes_per_second: u64,
    /// One way.
    pub delay: Duration,
    /// Each connection is reset when it has brought so many bytes to the client.
    pub reset_after: Option<u64>,
}

/// A listener before one upstream; ends with this value, and its connections with it.
#[derive(Debug)]
pub struct LongLine {
    port: u16,
    opened: Arc<AtomicU64>,
    accepting: AbortHandle,
}

/// A connection has brought what it may.
struct Reset;

impl LongLine {
    /// Listens on a free loopback port and passes connections on to the loopback port `upstream`.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub fn listen(upstream: u16, line: Line) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(BUFFER)?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        let listener = socket.listen(1024)?;
        let port = listener.local_addr()?.port();
        let opened = Arc::new(AtomicU64::new(0));
        let accepting = tokio::spawn(accept(listener, upstream, line, Arc::clone(&opened)));
        Ok(Self {
            port,
            opened,
            accepting: accepting.abort_handle(),
        })
    }

    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Connections that came so far.
    #[must_use]
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }
}

impl Drop for LongLine {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, upstream: u16, line: Line, opened: Arc<AtomicU64>) {
    // Connections end with the listener, for they are in its task's set.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A connection that went away before it was accepted is nobody's any more.
                if let Ok((client, _)) = accepted {
                    opened.fetch_add(1, Ordering::Relaxed);
                    connections.spawn(relay(client, upstream, line));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Passes a connection on. How it ends is seen by both of its ends.
async fn relay(mut client: TcpStream, upstream: u16, line: Line) -> std::io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(BUFFER)?;
    let mut server = socket.connect(([127, 0, 0, 1], upstream).into()).await?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    sleep(line.delay * 2).await;
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let up = Line {
        reset_after: None,
        ..line
    };
    let both = async {
        tokio::try_join!(
            pass(from_client, to_server, up),
            pass(from_server, to_client, line)
        )
    };
    if both.await.is_err() {
        client.set_zero_linger()?;
        server.set_zero_linger()?;
    }
    Ok(())
}

/// Passes one direction on until its end or its reset; an end that breaks is a reset of the other.
async fn pass(from: ReadHalf<'_>, to: WriteHalf<'_>, line: Line) -> Result<(), Reset> {
    // What is on its way: as much as the rate and the delay make, and a little.
    let piece = (line.bytes_per_second * 5 / 1000).clamp(1, LARGEST_PIECE);
    let on_its_way = line.delay.as_nanos() / TICK.as_nanos().max(1) * 4 + 16;
    let (sender, receiver) = mpsc::channel(usize::try_from(on_its_way).unwrap_or(16));
    tokio::try_join!(take(from, sender, line, piece), deliver(receiver, to))?;
    Ok(())
}

/// Reads no faster than the line is.
async fn take(
    mut from: ReadHalf<'_>,
    line_to: mpsc::Sender<(Instant, Bytes)>,
    line: Line,
    piece: u64,
) -> Result<(), Reset> {
    let mut buffer = vec![0; usize::try_from(piece).unwrap_or(1)];
    let (mut next, mut passed) = (Instant::now(), 0);
    loop {
        sleep_until(next).await;
        let count = from.read(&mut buffer).await.map_err(|_| Reset)?;
        if count == 0 {
            return Ok(());
        }
        let now = Instant::now();
        let time = Duration::from_nanos(count as u64 * 1_000_000_000 / line.bytes_per_second);
        next = next.max(now.checked_sub(TICK * 4).unwrap_or(now)) + time;
        let bytes = Bytes::copy_from_slice(&buffer[..count]);
        line_to
            .send((now + line.delay, bytes))
            .await
            .map_err(|_| Reset)?;
        passed += count as u64;
        if line.reset_after.is_some_and(|most| passed >= most) {
            sleep_until(now + line.delay).await;
            return Err(Reset);
        }
    }
}

/// Writes what has come over.
async fn deliver(
    mut line: mpsc::Receiver<(Instant, Bytes)>,
    mut to: WriteHalf<'_>,
) -> Result<(), Reset> {
    while let Some((due, bytes)) = line.recv().await {
        sleep_until(due).await;
        to.write_all(&bytes).await.map_err(|_| Reset)?;
    }
    to.shutdown().await.map_err(|_| Reset)
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    /// A server that echoes, behind a line.
    async fn echo(line: Line) -> anyhow::Result<(LongLine, TcpStream)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let long_line = LongLine::listen(listener.local_addr()?.port(), line)?;
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut reader, mut writer) = stream.split();
                    // Ends when the test ends the connection.
                    let _ = tokio::io::copy(&mut reader, &mut writer).await;
                });
            }
        });
        let client = TcpStream::connect(("127.0.0.1", long_line.port())).await?;
        Ok((long_line, client))
    }

    const LINE: Line = Line {
        bytes_per_second: 1_000_000,
        delay: Duration::from_millis(50),
        reset_after: None,
    };

    /// A busy machine can only make it slower.
    #[tokio::test]
    async fn nothing_is_faster_than_the_line() -> anyhow::Result<()> {
        let (line, mut client) = echo(LINE).await?;
        let mut byte = [0];
        // The first one pays for the connection, too.
        for round_trips in [2, 1, 1] {
            let begun = Instant::now();
            client.write_all(b"x").await?;
            client.read_exact(&mut byte).await?;
            assert!(begun.elapsed() >= LINE.delay * 2 * round_trips - TICK);
        }
        let begun = Instant::now();
        let sent = vec![7; 500_000];
        let (mut reader, mut writer) = client.split();
        let mut came = vec![0; sent.len()];
        tokio::try_join!(writer.write_all(&sent), reader.read_exact(&mut came))?;
        assert!(begun.elapsed() >= Duration::from_millis(450) && came == sent);
        writer.shutdown().await?;
        assert_eq!(reader.read(&mut byte).await?, 0, "the end is passed on");
        assert_eq!(line.opened(), 1);
        Ok(())
    }

    #[tokio::test]
    async fn a_connection_is_reset_when_it_has_brought_so_much() -> anyhow::Result<()> {
        let line = Line {
            reset_after: Some(100_000),
            ..LINE
        };
        let (_line, mut client) = echo(line).await?;
        client.write_all(&vec![7; 200_000]).await?;
        let mut came = Vec::new();
        let end = client.read_to_end(&mut came).await;
        assert_eq!(
            end.map_err(|error| error.kind()),
            Err(ErrorKind::ConnectionReset)
        );
        Ok(())
    }
}
