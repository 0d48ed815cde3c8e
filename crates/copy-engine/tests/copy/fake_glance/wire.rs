//! The fake's HTTP: one request a connection, written out by hand so that any byte of it can go
//! missing.

use std::io;
use std::sync::Arc;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::images::Refusal;
use super::{Fault, Operation, Shared};

struct Request {
    method: String,
    path: String,
    length: usize,
    /// The first byte, and the one behind the last if it was named.
    range: Option<(usize, Option<usize>)>,
    /// What was read of the body together with the head.
    body: Vec<u8>,
}

pub(super) async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    // A connection that breaks is what half of the tests are about.
    let _broken = answer(&mut stream, &shared).await;
}

async fn answer(stream: &mut TcpStream, shared: &Shared) -> io::Result<()> {
    let request = read_head(stream).await?;
    let (operation, id) = route(&request);
    let fault = shared.begin(operation);
    if let Some(Fault::Tell(told) | Fault::NeverDo(told) | Fault::Hold(told)) = &fault {
        told.cancel();
    }
    if let Some(Fault::NeverDo(_)) = fault {
        return until_closed(stream).await;
    }
    match operation {
        Operation::Download => download(stream, shared, &request, &id, fault).await,
        Operation::Upload => upload(stream, shared, request, &id, fault).await,
        Operation::Show | Operation::Create | Operation::Patch | Operation::Delete => {
            metadata(stream, shared, request, operation, &id, fault).await
        }
    }
}

fn route(request: &Request) -> (Operation, String) {
    let path = request.path.strip_prefix("/v2/images").unwrap_or_default();
    let path = path.trim_start_matches('/');
    let (id, is_file) = match path.strip_suffix("/file") {
        Some(id) => (id, true),
        None => (path, false),
    };
    let operation = match (request.method.as_str(), is_file) {
        ("GET", true) => Operation::Download,
        ("PUT", true) => Operation::Upload,
        ("POST", false) => Operation::Create,
        ("PATCH", false) => Operation::Patch,
        ("DELETE", false) => Operation::Delete,
        _ => Operation::Show,
    };
    (operation, id.to_owned())
}

async fn read_head(stream: &mut TcpStream) -> io::Result<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, path) = (words.next(), words.next());
    let header = |name: &str| {
        lines.clone().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    };
    Ok(Request {
        method: method.unwrap_or_default().to_owned(),
        path: path.unwrap_or_default().to_owned(),
        length: header("content-length").map_or(0, |text| text.parse().expect("a length")),
        range: header("range").map(|text| {
            let range = text.strip_prefix("bytes=").expect("a byte range");
            let (first, last) = range.split_once('-').expect("a range");
            let first = first.parse().expect("a first byte");
            (first, last.parse().ok().map(|last: usize| last + 1))
        }),
        body: bytes.split_off(end + 4),
    })
}

async fn metadata(
    stream: &mut TcpStream,
    shared: &Shared,
    mut request: Request,
    operation: Operation,
    id: &str,
    fault: Option<Fault>,
) -> io::Result<()> {
    read_body(stream, &mut request, usize::MAX).await?;
    if let Some(Fault::Await(word, _)) = &fault {
        word.cancelled().await;
    }
    match fault {
        Some(Fault::Refuse(status, words)) => return refuse(stream, (status, words)).await,
        Some(Fault::Await(_, Some(status))) => return refuse(stream, (status, "no")).await,
        Some(Fault::Ignore) => return Ok(()),
        Some(Fault::AfterDeletion) => delete_by_another(shared, id),
        _ => {}
    }
    if let Some(Fault::Late(requests)) = fault {
        shared.keep(operation, id, request.body, requests);
        return Ok(());
    }
    let perform = || shared.change(|state| state.images.perform(operation, id, &request.body));
    let mut done = perform();
    if let Some(Fault::Twice) = fault {
        done = perform();
    }
    if let Some(Fault::AgainLater(requests)) = fault {
        shared.keep(operation, id, request.body, requests);
    }
    match (fault, done) {
        (Some(Fault::LoseAnswer), _) => Ok(()),
        (Some(Fault::AnswerAnyway(status, words)), _) => refuse(stream, (status, words)).await,
        (Some(Fault::NeverAnswer(told)), _) => {
            told.cancel();
            until_closed(stream).await
        }
        (Some(Fault::GarbleAnswer), Ok(Some(_))) => respond(stream, 201, b"{\"id\": ").await,
        (_, Ok(Some(body))) => respond(stream, 200, body.to_string().as_bytes()).await,
        (_, Ok(None)) => respond(stream, 204, b"").await,
        (_, Err(refusal)) => refuse(stream, refusal).await,
    }
}

async fn download(
    stream: &mut TcpStream,
    shared: &Shared,
    request: &Request,
    id: &str,
    fault: Option<Fault>,
) -> io::Result<()> {
    shared.change(|state| state.ranges.push(request.range));
    match fault {
        Some(Fault::Refuse(status, words)) => return refuse(stream, (status, words)).await,
        Some(Fault::Busy { retry_after }) => {
            let head = format!("503 Busy\r\nretry-after: {retry_after}");
            let head = format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            return stream.write_all(head.as_bytes()).await;
        }
        Some(Fault::Ignore) => return Ok(()),
        Some(Fault::AwaitDownloads(number)) => until_downloads(shared, number).await?,
        _ => {}
    }
    let found = shared
        .state()
        .images
        .find(id)
        .map(|image| image.data.clone());
    let mut data = match found {
        Ok(data) => data,
        Err(refusal) => return refuse(stream, refusal).await,
    };
    let total = data.len();
    let range = match &fault {
        Some(Fault::IgnoreRange) => None,
        _ => request.range,
    };
    let start = range.map(|(start, _)| start);
    if let Some((_, Some(end))) = range {
        data.truncate(end);
    }
    if start.is_some_and(|start| start >= total) {
        return refuse(stream, (416, "the range begins after the end")).await;
    }
    let mut data = data.split_off(start.unwrap_or(0).min(data.len()));
    let mut send = usize::MAX;
    match fault {
        Some(Fault::EndAfter(bytes)) => data.truncate(bytes),
        Some(Fault::Excess(bytes)) => data.extend(vec![0; bytes]),
        Some(Fault::WrongByte(at)) => data[at] ^= 1,
        Some(Fault::BreakAfter(bytes) | Fault::HangAfter(bytes)) => send = bytes,
        _ => {}
    }
    let mut head = format!(
        "HTTP/1.1 {}\r\nconnection: close\r\ncontent-length: {}\r\n",
        if start.is_some() {
            "206 Partial Content"
        } else {
            "200 OK"
        },
        data.len()
    );
    if let Some(start) = start {
        let last = (start + data.len()).saturating_sub(1);
        head.push_str(&format!("content-range: bytes {start}-{last}/{total}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).await?;
    if let Some(Fault::Drip(pause)) = fault {
        for byte in data {
            stream.write_all(&[byte]).await?;
            sleep(pause).await;
        }
        return Ok(());
    }
    if let Some(Fault::PauseAfter { bytes, downloads }) = fault {
        stream.write_all(&data[..bytes]).await?;
        until_downloads(shared, downloads).await?;
        return stream.write_all(&data[bytes..]).await;
    }
    stream.write_all(&data[..send.min(data.len())]).await?;
    if let Some(Fault::HangAfter(_)) = fault {
        until_closed(stream).await?;
        shared.change(|state| state.downloads_left += 1);
    }
    Ok(())
}

async fn until_downloads(shared: &Shared, number: usize) -> io::Result<()> {
    let mut changes = shared.changes.subscribe();
    while shared.state().ranges.len() < number {
        changes.changed().await.map_err(io::Error::other)?;
    }
    Ok(())
}

async fn upload(
    stream: &mut TcpStream,
    shared: &Shared,
    mut request: Request,
    id: &str,
    fault: Option<Fault>,
) -> io::Result<()> {
    if let Some(Fault::Refuse(..) | Fault::Ignore) = fault {
        read_body(stream, &mut request, usize::MAX).await?;
        return match fault {
            Some(Fault::Refuse(status, words)) => refuse(stream, (status, words)).await,
            _ => Ok(()),
        };
    }
    if let Some(Fault::Late(requests)) = fault {
        read_body(stream, &mut request, usize::MAX).await?;
        shared.keep(Operation::Upload, id, request.body, requests);
        return Ok(());
    }
    if let Err(refusal) = shared.change(|state| state.images.begin_upload(id)) {
        read_body(stream, &mut request, usize::MAX).await?;
        return refuse(stream, refusal).await;
    }
    let limit = match fault {
        Some(Fault::DropAfter(bytes) | Fault::DieAfter(bytes) | Fault::StallAfter(bytes)) => bytes,
        _ => usize::MAX,
    };
    let whole = match fault {
        Some(Fault::Hold(_)) => {
            until_closed(stream).await?;
            Err(io::ErrorKind::UnexpectedEof.into())
        }
        _ => read_body(stream, &mut request, limit).await,
    };
    if let Some(Fault::StallAfter(_)) = fault {
        // Until the other side has had enough and asks how the image stands.
        let mut changes = shared.changes.subscribe();
        changes.changed().await.map_err(io::Error::other)?;
    }
    if whole.is_err() || limit != usize::MAX {
        if !matches!(fault, Some(Fault::DieAfter(_))) {
            shared.change(|state| {
                if let Ok(image) = state.images.find_mut(id) {
                    image.set_status("queued");
                }
            });
        }
        return Ok(());
    }
    match fault {
        Some(Fault::AfterDeletion) => delete_by_another(shared, id),
        Some(Fault::StoreWrongly) => request.body[0] ^= 1,
        Some(Fault::StoreOnceAskedFor) => {
            shared.change(|state| state.uploads_read += 1);
            let mut changes = shared.changes.subscribe();
            changes.changed().await.map_err(io::Error::other)?;
        }
        _ => {}
    }
    if let Some(Fault::AgainLater(requests)) = fault {
        shared.keep(Operation::Upload, id, request.body.clone(), requests);
    }
    let mut stored = shared.change(|state| state.images.end_upload(id, request.body));
    if let Some(Fault::Twice) = fault {
        stored = shared.change(|state| state.images.begin_upload(id));
    }
    match (fault, stored) {
        (Some(Fault::LoseAnswer), _) => Ok(()),
        (Some(Fault::AnswerAnyway(status, words)), _) => refuse(stream, (status, words)).await,
        (Some(Fault::NeverAnswer(told)), _) => {
            told.cancel();
            until_closed(stream).await
        }
        (_, Ok(())) => respond(stream, 204, b"").await,
        (_, Err(refusal)) => refuse(stream, refusal).await,
    }
}

/// Reads the body, or its first `limit` bytes. An error when it breaks off before.
async fn read_body(stream: &mut TcpStream, request: &mut Request, limit: usize) -> io::Result<()> {
    let wanted = request.length.min(limit);
    while request.body.len() < wanted {
        if stream.read_buf(&mut request.body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// Reads on, without a word, until the other side closes the connection.
async fn until_closed(stream: &mut TcpStream) -> io::Result<()> {
    let mut unread = [0; 4096];
    while stream.read(&mut unread).await.unwrap_or(0) > 0 {}
    Ok(())
}

fn delete_by_another(shared: &Shared, id: &str) {
    shared.change(|state| {
        if let Ok(image) = state.images.find_mut(id) {
            image
                .attributes
                .insert("protected".to_owned(), Value::Bool(false));
            state.images.delete(id).expect("it is there, unprotected");
        }
    });
}

async fn refuse(stream: &mut TcpStream, (status, words): Refusal) -> io::Result<()> {
    respond(
        stream,
        status,
        format!("{{\"message\": \"{words}\"}}").as_bytes(),
    )
    .await
}

async fn respond(stream: &mut TcpStream, status: u16, body: &[u8]) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} Said So\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await
}
