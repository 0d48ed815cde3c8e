//! Tokens: asked for once, renewed after a lone 401, never shown.

use std::sync::Mutex;

use domain::{ImageId, TenantId};
use futures::future::BoxFuture;
use openstack::{
    Auth, Credentials, Error, Glance, HttpClient, HttpSettings, Keystone, Password, Purpose,
    RequestContext, ServiceIdentity, ServiceScope, Withheld, WriteGate,
};
use secrecy::SecretString;

use super::keystone::token;
use super::server::{Answer, Server};

fn http() -> HttpClient {
    HttpClient::new(HttpSettings::default()).expect("default settings")
}

fn identity(keystone: &Server) -> ServiceIdentity {
    let credentials = Credentials {
        username: "replicator".to_owned(),
        user_domain_id: "default".to_owned(),
        password: Password::Value(SecretString::from("hunter2")),
    };
    let url = keystone.url.join("/v3").expect("a URL");
    ServiceIdentity::new(
        Keystone::new(url, http()),
        credentials,
        ServiceScope::Project,
    )
}

fn images() -> Purpose {
    Purpose::Images(TenantId::new("p"))
}

fn glance(server: &Server, identity: &ServiceIdentity) -> Glance {
    let auth = Auth::Service {
        identity: identity.clone(),
        purpose: images(),
    };
    Glance::new(server.url.clone(), auth, http())
}

fn unauthorized() -> Answer {
    Answer::new("401 Unauthorized", "", "")
}

fn schema() -> Answer {
    Answer::new(
        "200 OK",
        "",
        r#"{"properties": {"disk_format": {"enum": [null, "raw"]}, "container_format": {"enum": ["bare"]}}}"#,
    )
}

#[tokio::test]
async fn many_who_need_a_token_cause_one_request() {
    let keystone = Server::start(vec![token(1)]).await;
    let identity = identity(&keystone);
    let context = RequestContext::default();
    let purpose = images();
    let asking = (0..20).map(|_| identity.token(&purpose, &context));
    for token in futures::future::join_all(asking).await {
        token.expect("a token");
    }
    identity.token(&purpose, &context).await.expect("a token");
    assert_eq!(keystone.heads().len(), 1);
}

#[tokio::test]
async fn a_lone_401_is_answered_with_a_new_token() {
    let keystone = Server::start(vec![token(1), token(2)]).await;
    let front = Server::start(vec![unauthorized(), schema()]).await;
    let formats = glance(&front, &identity(&keystone)).formats().await;
    assert!(formats.expect("the second try").disk.contains("raw"));
    let heads = front.heads();
    assert!(heads[0].contains("x-auth-token: gaaaa-token-1"));
    assert!(heads[1].contains("x-auth-token: gaaaa-token-2"));
    assert!(heads[1].contains("x-openstack-request-id: req-"));
}

#[tokio::test]
async fn a_second_401_is_the_answer() {
    let keystone = Server::start(vec![token(1)]).await;
    let front = Server::start(vec![unauthorized()]).await;
    let error = glance(&front, &identity(&keystone)).formats().await;
    assert!(matches!(error, Err(Error::Unauthorized(_))), "{error:?}");
    assert_eq!(front.heads().len(), 2);
}

/// Notes how many tokens were taken when a write was about to go out; permits so many.
struct Gate<'a> {
    keystone: &'a Server,
    permits: usize,
    tokens_taken: Mutex<Vec<usize>>,
}

impl WriteGate for Gate<'_> {
    fn permit(&self) -> BoxFuture<'_, Result<(), Withheld>> {
        let mut taken = self.tokens_taken.lock().expect("not poisoned");
        taken.push(self.keystone.heads().len());
        let permit = (taken.len() <= self.permits).then_some(()).ok_or(Withheld);
        Box::pin(std::future::ready(permit))
    }
}

#[tokio::test]
async fn a_write_asks_its_gate_with_the_token_in_hand_and_again_before_it_is_repeated() {
    for permits in 0..=2 {
        let keystone = Server::start(vec![token(1), token(2)]).await;
        let deleted = Answer::new("204 No Content", "", "");
        let front = Server::start(vec![unauthorized(), deleted]).await;
        let gate = Gate {
            keystone: &keystone,
            permits,
            tokens_taken: Mutex::default(),
        };
        let image: ImageId = "335eef3f-551d-46e1-8781-173f43209d48"
            .parse()
            .expect("a UUID");
        let glance = glance(&front, &identity(&keystone));
        let verdict = glance.writes(&gate).delete(image).await;
        assert_eq!(verdict.is_ok(), permits == 2, "{verdict:?}");
        assert_eq!(front.heads().len(), permits);
        let taken = gate.tokens_taken.into_inner().expect("not poisoned");
        assert_eq!(taken, [1, 2][..=permits.min(1)]);
    }
}

#[tokio::test]
async fn a_redirect_is_an_error_and_no_token_follows_it() {
    let elsewhere = Server::start(vec![schema()]).await;
    let location = format!("Location: {}\r\n", elsewhere.url);
    let front = Server::start(vec![Answer::new("302 Found", &location, "")]).await;
    let keystone = Server::start(vec![token(1)]).await;
    let error = glance(&front, &identity(&keystone)).formats().await;
    assert_eq!(error, Err(Error::Redirected { status: 302 }));
    assert_eq!(elsewhere.heads(), Vec::<String>::new());
}

#[tokio::test]
async fn nothing_that_holds_a_secret_shows_it() {
    let keystone = Server::start(vec![token(1)]).await;
    let identity = identity(&keystone);
    let held = identity
        .token(&images(), &RequestContext::default())
        .await
        .expect("a token");
    let caller = Glance::new(
        keystone.url.clone(),
        Auth::Caller(held.secret().clone()),
        http(),
    );
    let shown = format!(
        "{held:?} {identity:?} {caller:?} {:?}",
        glance(&keystone, &identity)
    );
    assert!(
        !shown.contains("gAAAA") && !shown.contains("hunter2"),
        "{shown}"
    );
}

#[tokio::test]
async fn the_text_that_quotes_a_revoked_token_is_dropped() {
    let quoting = r#"{"error": {"message": "Failed to validate token gAAAA-token-7"}}"#;
    let subject = SecretString::from("gAAAA-token-7");
    let with = SecretString::from("gAAAA-token-1");
    for (status, body) in [("404 Not Found", quoting), ("403 Forbidden", quoting)] {
        let server = Server::start(vec![Answer::new(status, "", body)]).await;
        let keystone = Keystone::new(server.url.join("/v3").expect("a URL"), http());
        let verdict = keystone.validate(&with, &subject).await;
        match &verdict {
            Ok(None) => assert_eq!(status, "404 Not Found"),
            other => assert!(matches!(other, Err(Error::Forbidden(_)))),
        }
        assert!(!format!("{verdict:?}").contains("gAAAA"), "{verdict:?}");
    }
}

#[tokio::test]
async fn a_keystone_that_refuses_says_so_through_the_purpose() {
    let body = r#"{"error": {"message": "The request you have made requires authentication."}}"#;
    let keystone = Server::start(vec![Answer::new("401 Unauthorized", "", body)]).await;
    let error = identity(&keystone)
        .token(&images(), &RequestContext::default())
        .await
        .expect_err("refused");
    assert!(
        matches!(&error, Error::NoToken { cause, .. } if matches!(**cause, Error::Unauthorized(_)))
    );
    assert!(
        error
            .to_string()
            .starts_with("no service token for project p: not authorized")
    );
}
