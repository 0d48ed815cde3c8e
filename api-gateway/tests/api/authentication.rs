//! Tokens: validated once, believed briefly, never without a project.

use std::time::Duration;

use futures::future::join_all;

use crate::gateway::{JOBS, TestGateway, refusal};

#[tokio::test]
async fn a_burst_of_requests_with_one_token_asks_keystone_once() {
    let gateway = TestGateway::start().await;
    gateway
        .cloud
        .edit(|cloud| cloud.validation_takes = Duration::from_millis(100));
    let answers = join_all((0..30).map(|_| gateway.get(JOBS, "alice"))).await;
    assert!(answers.iter().all(|answer| answer.status() == 200));
    assert_eq!(gateway.cloud.edit(|cloud| cloud.validations), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn tokens_that_prove_nothing_are_refused() {
    let gateway = TestGateway::start().await;
    gateway.cloud.add_token("unscoped", None, &[]);
    let expired = Duration::ZERO;
    gateway
        .cloud
        .add_expiring_token("expired", Some("p"), &["member"], expired);
    for user in ["nobody", "unscoped", "expired", ""] {
        let (status, text) = refusal(gateway.get(JOBS, user).await).await;
        assert_eq!(status, 401, "{user}");
        assert_eq!(text, "401 Unauthorized\n\nAuthentication required.\n\n");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_service_token_that_is_refused_is_replaced() {
    let gateway = TestGateway::start().await;
    assert_eq!(gateway.get(JOBS, "alice").await.status(), 200);
    gateway
        .cloud
        .edit(|cloud| cloud.revoked.insert("service-1".to_owned()));
    assert_eq!(gateway.get(JOBS, "rita").await.status(), 200);
    assert_eq!(gateway.cloud.edit(|cloud| cloud.service_tokens), 2);
    gateway.stop().await;
}

#[tokio::test]
async fn a_keystone_out_of_reach_is_a_503() {
    let gateway = TestGateway::start().await;
    gateway.cloud.edit(|cloud| cloud.down.insert("keystone"));
    let (status, _) = refusal(gateway.get(JOBS, "alice").await).await;
    assert_eq!(status, 503);
    gateway.cloud.edit(|cloud| cloud.down.clear());
    assert_eq!(gateway.get(JOBS, "alice").await.status(), 200);
    gateway.stop().await;
}

#[tokio::test]
async fn a_caller_without_any_role_that_reads_is_refused() {
    let gateway = TestGateway::start().await;
    gateway.cloud.add_token("guest", Some("p"), &["guest"]);
    let (status, _) = refusal(gateway.get(JOBS, "guest").await).await;
    assert_eq!(status, 403);
    gateway.stop().await;
}
