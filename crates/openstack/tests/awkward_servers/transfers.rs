//! Transfers: early answers, dishonoured ranges, bodies of the wrong length.

use std::time::Duration;

use bytes::Bytes;
use domain::ImageId;
use futures::future::BoxFuture;
use http_body_util::{BodyExt, Full, StreamBody};
use openstack::{
    Auth, ByteRange, DownloadRefused, Error, Glance, HttpClient, HttpSettings, SpareConnections,
    Ungated, Withheld, WriteGate,
};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpListener;

use super::server::{Answer, Server};

/// More than the socket buffers of both sides take.
const LARGE: usize = 64 * 1024 * 1024;

fn glance(server: &Server) -> Glance {
    let http = HttpClient::new(HttpSettings::default()).expect("default settings");
    let auth = Auth::Caller(SecretString::from("gAAAA-token"));
    Glance::new(server.url.clone(), auth, http)
}

fn image() -> ImageId {
    "335eef3f-551d-46e1-8781-173f43209d48"
        .parse()
        .expect("a UUID")
}

/// `count` frames of 1 MiB, which share their memory.
fn frames(
    count: usize,
) -> impl http_body::Body<Data = Bytes, Error = std::io::Error> + Send + Unpin {
    let frame = Bytes::from(vec![7; 1024 * 1024]);
    StreamBody::new(futures::stream::iter(
        std::iter::repeat_with(move || Ok(http_body::Frame::data(frame.clone()))).take(count),
    ))
}

async fn upload(answer: Answer) -> Result<(), Error> {
    let server = Server::start(vec![answer]).await;
    let count = LARGE / (1024 * 1024);
    glance(&server)
        .writes(&Ungated)
        .upload(image(), LARGE as u64, frames(count))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_early_answer_is_heard_although_the_connection_is_closed_with_it() {
    let page = "<html><head><title>413 Request Entity Too Large</title></head><body>\
                <h1>413 Request Entity Too Large</h1>Denying attempt to upload image.</body></html>";
    let headers = "Content-Type: text/html\r\n";
    // The close races with the writes: many rounds, every one must hear the answer.
    for _ in 0..20 {
        let quota = Answer::new("413 Request Entity Too Large", headers, page).early();
        match upload(quota).await {
            Err(Error::TooLarge(_)) => {}
            other => panic!("{other:?}"),
        }
        let token = Answer::new("401 Unauthorized", "", "").early();
        assert_eq!(upload(token).await, Err(Error::Unauthorized(String::new())));
    }
}

#[tokio::test]
async fn a_late_answer_carries_its_words() {
    let conflict = Answer::new(
        "409 Conflict",
        "",
        "<html><body><h1>409 Conflict</h1>Image status transition from saving to saving is not allowed<br /></body></html>",
    );
    assert_eq!(
        upload(conflict).await,
        Err(Error::Conflict(
            "Image status transition from saving to saving is not allowed".to_owned()
        ))
    );
    assert_eq!(upload(Answer::new("204 No Content", "", "")).await, Ok(()));
}

#[tokio::test]
async fn a_success_that_comes_too_early_is_none() {
    let error = upload(Answer::new("204 No Content", "", "").early()).await;
    assert!(matches!(error, Err(Error::Malformed(_))), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_closes_without_a_word_is_interrupted() {
    let error = upload(Answer::raw("").early()).await;
    assert!(matches!(error, Err(Error::Interrupted(_))), "{error:?}");
}

#[tokio::test]
async fn an_upload_announces_its_size_and_nothing_else() {
    let server = Server::start(vec![Answer::new("204 No Content", "", "")]).await;
    let body = Full::new(Bytes::from_static(b"twelve bytes"));
    glance(&server)
        .writes(&Ungated)
        .upload(image(), 12, body)
        .await
        .expect("stored");
    let head = server.heads().remove(0);
    assert!(head.starts_with(&format!("put /v2/images/{}/file http/1.1\r\n", image())));
    for line in [
        "content-length: 12\r\n",
        "x-openstack-image-size: 12\r\n",
        "content-type: application/octet-stream\r\n",
        "x-auth-token: gaaaa-token\r\n",
    ] {
        assert!(head.contains(line), "{line} in {head}");
    }
    assert!(
        !head.contains("transfer-encoding") && !head.contains("expect"),
        "{head}"
    );
}

struct Closed;

impl WriteGate for Closed {
    fn permit(&self) -> BoxFuture<'_, Result<(), Withheld>> {
        Box::pin(std::future::ready(Err(Withheld)))
    }
}

#[tokio::test]
async fn an_upload_that_its_gate_withholds_is_not_begun() {
    let server = Server::start(vec![Answer::new("204 No Content", "", "")]).await;
    let glance = glance(&server);
    let withheld = glance.writes(&Closed).upload(image(), 1, frames(1)).await;
    assert_eq!(withheld, Err(Error::Withheld(Withheld)));
    assert_eq!(server.heads().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_reads_nothing_learns_at_once_that_an_upload_was_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let http = HttpClient::new(HttpSettings::default()).expect("default settings");
    let auth = Auth::Caller(SecretString::from("gAAAA-token"));
    let url = format!("http://{address}").parse().expect("a URL");
    let glance = Glance::new(url, auth, http);
    let writes = glance.writes(&Ungated);
    let count = LARGE / (1024 * 1024);
    let accepted = {
        let uploading = writes.upload(image(), LARGE as u64, frames(count));
        let accepted = async {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.readable().await.expect("a request");
            stream
        };
        tokio::select! {
            ended = uploading => panic!("{ended:?}"),
            accepted = accepted => accepted,
        }
    };
    let closed = async {
        while !accepted
            .ready(Interest::READABLE)
            .await
            .expect("it is open")
            .is_read_closed()
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let closed = tokio::time::timeout(Duration::from_secs(20), closed).await;
    closed.expect("it never learns");
}

#[tokio::test]
async fn a_body_of_another_length_never_passes() {
    for (announced, given) in [(3, 2), (1, 2)] {
        let server = Server::start(vec![Answer::new("204 No Content", "", "")]).await;
        let size = announced * 1024 * 1024;
        let error = glance(&server)
            .writes(&Ungated)
            .upload(image(), size, frames(given))
            .await;
        assert!(matches!(error, Err(Error::UploadBody(_))), "{error:?}");
    }
    let server = Server::start(vec![Answer::new("204 No Content", "", "")]).await;
    let error = glance(&server)
        .writes(&Ungated)
        .upload(image(), 0, frames(0))
        .await;
    assert!(matches!(error, Err(Error::UploadBody(_))), "{error:?}");
    assert_eq!(server.heads().len(), 0);
}

#[tokio::test]
async fn a_body_that_fails_is_told_from_a_server_that_fails() {
    let server = Server::start(vec![Answer::new("204 No Content", "", "")]).await;
    let broken = StreamBody::new(futures::stream::iter([
        Ok(http_body::Frame::data(Bytes::from_static(b"a"))),
        Err(std::io::Error::other("the source went away")),
    ]));
    let error = glance(&server)
        .writes(&Ungated)
        .upload(image(), 2, broken)
        .await;
    assert_eq!(
        error,
        Err(Error::UploadBody("the source went away".to_owned()))
    );
}

async fn ranged(status: &str, headers: &str, body: &str) -> Result<Bytes, Error> {
    let server = Server::start(vec![Answer::new(status, headers, body)]).await;
    let range = ByteRange {
        first: 2,
        last: Some(4),
    };
    let download = glance(&server).download(image(), Some(range)).await?;
    Ok(download.body.collect().await?.to_bytes())
}

#[tokio::test]
async fn only_the_range_that_was_asked_for_is_taken() {
    let partial = "206 Partial Content";
    assert_eq!(
        ranged(partial, "Content-Range: bytes 2-4/9\r\n", "cde").await,
        Ok(Bytes::from_static(b"cde"))
    );
    let dishonoured = [
        ("200 OK", "", "abcdefghi"),
        (partial, "", "cde"),
        (partial, "Content-Range: bytes 0-2/9\r\n", "abc"),
        (partial, "Content-Range: bytes 2-5/9\r\n", "cdef"),
        (partial, "Content-Range: bytes 2-4/9\r\n", "cd"),
        ("204 No Content", "", ""),
    ];
    for (status, headers, body) in dishonoured {
        let result = ranged(status, headers, body).await;
        let is_seen = match status {
            "204 No Content" => result == Ok(Bytes::new()),
            _ => matches!(result, Err(Error::RangeIgnored(_))),
        };
        assert!(is_seen, "{status} {headers} {result:?}");
    }
}

#[tokio::test]
async fn a_download_that_breaks_off_is_no_download() {
    let broken = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nabc";
    let server = Server::start(vec![Answer::raw(broken)]).await;
    let download = glance(&server)
        .download(image(), None)
        .await
        .expect("opened");
    assert_eq!(download.length, Some(10));
    let error = download.body.collect().await.expect_err("incomplete");
    assert!(matches!(error, Error::Interrupted(_)), "{error:?}");
}

#[tokio::test]
async fn a_first_byte_that_never_comes_is_not_waited_for_without_end() {
    let headers_alone = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
    let server = Server::start(vec![Answer::raw(headers_alone).kept_open()]).await;
    let settings = HttpSettings {
        response_timeout: std::time::Duration::from_millis(300),
        ..HttpSettings::default()
    };
    let http = HttpClient::new(settings).expect("good settings");
    let auth = Auth::Caller(SecretString::from("gAAAA-token"));
    let glance = Glance::new(server.url.clone(), auth, http);
    let download = glance.download(image(), None).await.expect("opened");
    let proof = download.prove_readable().await;
    assert!(matches!(proof, Err(Error::Timeout(_))), "{proof:?}");
}

/// A server that answers two ranges of three bytes on each connection, and closes it with the third.
async fn ranges() -> (Glance, tokio::sync::mpsc::UnboundedReceiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (told, connections) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        for number in 0.. {
            let Ok((mut stream, _)) = listener.accept().await else {
                return;
            };
            let told = told.clone();
            tokio::spawn(async move {
                for answered in 0.. {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        match stream.read_u8().await {
                            Ok(byte) => head.push(byte),
                            Err(_) => return,
                        }
                    }
                    if answered == 2 || told.send(number).is_err() {
                        return;
                    }
                    let answer = "HTTP/1.1 206 Partial Content\r\nContent-Length: 3\r\n\
                                  Content-Range: bytes 5-7/100\r\n\r\nabc";
                    // A client that went away ends this as well.
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            });
        }
    });
    let http = HttpClient::new(HttpSettings::default()).expect("default settings");
    let auth = Auth::Caller(SecretString::from("gAAAA-token"));
    let url = format!("http://{address}").parse().expect("a URL");
    (Glance::new(url, auth, http), connections)
}

#[tokio::test]
async fn a_connection_carries_the_next_range_once_its_last_one_has_come_whole() {
    let (glance, mut connections) = ranges().await;
    let spare = SpareConnections::default();
    let open = || glance.open_download(image(), Some(ByteRange::between(5, 8)), Some(&spare));
    let mut used = Vec::new();
    for whole in [true, true, true, false, true] {
        let mut body = open().await.expect("a range").body;
        if whole {
            let bytes = body.collect().await.expect("three bytes").to_bytes();
            assert_eq!(bytes, "abc");
        } else {
            body.frame().await.expect("a frame").expect("bytes");
        }
        used.push(connections.recv().await.expect("the server runs"));
        // Whether a server keeps connections is known when one has come back and was of use again.
        assert_eq!(spare.are_kept(), used.len() > 1);
    }
    // The server closes the first one with the third request, which goes out again on the second; that one is
    // dropped with a body that was not read to its end.
    assert_eq!(used, [0, 0, 1, 1, 2]);
}

#[tokio::test]
async fn a_connection_that_was_made_in_advance_is_the_next_ones() {
    let (glance, mut connections) = ranges().await;
    let (spare, other) = (SpareConnections::default(), SpareConnections::default());
    assert_eq!(spare.number(), 0);
    for spare in [&spare, &other] {
        let prepared = glance.prepare_download(spare).await;
        prepared.expect("the server takes connections");
    }
    assert_eq!(spare.number(), 1);
    // The server numbers them as they came.
    for (spare, number) in [(&other, 1), (&spare, 0)] {
        let range = Some(ByteRange::between(5, 8));
        let opened = glance.open_download(image(), range, Some(spare)).await;
        let body = opened.expect("a range").body;
        assert_eq!(spare.number(), 0);
        body.collect().await.expect("three bytes");
        assert_eq!(spare.number(), 1);
        assert_eq!(connections.recv().await, Some(number));
    }
}

#[tokio::test]
async fn a_refusal_tells_for_how_long() {
    for (header, expected) in [
        ("Retry-After: 17\r\n", Some(Duration::from_secs(17))),
        ("Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n", None),
        ("", None),
    ] {
        let server = Server::start(vec![Answer::new("503 Busy", header, "")]).await;
        let refused = glance(&server).open_download(image(), None, None).await;
        let expected = DownloadRefused {
            error: Error::ServerError {
                status: 503,
                message: String::new(),
            },
            retry_after: expected,
        };
        assert_eq!(refused.expect_err("a refusal"), expected);
    }
}
