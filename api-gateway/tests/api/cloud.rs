//! A double of one Keystone and the Glances of two regions, over HTTP, so that the real clients are
//! tested with it.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Path, Query, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use service_kit::{Clock, SystemClock};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub(crate) const SOURCE_TENANT: &str = "236ae314ef6944f4ab98fa7519e54325";
pub(crate) const DESTINATION_TENANT: &str = "91b5c7c09cbd45caa3c146fd67ae471e";
pub(crate) const IMAGE: &str = "335eef3f-551d-46e1-8781-173f43209d48";

/// Keystone and two Glances.
pub(crate) struct FakeCloud {
    pub address: SocketAddr,
    state: Shared,
    /// Stops when dropped.
    _server: JoinSet<()>,
}

#[derive(Default)]
pub(crate) struct CloudState {
    tokens: HashMap<String, Value>,
    /// Roles on projects, by user.
    pub roles: HashMap<(String, String), Vec<String>>,
    pub projects: HashMap<String, Vec<String>>,
    pub images: HashMap<String, Value>,
    /// `keystone`, `ot1`, `ot2`.
    pub down: HashSet<&'static str>,
    /// Take requests and never answer.
    pub frozen: HashSet<&'static str>,
    /// Service tokens that Keystone does not accept any more.
    pub revoked: HashSet<String>,
    pub validations: usize,
    pub validation_takes: Duration,
    pub service_tokens: usize,
    pub request_ids: Vec<String>,
}

type Shared = Arc<Mutex<CloudState>>;

impl FakeCloud {
    /// Alice is a member of both projects; one image is there.
    pub(crate) async fn start() -> Self {
        let state = Shared::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut server = JoinSet::new();
        let app = routes(state.clone());
        server.spawn(async move { axum::serve(listener, app).await.expect("serves") });
        let cloud = Self {
            address,
            state,
            _server: server,
        };
        cloud.add_token("alice", Some(SOURCE_TENANT), &["member", "reader"]);
        cloud.add_token("rita", Some(SOURCE_TENANT), &["reader"]);
        cloud.add_token("bob", Some("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), &["member"]);
        cloud.add_token("root", Some("ad0000000000000000000000000000ad"), &["admin"]);
        cloud.edit(|state| {
            for user in ["alice", "root"] {
                let there = (user.to_owned(), DESTINATION_TENANT.to_owned());
                state.roles.insert(there, vec!["member".to_owned()]);
            }
            state
                .projects
                .insert(DESTINATION_TENANT.to_owned(), vec!["region:ot2".to_owned()]);
            state
                .projects
                .insert(SOURCE_TENANT.to_owned(), vec!["region:ot1".to_owned()]);
            state.images.insert(IMAGE.to_owned(), image());
        });
        cloud
    }

    /// A token named like its user.
    pub(crate) fn add_token(&self, user: &str, project: Option<&str>, roles: &[&str]) {
        self.add_expiring_token(user, project, roles, Duration::from_secs(3600));
    }

    pub(crate) fn add_expiring_token(
        &self,
        user: &str,
        project: Option<&str>,
        roles: &[&str],
        valid: Duration,
    ) {
        let token = token(user, project, roles, SystemClock.now() + valid);
        self.edit(|state| state.tokens.insert(user.to_owned(), token));
    }

    pub(crate) fn edit<T>(&self, change: impl FnOnce(&mut CloudState) -> T) -> T {
        change(&mut lock(&self.state))
    }
}

fn image() -> Value {
    json!({
        "id": IMAGE, "name": "Test-image-Ubuntu", "status": "active", "visibility": "private",
        "owner": SOURCE_TENANT, "os_hidden": false, "protected": false, "tags": [],
        "disk_format": "qcow2", "container_format": "bare", "min_disk": 0, "min_ram": 0,
        "size": 4096, "checksum": "d41d8cd98f00b204e9800998ecf8427e",
        "os_hash_algo": "sha512", "os_hash_value": "ab".repeat(64),
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    })
}

fn token(user: &str, project: Option<&str>, roles: &[&str], expires_at: Timestamp) -> Value {
    let domain = json!({"id": "default", "name": "Default"});
    let mut token = json!({
        "user": {"id": format!("{user}-id"), "name": user, "domain": domain},
        "methods": ["password"],
        "roles": roles.iter().map(|role| json!({"id": role, "name": role})).collect::<Vec<_>>(),
        "issued_at": (SystemClock.now() - Duration::from_secs(60)).to_string(),
        "expires_at": expires_at.to_string(),
    });
    if let Some(id) = project {
        token["project"] = json!({"id": id, "name": id, "domain": domain});
    }
    json!({ "token": token })
}

fn routes(state: Shared) -> Router {
    Router::new()
        .route("/v3/auth/tokens", post(issue).get(validate))
        .route("/v3/projects/{id}", get(project))
        .route("/v3/role_assignments", get(role_assignments))
        .route("/{region}/v2/images/{id}", get(show))
        .route("/{region}/v2/images/{id}/file", get(first_byte))
        .route("/{region}/v2/schemas/image", get(schema))
        .layer(from_fn_with_state(state.clone(), perhaps_down))
        .with_state(state)
}

async fn perhaps_down(State(state): State<Shared>, request: Request, next: Next) -> Response {
    let part = match request.uri().path().split('/').nth(1) {
        Some("v3") => "keystone",
        Some("ot1") => "ot1",
        _ => "ot2",
    };
    let (is_down, is_frozen) = {
        let mut state = lock(&state);
        let id = request.headers().get("x-openstack-request-id");
        let id = id
            .and_then(|id| id.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        state.request_ids.push(id);
        (state.down.contains(part), state.frozen.contains(part))
    };
    if is_frozen {
        std::future::pending::<()>().await;
    }
    if is_down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    next.run(request).await
}

async fn issue(State(state): State<Shared>) -> Response {
    let mut state = lock(&state);
    state.service_tokens += 1;
    let secret = format!("service-{}", state.service_tokens);
    let expires_at = SystemClock.now() + Duration::from_secs(3600);
    let token = token("image-replicator", None, &["reader"], expires_at);
    (
        StatusCode::CREATED,
        [("x-subject-token", secret)],
        Json(token),
    )
        .into_response()
}

async fn validate(State(state): State<Shared>, headers: HeaderMap) -> Response {
    let wait = lock(&state).validation_takes;
    tokio::time::sleep(wait).await;
    let mut state = lock(&state);
    if !is_service(&state, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    state.validations += 1;
    match state.tokens.get(header(&headers, "x-subject-token")) {
        Some(token) => Json(token.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn project(State(state): State<Shared>, Path(id): Path<String>) -> Response {
    match lock(&state).projects.get(&id) {
        Some(tags) => Json(json!({"project": {
            "id": id, "name": id, "enabled": true, "domain_id": "default", "tags": tags,
        }}))
        .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn role_assignments(
    State(state): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    let part = |key: &str| query.get(key).cloned().unwrap_or_default();
    let user = part("user.id").trim_end_matches("-id").to_owned();
    let roles = lock(&state)
        .roles
        .get(&(user, part("scope.project.id")))
        .cloned();
    let assignments: Vec<Value> = roles
        .unwrap_or_default()
        .into_iter()
        .map(|name| json!({"role": {"id": name, "name": name}}))
        .collect();
    Json(json!({ "role_assignments": assignments }))
}

async fn show(State(state): State<Shared>, Path((_, id)): Path<(String, String)>) -> Response {
    match lock(&state).images.get(&id) {
        Some(image) => Json(image.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn first_byte(
    State(state): State<Shared>,
    Path((_, id)): Path<(String, String)>,
) -> Response {
    if !lock(&state).images.contains_key(&id) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let range = [
        ("content-range", "bytes 0-0/4096"),
        ("content-type", "application/octet-stream"),
    ];
    (StatusCode::PARTIAL_CONTENT, range, "x").into_response()
}

async fn schema() -> Json<Value> {
    Json(json!({"name": "image", "properties": {
        "disk_format": {"enum": [null, "qcow2", "raw"]},
        "container_format": {"enum": [null, "bare"]},
    }}))
}

fn is_service(state: &CloudState, headers: &HeaderMap) -> bool {
    let token = header(headers, "x-auth-token");
    token.starts_with("service-") && !state.revoked.contains(token)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

fn lock(state: &Shared) -> MutexGuard<'_, CloudState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
