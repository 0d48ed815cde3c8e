//! One connection: the request goes to Glance and the answer back, with the fault that it meets.
//!
//! A connection serves one request, so that every fault is decided anew.

use std::io::{Error, ErrorKind, Result};
use std::sync::Mutex;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::fault::Page;
use super::request::{Request, head_end, header};
use super::{Fault, Operation, Plans, lock};

/// How often a held request looks whether it is released.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Pause between two trickles.
const DRIP: Duration = Duration::from_millis(250);

pub(super) async fn serve(mut client: TcpStream, plans: &Mutex<Plans>) -> Result<()> {
    let Some(request) = Request::read(&mut client).await? else {
        return Ok(());
    };
    let (fault, glance) = {
        let mut plans = lock(plans);
        (plans.of(&request), plans.glance.clone())
    };
    match fault {
        Some(Fault::Answer(page)) => client.write_all(&page.bytes()).await,
        Some(Fault::Silence) => until_closed(&client).await,
        Some(Fault::Hold) => {
            let image = lock(plans).source_of(&request).unwrap_or_default();
            while !lock(plans).released.contains(&image) {
                sleep(LOOK_EVERY).await;
            }
            client.write_all(&Page::server_error().bytes()).await
        }
        Some(Fault::Trickle(rate)) if request.operation == Operation::Upload => {
            let (answers, to_glance) = reach(&glance, &request).await?;
            let client = client.into_std()?;
            let watched = TcpStream::from_std(client.try_clone()?)?;
            let (requests, to_client) = TcpStream::from_std(client)?.into_split();
            tokio::select! {
                answered = all(answers, to_client) => answered,
                // A client that gives up is noticed at once, not behind what it has sent already.
                given_up = until_closed(&watched) => given_up,
                Err(broken) = trickle(requests, to_glance, rate) => Err(broken),
            }
        }
        fault => {
            let (answers, to_glance) = reach(&glance, &request).await?;
            let (requests, to_client) = client.into_split();
            let answer = answer(answers, to_client, fault);
            tokio::select! {
                answered = answer => answered,
                // The end of the request is not the end of the answer, but a client that is gone is.
                Err(gone) = all(requests, to_glance) => Err(gone),
            }
        }
    }
}

/// A connection to Glance on which the request has been sent as far as it has come.
async fn reach(
    glance: &str,
    request: &Request,
) -> Result<(impl AsyncRead + Unpin, impl AsyncWrite + Unpin)> {
    let (answers, mut to_glance) = TcpStream::connect(glance).await?.into_split();
    to_glance.write_all(&request.head).await?;
    to_glance.write_all(&request.body).await?;
    Ok((answers, to_glance))
}

/// Passes Glance's answer on, with the fault.
async fn answer(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    fault: Option<Fault>,
) -> Result<()> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = head_end(&bytes) {
            break end;
        }
        if from.read_buf(&mut bytes).await? == 0 {
            return to.write_all(&bytes).await;
        }
    };
    let body = bytes.split_off(end);
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let mut body = body.as_slice().chain(from);
    match fault {
        Some(Fault::Trickle(rate)) => {
            to.write_all(&bytes).await?;
            trickle(body, to, rate).await
        }
        Some(Fault::Resized(by)) => {
            let length = length(&head)?;
            let said = length.saturating_add_signed(by);
            let head = resized(&head, said);
            to.write_all(head.as_bytes()).await?;
            tokio::io::copy(&mut (&mut body).take(said), &mut to).await?;
            let more = tokio::io::repeat(7).take(said.saturating_sub(length));
            tokio::io::copy(&mut { more }, &mut to).await?;
            to.shutdown().await
        }
        Some(Fault::BreakAfter(count)) => {
            to.write_all(&bytes).await?;
            tokio::io::copy(&mut body.take(count as u64), &mut to).await?;
            to.shutdown().await
        }
        Some(Fault::WrongByte(place)) => {
            to.write_all(&bytes).await?;
            if let Some(before) = place.checked_sub(first_byte(&head)) {
                tokio::io::copy(&mut (&mut body).take(before), &mut to).await?;
                let byte = body.read_u8().await?;
                to.write_all(&[byte ^ 1]).await?;
            }
            all(body, to).await
        }
        Some(Fault::Pause(after, length)) => {
            to.write_all(&bytes).await?;
            tokio::io::copy(&mut (&mut body).take(after as u64), &mut to).await?;
            to.flush().await?;
            sleep(length).await;
            all(body, to).await
        }
        Some(Fault::Answer(_) | Fault::Silence | Fault::Hold) | None => {
            to.write_all(&bytes).await?;
            all(body, to).await
        }
    }
}

/// Everything, as it comes.
async fn all(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> Result<()> {
    tokio::io::copy(&mut from, &mut to).await?;
    to.shutdown().await
}

/// Everything, at `rate` bytes a second.
async fn trickle(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    rate: u32,
) -> Result<()> {
    let mut drop = vec![0; (rate / 4).max(1) as usize];
    loop {
        let length = from.read(&mut drop).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&drop[..length]).await?;
        sleep(DRIP).await;
    }
}

/// Waits for the client to give up, without reading a byte.
async fn until_closed(client: &TcpStream) -> Result<()> {
    while !client.ready(Interest::READABLE).await?.is_read_closed() {
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

fn length(head: &str) -> Result<u64> {
    header(head, "content-length")
        .and_then(|value| value.parse().ok())
        .ok_or_else(|| Error::from(ErrorKind::InvalidData))
}

/// Where in the image the body begins.
fn first_byte(head: &str) -> u64 {
    let range = header(head, "content-range").unwrap_or_default();
    let first = range.trim_start_matches("bytes ").split('-').next();
    first
        .and_then(|first| first.parse().ok())
        .unwrap_or_default()
}

fn resized(head: &str, length: u64) -> String {
    let lines = head.lines().map(|line| match line.split_once(':') {
        Some((key, _)) if key.eq_ignore_ascii_case("content-length") => {
            format!("{key}: {length}\r\n")
        }
        _ => format!("{line}\r\n"),
    });
    lines.collect()
}
