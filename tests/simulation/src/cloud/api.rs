//! The HTTP of Keystone and Glance, as far as the product calls it.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::glance::Glance;
use super::image::Refusal;
use super::pipe::Pipe;
use crate::flaw::Flaw;
use crate::process::Process;
use crate::scenario::{HalfUploads, Side};
use crate::weather::{Trouble, Weather};

/// A server gives up an upload that stands still for so long, as uwsgi does by its socket timeout.
const UPLOAD_PATIENCE: Duration = Duration::from_secs(15);
/// The pieces in which image data is sent.
const PIECE: usize = 4 * 1024;

type Body = UnsyncBoxBody<Bytes, io::Error>;
type Answer = Result<Response<Body>, io::Error>;

/// Serves one connection until it ends.
pub(super) async fn serve(
    pipe: Pipe,
    glance: Option<Glance>,
    client: Process,
    weather: Arc<Weather>,
) {
    let handle = service_fn(move |request| {
        let (glance, client, weather) = (glance.clone(), client.clone(), weather.clone());
        async move {
            let Some(glance) = glance else {
                return Ok(token(&weather).await);
            };
            let call = Call {
                glance,
                client,
                weather,
            };
            call.answer(request).await
        }
    });
    // A connection that breaks is what half of the runs are about.
    let _broken = http1::Builder::new()
        .serve_connection(TokioIo::new(pipe), handle)
        .await;
}

/// Keystone, which has nothing to say but yes.
async fn token(weather: &Weather) -> Response<Body> {
    weather.chance.pause(30, 1..=100).await;
    let user = json!({"id": "replicator", "name": "replicator",
        "domain": {"id": "default", "name": "Default"}});
    let token = json!({"token": {"user": user, "roles": [{"name": "member"}],
        "issued_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-01T01:00:00Z"}});
    let mut response = respond(201, token.to_string());
    let headers = response.headers_mut();
    headers.insert("x-subject-token", http::HeaderValue::from_static("token"));
    response
}

/// One call to a Glance.
struct Call {
    glance: Glance,
    /// Who calls.
    client: Process,
    weather: Arc<Weather>,
}

impl Call {
    async fn answer(self, request: Request<Incoming>) -> Answer {
        let side = self.glance.side;
        let chance = &self.weather.chance;
        let path = request.uri().path().to_owned();
        let path = path.strip_prefix("/v2/images").unwrap_or_default();
        let path = path.trim_start_matches('/');
        if self.weather.is(Trouble::GlanceRefuses(side)) && chance.percent(60) {
            let status = [401, 500, 503][chance.index(3)];
            return Ok(refuse((status, "not now")));
        }
        let loses_answer = self.weather.mishap();
        let method = request.method().clone();
        let answer = match (&method, path.strip_suffix("/file")) {
            (&Method::GET, Some(id)) => self.download(&request, id).await,
            (&Method::PUT, Some(id)) => {
                let id = id.to_owned();
                self.asks_for_write(&id, false);
                self.upload(request, &id).await?
            }
            (&Method::GET, None) => {
                chance.pause(20, 1..=100).await;
                match self.glance.images().find(path) {
                    Ok(image) => respond(200, Value::Object(image.attributes.clone()).to_string()),
                    Err(refusal) => refuse(refusal),
                }
            }
            _ => {
                let body = request.into_body().collect().await;
                let body = body.map_err(io::Error::other)?.to_bytes();
                let body = serde_json::from_slice(&body).unwrap_or_default();
                self.change(method, path.to_owned(), body).await?
            }
        };
        if loses_answer {
            self.glance.note("an answer is lost");
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(answer)
    }

    /// A request to change an image has arrived.
    fn asks_for_write(&self, id: &str, makes_own: bool) {
        if let Some(id) = id
            .parse()
            .ok()
            .filter(|_| self.glance.side == Side::Destination)
        {
            let witness = &self.weather.witness;
            witness.asks_for_write(&self.client, id, makes_own);
        }
    }

    /// A change of an image's metadata. It takes effect whether or not its client waits for it.
    async fn change(&self, method: Method, path: String, body: Value) -> Answer {
        let of_new = body.get("id").and_then(Value::as_str).map(str::to_owned);
        let id = match method {
            Method::POST => of_new.unwrap_or_default(),
            _ => path,
        };
        // An image that is created to be deleted has no formats.
        let makes_own = method == Method::POST && body["disk_format"].is_string();
        self.asks_for_write(&id, makes_own);
        let (glance, weather) = (self.glance.clone(), self.weather.clone());
        let workers = glance.workers();
        let doing = tokio::spawn(async move {
            glance.arrive(&weather, &method, &id).await;
            let is_kept = glance.side == Side::Destination && weather.is(Trouble::GlanceKeeps);
            let done = {
                let mut images = glance.images();
                match method {
                    Method::POST => {
                        let wanted = body.as_object().cloned().unwrap_or_default();
                        let created = images.create(&wanted).map(Some);
                        if created.is_ok() && !makes_own && weather.flaw == Flaw::NoTombstones {
                            images.forget(&id);
                        }
                        created
                    }
                    Method::PATCH => {
                        let changes = body.as_array().cloned().unwrap_or_default();
                        images.patch(&id, &changes).map(Some)
                    }
                    _ if is_kept => Err((409, "the image is in use")),
                    _ => images.delete(&id).map(|()| None),
                }
            };
            glance.witness(&id);
            let outcome = done.as_ref().map_or_else(|refusal| refusal.0, |_| 200);
            glance.note(format_args!("{method} {id} → {outcome}"));
            if (is_kept, outcome) == (true, 409) {
                weather.journal.meet("delete refused", &id);
            }
            weather.chance.pause(20, 1..=100).await;
            match done {
                Ok(Some(document)) => respond(200, document.to_string()),
                Ok(None) => respond(204, String::new()),
                Err(refusal) => refuse(refusal),
            }
        });
        let done = workers.run_until_cancelled(doing).await;
        done.ok_or(io::ErrorKind::ConnectionReset)?
            .map_err(io::Error::other)
    }

    async fn download(&self, request: &Request<Incoming>, id: &str) -> Response<Body> {
        let data = match self.glance.images().find(id) {
            Ok(image) => image.data.clone(),
            Err(refusal) => return refuse(refusal),
        };
        let start = request.headers().get("range").and_then(|range| {
            let range = range.to_str().ok()?.strip_prefix("bytes=")?;
            range.trim_end_matches('-').parse::<usize>().ok()
        });
        let total = data.len();
        if start.is_some_and(|start| start >= total) {
            return refuse((416, "the range begins after the end"));
        }
        let from = start.unwrap_or(0);
        let pieces = (from..total).step_by(PIECE);
        let pieces: Vec<Bytes> = pieces
            .map(|at| data.slice(at..total.min(at + PIECE)))
            .collect();
        // How fast the source sends, for this one download.
        let pause = self.weather.chance.within(20..=4_000);
        let weather = self.weather.clone();
        let breaks_at = self.weather.mishap().then_some(pieces.len() / 2);
        let pieces = stream::iter(pieces.into_iter().enumerate()).then(move |(at, piece)| {
            let weather = weather.clone();
            async move {
                sleep(weather.chance.millis(0..=pause)).await;
                match breaks_at == Some(at) {
                    true => Err(io::ErrorKind::ConnectionReset.into()),
                    false => Ok(Frame::data(piece)),
                }
            }
        });
        let mut response = Response::builder().header("content-length", total - from);
        if start.is_some() {
            let range = format!("bytes {from}-{}/{total}", total - 1);
            response = response
                .status(StatusCode::PARTIAL_CONTENT)
                .header("content-range", range);
        }
        let body = BodyExt::boxed_unsync(StreamBody::new(pieces));
        response.body(body).expect("sound headers")
    }

    /// An upload: taken whole, or broken off by its client, or cut short by the death of the server.
    async fn upload(&self, request: Request<Incoming>, id: &str) -> Answer {
        self.glance.arrive(&self.weather, &Method::PUT, id).await;
        let begun = self.glance.images().begin_upload(id);
        let outcome = begun.as_ref().map_or_else(|refusal| refusal.0, |_| 100);
        self.glance.note(format_args!("PUT {id} → {outcome}"));
        let upload = match begun {
            Ok(upload) => upload,
            Err(refusal) => return Ok(refuse(refusal)),
        };
        let (glance, weather) = (self.glance.clone(), self.weather.clone());
        let workers = glance.workers();
        let id = id.to_owned();
        let taking = tokio::spawn(async move {
            let mut received = Received::default();
            let is_late = weather.is(Trouble::GlanceLate(glance.side)) || weather.mishap();
            let receiving = receive(request.into_body(), &mut received, is_late, &weather);
            let end = workers.run_until_cancelled(receiving).await;
            match end {
                None => {
                    weather.journal.meet("upload cut by death", &id);
                    glance.after_death(&id, upload, received);
                    Err(io::ErrorKind::ConnectionReset.into())
                }
                Some(false) => {
                    weather.journal.meet("upload broken", &id);
                    // It takes Glance a moment to notice.
                    sleep(weather.chance.millis(1..=1_500)).await;
                    glance.images().break_upload(&id, upload);
                    Ok(refuse((400, "the body is not whole")))
                }
                Some(true) => {
                    let sent = received.data;
                    let mut data = sent.clone();
                    if weather.mishap()
                        || weather.is(Trouble::GlanceCorrupts) && weather.chance.percent(60)
                    {
                        weather.journal.meet("stored wrongly", &id);
                        data[0] ^= 1;
                    }
                    let data = Bytes::from(data);
                    let hashed = match weather.flaw {
                        Flaw::VerifiesNothing => &sent[..],
                        _ => &data[..],
                    };
                    let stored = glance
                        .images()
                        .end_upload(&id, upload, data.clone(), hashed);
                    glance.witness(&id);
                    let outcome = stored.as_ref().map_or_else(|refusal| refusal.0, |()| 204);
                    glance.note(format_args!("{id} is stored → {outcome}"));
                    Ok(match stored {
                        Ok(()) => respond(204, String::new()),
                        Err(refusal) => refuse(refusal),
                    })
                }
            }
        });
        taking.await.map_err(io::Error::other)?
    }
}

/// What has come of an upload.
#[derive(Default)]
struct Received {
    data: Vec<u8>,
    is_whole: bool,
}

/// Reads a body and stores it; whether it was whole.
async fn receive(
    mut body: Incoming,
    received: &mut Received,
    is_late: bool,
    weather: &Weather,
) -> bool {
    loop {
        match timeout(UPLOAD_PATIENCE, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    received.data.extend_from_slice(data);
                }
            }
            Ok(None) => break,
            Ok(Some(Err(_))) | Err(_) => return false,
        }
    }
    received.is_whole = true;
    // It hashes, and may move the data; its client may have gone by then.
    let longest = if is_late { 30_000 } else { 2_000 };
    sleep(weather.chance.millis(1..=longest)).await;
    true
}

impl Glance {
    /// How long it takes until a write is begun.
    async fn arrive(&self, weather: &Weather, method: &Method, id: &str) {
        if weather.is(Trouble::GlanceLate(self.side)) || weather.mishap() {
            let late = weather.chance.millis(500..=30_000);
            let what = format!("{method} {id} by {late:?}");
            weather.journal.meet("late write", what);
            sleep(late).await;
        } else {
            weather.chance.pause(30, 1..=150).await;
        }
    }

    fn after_death(&self, id: &str, upload: u64, received: Received) {
        match self.half_uploads {
            HalfUploads::Kept if received.is_whole => {
                // Deleted meanwhile: nothing is stored then.
                let data = Bytes::from(received.data);
                let _ = self.images().end_upload(id, upload, data.clone(), &data);
                self.witness(id);
            }
            HalfUploads::Kept | HalfUploads::Lost => self.images().break_upload(id, upload),
            HalfUploads::Stuck => {}
        }
    }
}

fn respond(status: u16, body: String) -> Response<Body> {
    let never = |never: Infallible| match never {};
    let body = BodyExt::boxed_unsync(Full::new(Bytes::from(body)).map_err(never));
    let response = Response::builder().status(status);
    response.body(body).expect("a status")
}

fn refuse((status, words): Refusal) -> Response<Body> {
    respond(status, json!({"message": words}).to_string())
}
