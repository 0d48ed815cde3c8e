//! `POST …/jobs`: the checks in their documented order, then the job, then the wake-up, then 202.

use std::sync::Arc;

use admission::{Refusal, Wanted};
use axum::body::Body;
use axum::extract::State;
use domain::{CopySpec, JobId};
use http::HeaderMap;
use service_kit::telemetry::trace_context::current_traceparent;

use crate::abandoned_creates::not_after;
use crate::answer::Accepted;
use crate::app::App;
use crate::auth::Caller;
use crate::copy_request::{CopyRequest, CopyRequestSchema};
use crate::documented::CopyFaults;
use crate::extract::{IdempotencyKey, read_body, require_json};
use crate::fault::Fault;
use crate::job_document::AcceptedJob;
use crate::scheduler_client::{CreateError, KeyedJob, NewJob};
use crate::scope::Scope;

/// Copy an image
///
/// Requests a copy of an image of this region for a project of another region. The answer comes at
/// once; the copy is made in the background and is `replicated` only when its hash has been compared
/// with the source's.
#[utoipa::path(
    post,
    path = "/v2/extension/image_replicator/jobs",
    operation_id = "copyImage",
    tag = "image copy jobs",
    params(
        ("Idempotency-Key" = Option<String>, Header, nullable = false, pattern = "^[ -~]{1,255}$",
            description = "1 to 255 printable ASCII characters. For 24 hours, the same key and \
                           request in the same project give the same job; another request is \
                           refused with 409."),
    ),
    request_body(content = CopyRequestSchema, content_type = "application/json"),
    responses(
        (status = 202, description = "The copy is accepted.", body = AcceptedJob,
            content_type = "application/json; charset=UTF-8"),
        CopyFaults,
    ),
)]
pub(super) async fn copy_image(
    caller: Caller,
    State(app): State<Arc<App>>,
    scope: Scope,
    headers: HeaderMap,
    body: Body,
) -> Result<Accepted<AcceptedJob>, Fault> {
    require_json(&headers)?;
    let body = read_body(&headers, body, app.body_limit, scope.deadline()).await?;
    let request =
        CopyRequest::parse(&body).map_err(|invalid| Fault::BadRequest(invalid.to_string()))?;
    scope.is_about(|subject| {
        subject.image = Some(request.image);
        subject.tenant = Some(request.tenant.clone());
        subject.region.clone_from(&request.region);
    });
    let key = IdempotencyKey::of(&headers)?;
    // As for an image that cannot be downloaded: whoever may only read learns nothing of images.
    if !caller.may_copy {
        return Err(Refusal::ImageNotFound {
            image: request.image,
        }
        .into());
    }
    // Before the image is looked at: it may be gone by now, the answer stands all the same.
    if let Some(key) = &key
        && let Some(job) = job_of_key(&app, &caller, &scope, key).await?
    {
        return answer_to_key(&job, &request, &scope);
    }
    let spec = admitted_spec(&app, &caller, &scope, &request).await?;
    let job = NewJob {
        id: JobId::generate(),
        not_after: not_after(app.clock.now(), scope.deadline()),
        spec,
        request_digest: request.digest(),
        key: key.map(|key| key.as_str().to_owned()),
    };
    scope.is_about(|subject| {
        subject.id = Some(*job.id.as_uuid());
        subject.region = Some(job.spec.destination.region.clone());
    });
    let created = create(&app, &caller, &scope, &job).await?;
    if created.id != job.id {
        // Another request with the same key was faster.
        return answer_to_key(&created, &request, &scope);
    }
    app.wake_ups
        .announce(job.id, &job.spec, scope.deadline())
        .await;
    tracing::info!(
        job.id = %job.id,
        image.id = %job.spec.source.image,
        region.id = %job.spec.destination.region,
        "a copy is accepted"
    );
    Ok(accepted(job.id))
}

async fn job_of_key(
    app: &App,
    caller: &Caller,
    scope: &Scope,
    key: &IdempotencyKey,
) -> Result<Option<KeyedJob>, Fault> {
    let viewer = app.own_jobs_of(caller);
    let found = app
        .scheduler
        .job_of_key(&viewer, key.as_str(), scope.deadline())
        .await;
    found.map_err(Fault::from)
}

fn answer_to_key(
    job: &KeyedJob,
    request: &CopyRequest,
    scope: &Scope,
) -> Result<Accepted<AcceptedJob>, Fault> {
    scope.is_about(|subject| subject.id = Some(*job.id.as_uuid()));
    if job
        .request_digest
        .as_ref()
        .is_some_and(|digest| *digest != request.digest())
    {
        return Err(Fault::Conflict(
            "The Idempotency-Key was used for another request: use a new key for this one."
                .to_owned(),
        ));
    }
    Ok(accepted(job.id))
}

/// Image, destination tenant, rights, rules, both Glances. A part of the time is left for the create,
/// so that it is not begun without a chance to hear its answer.
async fn admitted_spec(
    app: &App,
    caller: &Caller,
    scope: &Scope,
    request: &CopyRequest,
) -> Result<CopySpec, Fault> {
    let until = scope.deadline() - app.request_deadline / 3;
    let asking = admission::Caller {
        token: caller.token.clone(),
        tenant: caller.project.clone(),
        info: caller.info.clone(),
    };
    let wanted = Wanted {
        image: request.image,
        tenant: request.tenant.clone(),
        region: request.region.clone(),
    };
    let context = scope.onward();
    let decision = async {
        let decided = app.admission.decide(&asking, &wanted, &context).await;
        decided.map_err(Fault::from)
    };
    let admitted = Scope::within(until, "Checking the image and the destination", decision).await?;
    Ok(admitted.into_spec(request.if_identical, current_traceparent(), None))
}

/// Has the job created. A job of unknown fate without a key is canceled: nobody will ask for it again.
async fn create(
    app: &App,
    caller: &Caller,
    scope: &Scope,
    job: &NewJob,
) -> Result<KeyedJob, Fault> {
    let unanswered = job.key.is_none().then(|| {
        app.abandoned_creates
            .unless_answered(job.id, app.own_jobs_of(caller))
    });
    let answer = match app.scheduler.create(job, scope.deadline()).await {
        Err(error @ CreateError::Unknown(_)) => {
            tracing::warn!(job.id = %job.id, %error, "a job may have been created");
            return Err(unknown_fate(job));
        }
        answer => {
            if let Some(unanswered) = unanswered {
                unanswered.answered();
            }
            answer
        }
    };
    answer.map_err(Fault::from)
}

/// A job that may exist. With a key the caller can find out by asking again, and must find a job that
/// goes on; without one nobody will ask, and the job is canceled.
fn unknown_fate(job: &NewJob) -> Fault {
    let id = job.id;
    let remedy = if job.key.is_some() {
        "repeat the request with the same Idempotency-Key to learn whether it does"
    } else {
        "if it does, it will be canceled; show it to be sure, then try again"
    };
    Fault::unavailable(format!(
        "The scheduler did not answer in time. Job {id} may exist: {remedy}."
    ))
}

fn accepted(id: JobId) -> Accepted<AcceptedJob> {
    Accepted(AcceptedJob {
        job_id: *id.as_uuid(),
    })
}
