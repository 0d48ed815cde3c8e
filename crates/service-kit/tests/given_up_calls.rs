//! Calls that are given up do not cost the connection: callers who stop waiting are no misbehaviour of the scheduler's.
//!
//! The scheduler here is frames written by hand (RFC 9113): what a real one sends after a call is given up, and before it can
//! know, cannot be made to come late enough.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use http::{Request, StatusCode};
use service_kit::rpc::channel;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tower::{Service, ServiceExt};

/// More than the 1024 that h2 takes as bad luck.
const CALLS: usize = 1200;

const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const RST_STREAM: u8 = 0x3;
const SETTINGS: u8 = 0x4;
const PING: u8 = 0x6;
const ACK: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
/// `:status: 200` in HPACK's static table (RFC 7541).
const OK: &[u8] = &[0x88];

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

/// Says OK to every call; once `CALLS` of them are given up, sends a byte for each of these, and says so.
async fn serve(mut socket: TcpStream, late: &Notify) -> anyhow::Result<()> {
    socket.set_nodelay(true)?;
    let mut preface = [0; 24];
    socket.read_exact(&mut preface).await?;
    write(&mut socket, SETTINGS, 0, 0, &[]).await?;
    let mut given_up = Vec::new();
    while let Ok(frame) = read(&mut socket).await {
        let Frame { kind, flags, .. } = frame;
        match kind {
            SETTINGS if flags & ACK == 0 => write(&mut socket, SETTINGS, ACK, 0, &[]).await?,
            PING if flags & ACK == 0 => write(&mut socket, PING, ACK, 0, &frame.payload).await?,
            HEADERS => write(&mut socket, HEADERS, END_HEADERS, frame.stream, OK).await?,
            RST_STREAM if given_up.len() < CALLS => {
                given_up.push(frame.stream);
                if given_up.len() == CALLS {
                    for stream in &given_up {
                        write(&mut socket, DATA, 0, *stream, b"x").await?;
                    }
                    late.notify_one();
                }
            }
            _ => {}
        }
    }
    Ok(())
}

async fn read(socket: &mut TcpStream) -> std::io::Result<Frame> {
    let mut head = [0; 9];
    socket.read_exact(&mut head).await?;
    let [a, b, c, kind, flags, stream @ ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
    socket.read_exact(&mut payload).await?;
    let stream = u32::from_be_bytes(stream);
    Ok(Frame {
        kind,
        flags,
        stream,
        payload,
    })
}

/// `payload` is of less than 256 bytes.
async fn write(
    socket: &mut TcpStream,
    kind: u8,
    flags: u8,
    stream: u32,
    payload: &[u8],
) -> std::io::Result<()> {
    let length = u8::try_from(payload.len()).map_err(std::io::Error::other)?;
    let mut frame = vec![0, 0, length, kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    socket.write_all(&frame).await
}

/// A call whose answer has begun; dropped, it is given up.
async fn call(channel: &mut Channel) -> anyhow::Result<http::Response<Body>> {
    let request = Request::post("/a.Service/Method").body(Body::empty())?;
    let answer = channel.ready().await?.call(request).await?;
    ensure!(answer.status() == StatusCode::OK, "{answer:?}");
    Ok(answer)
}

#[tokio::test]
async fn calls_given_up_by_the_thousand_leave_the_connection_to_the_others() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = Endpoint::from_shared(format!("http://{}", listener.local_addr()?))?;
    let mut channel = channel(&endpoint, Duration::from_secs(10), None);
    let late = Arc::new(Notify::new());
    let scheduler = tokio::spawn({
        let late = Arc::clone(&late);
        async move {
            let (socket, _) = listener.accept().await?;
            // A second connection finds nobody.
            drop(listener);
            serve(socket, &late).await
        }
    });

    let others = call(&mut channel).await?;
    for _ in 0..CALLS {
        call(&mut channel).await?;
    }
    late.notified().await;
    // Its answer comes behind all that was sent for the calls given up.
    call(&mut channel)
        .await
        .context("the connection was lost")?;
    drop((others, channel));
    scheduler.await?
}
