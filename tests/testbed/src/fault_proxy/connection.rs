//! One connection through a proxy: two pumps that look at the behaviour before each of their steps and during it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::traffic::Counters;
use super::{BUFFER, Behaviour};

/// The largest piece that is passed on at once.
const PIECE: usize = 64 * 1024;
/// A slow connection passes on pieces of about so much time.
const TICK: Duration = Duration::from_millis(50);

/// Why a connection ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    /// The proxy was told to.
    ByUs,
    /// One of the two ends broke it, or nobody is upstream.
    ByAnEnd,
}

/// Passes a client's connection on until it ends or is broken; a break is a reset for both ends.
pub(super) async fn relay(
    mut client: TcpStream,
    upstream: u16,
    mut commands: watch::Receiver<Behaviour>,
    counters: Arc<Counters>,
) {
    counters.opened.fetch_add(1, Ordering::SeqCst);
    let end = match reach(upstream, &mut commands).await {
        Ok(mut server) => {
            let end = pump_both(&mut client, &mut server, &commands, &counters).await;
            if end.is_err() {
                reset(&server);
            }
            end
        }
        Err(broken) => Err(broken),
    };
    if end.is_err() {
        reset(&client);
    }
    if end == Err(Broken::ByUs) {
        counters.broken.fetch_add(1, Ordering::SeqCst);
    }
    counters.closed.fetch_add(1, Ordering::SeqCst);
}

/// Connects to the upstream as soon as connections may get through.
async fn reach(
    upstream: u16,
    commands: &mut watch::Receiver<Behaviour>,
) -> Result<TcpStream, Broken> {
    let may_pass = |behaviour: &Behaviour| *behaviour != Behaviour::BlackHole;
    let behaviour = *commands
        .wait_for(may_pass)
        .await
        .map_err(|_| Broken::ByUs)?;
    if behaviour == Behaviour::Reset {
        return Err(Broken::ByUs);
    }
    let socket = TcpSocket::new_v4().map_err(|_| Broken::ByAnEnd)?;
    // Fails only for a size that the kernel does not allow, and then its own is as good.
    let _ = socket.set_recv_buffer_size(BUFFER);
    let connection = socket.connect(([127, 0, 0, 1], upstream).into());
    connection.await.map_err(|_| Broken::ByAnEnd)
}

/// Has the kernel send RST instead of FIN when the socket is dropped.
fn reset(stream: &TcpStream) {
    // Fails only for a connection that is gone.
    let _ = stream.set_zero_linger();
}

async fn pump_both(
    client: &mut TcpStream,
    server: &mut TcpStream,
    commands: &watch::Receiver<Behaviour>,
    counters: &Counters,
) -> Result<(), Broken> {
    for stream in [&*client, &*server] {
        stream.set_nodelay(true).map_err(|_| Broken::ByAnEnd)?;
    }
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let up = Pump::new(commands.clone(), &counters.to_upstream);
    let down = Pump::new(commands.clone(), &counters.to_client);
    tokio::try_join!(
        up.run(from_client, to_server),
        down.run(from_server, to_client)
    )?;
    Ok(())
}

/// One direction of a connection.
struct Pump<'a> {
    commands: watch::Receiver<Behaviour>,
    passed: &'a AtomicU64,
    /// Bytes since the behaviour last changed.
    since: u64,
    /// When a slow connection may pass on its next piece.
    next: Instant,
}

impl<'a> Pump<'a> {
    fn new(commands: watch::Receiver<Behaviour>, passed: &'a AtomicU64) -> Self {
        Self {
            commands,
            passed,
            since: 0,
            next: Instant::now(),
        }
    }

    /// Passes bytes on until the reader's end, which the writer is told.
    async fn run(
        mut self,
        mut reader: ReadHalf<'_>,
        mut writer: WriteHalf<'_>,
    ) -> Result<(), Broken> {
        let mut piece = vec![0; PIECE];
        let mut pending = 0..0;
        loop {
            let most = self.until_allowed().await?;
            if pending.is_empty() {
                let read = tokio::select! {
                    biased;
                    command = self.command() => { command?; continue }
                    read = reader.read(&mut piece[..most]) => read.map_err(|_| Broken::ByAnEnd)?,
                };
                if read == 0 {
                    return writer.shutdown().await.map_err(|_| Broken::ByAnEnd);
                }
                pending = 0..read;
            } else {
                let end = pending.end.min(pending.start + most);
                let written = tokio::select! {
                    biased;
                    command = self.command() => { command?; continue }
                    written = writer.write(&piece[pending.start..end]) => written.map_err(|_| Broken::ByAnEnd)?,
                };
                pending.start += written;
                self.has_passed(written as u64);
            }
        }
    }

    /// Waits until a byte may be passed on, and says how many may be at once.
    async fn until_allowed(&mut self) -> Result<usize, Broken> {
        loop {
            if self.commands.has_changed().map_err(|_| Broken::ByUs)? {
                self.since = 0;
                self.next = Instant::now();
            }
            let behaviour = *self.commands.borrow_and_update();
            match behaviour {
                Behaviour::Pass => return Ok(PIECE),
                Behaviour::Reset => return Err(Broken::ByUs),
                Behaviour::BlackHole => self.command().await?,
                Behaviour::Cut { after } | Behaviour::Hold { after } if after > self.since => {
                    let left = after - self.since;
                    return Ok(usize::try_from(left).unwrap_or(PIECE).min(PIECE));
                }
                Behaviour::Cut { .. } => return Err(Broken::ByUs),
                Behaviour::Hold { .. } => self.command().await?,
                Behaviour::Slow { .. } if self.next > Instant::now() => {
                    tokio::select! {
                        () = sleep_until(self.next) => {}
                        command = self.command() => command?,
                    }
                }
                Behaviour::Slow { bytes_per_second } => {
                    return Ok(tick(bytes_per_second));
                }
            }
        }
    }

    /// Waits for another behaviour, which is still to be looked at afterwards.
    async fn command(&self) -> Result<(), Broken> {
        let mut commands = self.commands.clone();
        commands.changed().await.map_err(|_| Broken::ByUs)
    }

    fn has_passed(&mut self, bytes: u64) {
        self.passed.fetch_add(bytes, Ordering::SeqCst);
        self.since += bytes;
        if let Behaviour::Slow { bytes_per_second } = *self.commands.borrow() {
            let time = Duration::from_nanos(bytes * 1_000_000_000 / bytes_per_second.max(1));
            self.next = self.next.max(Instant::now() - TICK) + time;
        }
    }
}

/// What may pass at once, of so many bytes a second.
fn tick(bytes_per_second: u64) -> usize {
    let bytes = bytes_per_second / 20;
    usize::try_from(bytes).unwrap_or(PIECE).clamp(1, PIECE)
}
