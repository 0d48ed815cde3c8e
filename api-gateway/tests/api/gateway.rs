//! The gateway with its doubles, and the client that talks to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use api_gateway::Gateway;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use service_kit::config::Config;
use service_kit::{Context, SystemClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cloud::{DESTINATION_TENANT, FakeCloud, IMAGE};
use crate::scheduler::FakeScheduler;

pub(crate) const JOBS: &str = "/v2/extension/image_replicator/jobs";

/// A running gateway and what it talks to.
pub(crate) struct TestGateway {
    pub address: SocketAddr,
    pub cloud: FakeCloud,
    pub scheduler: FakeScheduler,
    pub shutdown: CancellationToken,
    client: Client,
    serving: JoinSet<anyhow::Result<()>>,
}

impl TestGateway {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With further environment variables, as `GATEWAY__KEY`.
    pub(crate) async fn start_with(environment: &[(&str, &str)]) -> Self {
        openstack::install_crypto_provider();
        let (cloud, scheduler) = (FakeCloud::start().await, FakeScheduler::start().await);
        let config = config(&cloud, scheduler.address, environment).await;
        let shutdown = CancellationToken::new();
        let context = Context {
            config_file: None,
            config: Arc::new(config),
            clock: Arc::new(SystemClock),
            shutdown: shutdown.clone(),
        };
        let gateway = Gateway::build(context).await.expect("a gateway");
        let address = gateway.address();
        let mut serving = JoinSet::new();
        serving.spawn(gateway.serve());
        let client = Client::builder().no_proxy().build().expect("a client");
        Self {
            address,
            cloud,
            scheduler,
            shutdown,
            client,
            serving,
        }
    }

    /// A request with the token of `user`.
    pub(crate) fn request(&self, method: Method, path: &str, user: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.address);
        self.client
            .request(method, url)
            .header("X-Auth-Token", user)
    }

    pub(crate) async fn get(&self, path: &str, user: &str) -> Response {
        self.request(Method::GET, path, user)
            .send()
            .await
            .expect("an answer")
    }

    pub(crate) async fn delete(&self, path: &str, user: &str) -> Response {
        self.request(Method::DELETE, path, user)
            .send()
            .await
            .expect("an answer")
    }

    /// A POST of a copy request.
    pub(crate) fn copy(&self, user: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, JOBS, user)
            .header("Content-Type", "application/json")
            .body(body.to_string())
    }

    /// A job of alice's, accepted.
    pub(crate) async fn accepted_job(&self) -> String {
        let response = self
            .copy("alice", &copy_request())
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), 202);
        job_id(response).await
    }

    /// What comes back for these bytes on a connection of their own.
    pub(crate) async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address)
            .await
            .expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answer
    }

    /// Shuts down and waits for the drain.
    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        let ended = self.serving.join_next().await.expect("it was serving");
        ended.expect("no panic").expect("a clean drain");
    }
}

/// What alice asks for, unless a test asks for something else.
pub(crate) fn copy_request() -> Value {
    json!({"image_id": IMAGE, "tenant_id_dst": DESTINATION_TENANT})
}

pub(crate) async fn job_id(response: Response) -> String {
    let body: Value = body(response).await.parse().expect("JSON");
    body["job_id"].as_str().expect("a job id").to_owned()
}

pub(crate) async fn body(response: Response) -> String {
    response.text().await.expect("a body")
}

/// Status and body of a refusal in the style of the image copy API.
pub(crate) async fn refusal(response: Response) -> (u16, String) {
    let (status, text) = refusal_as("text/plain; charset=UTF-8", response).await;
    assert!(
        text.starts_with(&format!("{status} ")) && text.ends_with("\n\n"),
        "{text}"
    );
    (status, text)
}

/// Status and document of a refusal in one of the JSON styles.
pub(crate) async fn json_refusal(response: Response) -> (u16, Value) {
    let (status, text) = refusal_as("application/json; charset=UTF-8", response).await;
    (status, text.parse().expect("JSON"))
}

/// Status and body of a refusal, after a look at the headers that every refusal has.
async fn refusal_as(media_type: &str, response: Response) -> (u16, String) {
    let header = |name: &str| {
        let value = response.headers().get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let status = response.status().as_u16();
    assert_eq!(header("content-type"), media_type);
    assert_eq!(header("vary"), "X-Auth-Token");
    assert!(header("x-openstack-request-id").starts_with("req-"));
    assert_eq!(!header("www-authenticate").is_empty(), status == 401);
    assert_eq!(
        !header("retry-after").is_empty(),
        matches!(status, 429 | 503)
    );
    (status, body(response).await)
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .expect(what);
}

async fn config(cloud: &FakeCloud, scheduler: SocketAddr, environment: &[(&str, &str)]) -> Config {
    let cloud = cloud.address;
    // Bound and let go: nobody listens there.
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let nobody = nobody.local_addr().expect("an address");
    let file = format!(
        r#"
        [gateway]
        region = "ot1"
        listen = "127.0.0.1:0"
        admin_listen = "127.0.0.1:0"
        drain_delay = "0s"
        # These tests change what Keystone says from one request to the next.
        lookup_cache = "0s"
        scheduler_url = "http://{scheduler}"
        [regions.ot1]
        keystone_url = "http://{cloud}/v3"
        glance_url = "http://{cloud}/ot1"
        service_user = {{ username = "image-replicator" }}
        [regions.ot2]
        keystone_url = "http://{cloud}/v3"
        glance_url = "http://{cloud}/ot2"
        service_user = {{ username = "image-replicator" }}
        rules = {{ refused_properties = ["license_switch_type"] }}
        "#
    );
    let secrets = [
        ("REGIONS__OT1__SERVICE_USER__PASSWORD", "secret"),
        ("REGIONS__OT2__SERVICE_USER__PASSWORD", "secret"),
        ("RABBITMQ__URL", &format!("amqp://{nobody}/%2f")),
    ];
    let environment = secrets
        .iter()
        .chain(environment)
        .map(|(name, value)| (format!("IMAGE_REPLICATOR__{name}"), (*value).to_owned()));
    Config::from_table(file.parse().expect("TOML"), environment).expect("a configuration")
}
