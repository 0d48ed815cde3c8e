//! A fake Glance, for what a real one cannot be made to do on demand: break off in mid-body, drip,
//! send too much, lose an answer, answer 409 or 410 at a chosen moment, drop an upload.
//!
//! It keeps the rules that the engine relies on and that were seen on the real one: an id that was
//! deleted is never used again, a broken upload sets the image back to `queued`, an empty upload
//! makes an active image of 0 bytes, `protected` forbids a delete. What the real one does is tested
//! with the real one, in the scenarios.

mod faults;
mod images;
mod wire;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::ImageId;
use openstack::{Auth, Glance, HttpClient};
use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinSet;
use url::Url;

pub(crate) use faults::{Fault, Operation};
pub(crate) use images::FakeImage;
use images::Images;

/// A running fake; ends when dropped.
pub(crate) struct FakeGlance {
    url: Url,
    shared: Arc<Shared>,
    _server: JoinSet<()>,
}

/// What the server's connections and the test look at together.
struct Shared {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

/// A request that is still on its way.
struct LateRequest {
    operation: Operation,
    id: String,
    body: Vec<u8>,
    /// The number of the request that it comes before; none: it waits for the test.
    before: Option<usize>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) images: Images,
    faults: Vec<(Operation, Fault)>,
    /// By the number of the request.
    faults_at: BTreeMap<usize, Fault>,
    /// Requests that take effect later than they came.
    late: Vec<LateRequest>,
    /// Every request that came, in order.
    pub(crate) requests: Vec<Operation>,
    /// The ranges of the downloads that came: the first byte, and the one behind the last if it was named.
    pub(crate) ranges: Vec<Option<(usize, Option<usize>)>>,
    /// Downloads that were to hang and that the other side has closed.
    pub(crate) downloads_left: usize,
    /// Uploads whose last byte was read.
    pub(crate) uploads_read: usize,
}

impl FakeGlance {
    pub(crate) async fn start() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        // Small, so that a stalled upload stands still after a few megabytes.
        socket.set_recv_buffer_size(64 * 1024).expect("a size");
        let any_port = (Ipv4Addr::LOCALHOST, 0).into();
        socket.bind(any_port).expect("a free port");
        let listener = socket.listen(64).expect("a listener");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changes: watch::Sender::new(0),
        });
        let mut server = JoinSet::new();
        let serving = shared.clone();
        server.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(wire::serve(stream, serving.clone()));
            }
        });
        Self {
            url: format!("http://127.0.0.1:{port}").parse().expect("a URL"),
            shared,
            _server: server,
        }
    }

    pub(crate) fn client(&self, http: &HttpClient) -> Glance {
        Glance::new(
            self.url.clone(),
            Auth::Caller("a token".into()),
            http.clone(),
        )
    }

    /// Has the next requests of this kind go wrong, one fault each, in the order planned.
    pub(crate) fn plan(&self, operation: Operation, fault: Fault) {
        self.state().faults.push((operation, fault));
    }

    /// Has one request go wrong: the one that comes after so many more.
    pub(crate) fn plan_after(&self, requests: usize, fault: Fault) {
        let mut state = self.state();
        let number = state.requests.len() + requests;
        state.faults_at.insert(number, fault);
    }

    /// Whether every request that was to go wrong by its number has come.
    pub(crate) fn is_disturbed(&self) -> bool {
        self.state().faults_at.is_empty()
    }

    /// Forgets what was planned by number and has not come; says how much that was.
    pub(crate) fn forget_plans(&self) -> usize {
        std::mem::take(&mut self.state().faults_at).len()
    }

    /// Lets everything take effect that is still on its way; says how much that was.
    pub(crate) fn let_late_requests_come(&self) -> usize {
        let late = std::mem::take(&mut self.state().late);
        for request in &late {
            self.shared.change(|state| state.images.come(request));
        }
        late.len()
    }

    pub(crate) fn put(&self, image: FakeImage) {
        self.state().images.put(image);
    }

    pub(crate) fn image(&self, id: ImageId) -> Option<FakeImage> {
        self.state().images.get(id).cloned()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }

    /// Requests that change something, so far.
    pub(crate) fn writes(&self) -> usize {
        let state = self.state();
        state.requests.iter().filter(|op| op.is_write()).count()
    }

    pub(crate) fn count(&self, operation: Operation) -> usize {
        let state = self.state();
        state.requests.iter().filter(|op| **op == operation).count()
    }

    /// Waits until the state is as told.
    pub(crate) async fn until(&self, condition: impl Fn(&State) -> bool) {
        let mut changes = self.shared.changes.subscribe();
        while !condition(&self.state()) {
            changes.changed().await.expect("the fake runs");
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes who waits for a change.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.changes.send_modify(|count| *count += 1);
        result
    }

    /// Notes a request and takes the fault that is planned for it.
    fn begin(&self, operation: Operation) -> Option<Fault> {
        self.change(|state| {
            let number = state.requests.len();
            state.requests.push(operation);
            let comes = |it: &mut LateRequest| it.before.is_some_and(|before| before <= number);
            for request in state.late.extract_if(.., comes).collect::<Vec<_>>() {
                state.images.come(&request);
            }
            if let Some(fault) = state.faults_at.remove(&number) {
                return Some(fault);
            }
            let at = state.faults.iter().position(|(op, _)| *op == operation)?;
            Some(state.faults.remove(at).1)
        })
    }

    /// Keeps a request until so many more have come.
    fn keep(&self, operation: Operation, id: &str, body: Vec<u8>, requests: Option<usize>) {
        self.change(|state| {
            let before = requests.map(|more| state.requests.len() + more - 1);
            state.late.push(LateRequest {
                operation,
                id: id.to_owned(),
                body,
                before,
            });
        });
    }
}
