//! The event streams: one job until its end, or all of the caller's jobs.
//!
//! A stream lives no longer than the token that opened it: it ends with the event `token_expired`,
//! and the client comes back with a new token. It also ends when the gateway shuts down. When the
//! client goes away, the stream is dropped and with it the watch at the scheduler.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use futures::stream::unfold;
use http::{HeaderMap, HeaderName};
use tokio::time::{Duration, Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::require_reader;
use super::stream_permits::StreamPermit;
use crate::app::App;
use crate::auth::Caller;
use crate::documented::{EventsFaults, ShowFaults};
use crate::extract::JobIdPath;
use crate::fault::Fault;
use crate::job_document::JobDocument;
use crate::metrics::OpenStream;
use crate::scheduler_client::Changes;
use crate::scope::Scope;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Asks nginx not to hold events back.
const UNBUFFERED: (&str, &str) = ("x-accel-buffering", "no");

/// Watch a copy job
///
/// Server-sent events: a job document at once and on every change, comment lines in between. The
/// stream ends after a final status, or with the event `token_expired` when the token expires.
#[utoipa::path(
    get,
    path = "/v2/extension/image_replicator/jobs/{job_id}/events",
    operation_id = "watchCopyJob",
    tag = "image copy jobs",
    params(("job_id" = uuid::Uuid, Path, description = "The job.")),
    responses(
        (status = 200, description = "Job documents, as `data` of server-sent events.",
            body = JobDocument, content_type = "text/event-stream"),
        ShowFaults,
    ),
)]
pub(super) async fn watch_job(
    caller: Caller,
    JobIdPath(id): JobIdPath,
    State(app): State<Arc<App>>,
    scope: Scope,
) -> Result<Response, Fault> {
    require_reader(&caller)?;
    let permit = app.stream_permits.take(&caller.project)?;
    let viewer = app.jobs_visible_to(&caller);
    let changes = app
        .scheduler
        .watch_job(viewer, id, scope.deadline())
        .await?;
    Ok(respond(
        &app,
        EventStream::new(&app, &caller, permit, changes, Until::FinalStatus),
    ))
}

/// Watch all copy jobs
///
/// Server-sent events: every change of the jobs of the caller's project from now on, as job documents.
/// The `id` of an event is a sequence number: send the last one as `Last-Event-ID` to go on after it.
/// The stream begins with an `id` alone, so that it can be resumed before anything has changed.
/// The stream ends with the event `token_expired` when the token expires.
#[utoipa::path(
    get,
    path = "/v2/extension/image_replicator/jobs/events",
    operation_id = "watchCopyJobs",
    tag = "image copy jobs",
    params(
        ("Last-Event-ID" = Option<String>, Header, nullable = false, pattern = "^[0-9]{0,19}$",
            description = "Go on after this event; without it, or with an empty one, with what changes from \
                           now on."),
    ),
    responses(
        (status = 200, description = "Job documents, as `data` of server-sent events.",
            body = JobDocument, content_type = "text/event-stream"),
        EventsFaults,
    ),
)]
pub(super) async fn watch_jobs(
    caller: Caller,
    State(app): State<Arc<App>>,
    scope: Scope,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    require_reader(&caller)?;
    if query.is_some_and(|query| !query.is_empty()) {
        return Err(Fault::BadRequest(
            "The event stream takes no query: it shows all jobs of your project.".to_owned(),
        ));
    }
    let after = last_event_id(&headers)?;
    let permit = app.stream_permits.take(&caller.project)?;
    let watch = async {
        Ok(app
            .scheduler
            .watch_all(app.own_jobs_of(&caller), after)
            .await?)
    };
    let changes = Scope::within(scope.deadline(), "Opening the event stream", watch).await?;
    Ok(respond(
        &app,
        EventStream::new(&app, &caller, permit, changes, Until::TokenExpires),
    ))
}

/// An empty one is what browsers send when they have seen no id.
fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Fault> {
    let Some(value) = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    // Ids come from a counter of 63 bits.
    let sequence = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse::<i64>().ok())
        .and_then(|sequence| u64::try_from(sequence).ok());
    sequence.map(Some).ok_or_else(|| {
        Fault::BadRequest("Last-Event-ID must be the id of an event of this stream.".to_owned())
    })
}

fn respond(app: &App, stream: EventStream) -> Response {
    let keep_alive = KeepAlive::new().interval(app.keep_alive);
    (
        [UNBUFFERED],
        Sse::new(stream.into_stream()).keep_alive(keep_alive),
    )
        .into_response()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    FinalStatus,
    TokenExpires,
}

struct EventStream {
    changes: Changes,
    until: Until,
    token_expires: Instant,
    shutdown: CancellationToken,
    last: Option<JobDocument>,
    ended: bool,
    /// Held for as long as the stream lives.
    _counted: (StreamPermit, OpenStream),
}

impl EventStream {
    fn new(
        app: &App,
        caller: &Caller,
        permit: StreamPermit,
        changes: Changes,
        until: Until,
    ) -> Self {
        let left = caller.info.expires_at.duration_since(app.clock.now());
        Self {
            changes,
            until,
            token_expires: Instant::now() + Duration::try_from(left).unwrap_or_default(),
            shutdown: app.shutdown.clone(),
            last: None,
            ended: false,
            _counted: (permit, app.metrics.stream_opened()),
        }
    }

    fn into_stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        unfold(self, async |mut stream| {
            let event = stream.next().await?;
            Some((Ok(event), stream))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        while !self.ended {
            let change = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return None,
                () = sleep_until(self.token_expires) => {
                    self.ended = true;
                    return Some(Event::default().event("token_expired").data("{}"));
                }
                change = self.changes.next() => change?,
            };
            let Some(job) = change.job else {
                // An id without data: the client goes on from here when it loses the stream.
                let position = Event::default().id(change.sequence.to_string());
                return Some(position.comment("from here on"));
            };
            let is_final = job.status.is_final();
            let document = JobDocument::from(job);
            match self.until {
                Until::FinalStatus => {
                    self.ended = is_final;
                    // A watch that was lost and found again begins with what is known already.
                    if self.last.as_ref() == Some(&document) {
                        continue;
                    }
                    let event = event(&document);
                    self.last = Some(document);
                    return event;
                }
                Until::TokenExpires => {
                    return event(&document).map(|event| event.id(change.sequence.to_string()));
                }
            }
        }
        None
    }
}

fn event(document: &JobDocument) -> Option<Event> {
    Event::default()
        .json_data(document)
        .inspect_err(|error| tracing::error!(%error, "a job document could not be written"))
        .ok()
}
