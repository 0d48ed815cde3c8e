use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::ToSpan;
use openstack::{DomainRef, UserRef};

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn info(expires_at: Timestamp) -> TokenInfo {
    TokenInfo {
        user: UserRef {
            id: domain::UserId::new("alice-id"),
            name: "alice".to_owned(),
            domain: DomainRef {
                id: "default".to_owned(),
                name: "Default".to_owned(),
            },
        },
        project: None,
        roles: Vec::new(),
        is_system_scoped: false,
        issued_at: expires_at - 1.hour(),
        expires_at,
        catalog: openstack::Catalog::default(),
    }
}

/// Answers with a token that is valid until `expires_at` and counts how often it is asked.
async fn ask_counted(
    cache: &TokenCache,
    now: Timestamp,
    expires_at: Timestamp,
    asked: &AtomicUsize,
) -> Option<TokenInfo> {
    cache
        .get_or_ask([7; 32], now, || async {
            asked.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok((Some(info(expires_at)), now))
        })
        .await
        .expect("Keystone answers")
}

#[tokio::test]
async fn a_burst_of_requests_asks_once() {
    let cache = TokenCache::new(Duration::from_secs(60));
    let asked = AtomicUsize::new(0);
    let (now, later) = (at("2026-01-01T00:00:00Z"), at("2026-01-01T01:00:00Z"));
    let burst = (0..50).map(|_| ask_counted(&cache, now, later, &asked));
    let answers = futures::future::join_all(burst).await;
    assert!(answers.iter().all(Option::is_some));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn nothing_is_believed_beyond_the_expiry_of_the_token() {
    let cache = TokenCache::new(Duration::from_secs(60));
    let asked = AtomicUsize::new(0);
    let (now, expiry) = (at("2026-01-01T00:00:00Z"), at("2026-01-01T00:00:10Z"));
    assert!(ask_counted(&cache, now, expiry, &asked).await.is_some());
    assert!(ask_counted(&cache, expiry, expiry, &asked).await.is_none());
}

#[tokio::test]
async fn a_token_that_proves_nothing_is_refused_without_asking_again_at_once() {
    let cache = TokenCache::new(Duration::from_secs(60));
    let (now, asked) = (at("2026-01-01T00:00:00Z"), AtomicUsize::new(0));
    for _ in 0..10 {
        let unknown = cache.get_or_ask([7; 32], now, || async {
            asked.fetch_add(1, Ordering::SeqCst);
            Ok((None, now))
        });
        assert_eq!(unknown.await, Ok(None));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn guessed_tokens_come_to_keystone_a_few_at_a_time() {
    let cache = TokenCache::new(Duration::from_secs(60));
    let now = at("2026-01-01T00:00:00Z");
    let (under_way, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let guesses = (0..200_u8).map(|guess| {
        cache.get_or_ask([guess; 32], now, || async {
            let together = under_way.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(together, Ordering::SeqCst);
            tokio::task::yield_now().await;
            under_way.fetch_sub(1, Ordering::SeqCst);
            Ok((None, now))
        })
    });
    futures::future::join_all(guesses).await;
    assert!(most.load(Ordering::SeqCst) <= QUESTIONS_AT_ONCE);
}

#[tokio::test]
async fn a_keystone_out_of_reach_is_not_the_fault_of_the_token() {
    let cache = TokenCache::new(Duration::from_secs(60));
    let now = at("2026-01-01T00:00:00Z");
    let refused = cache
        .get_or_ask([7; 32], now, || async {
            Err(Error::Unreachable("refused".to_owned()))
        })
        .await;
    assert!(matches!(refused, Err(Fault::Unavailable { .. })));
}
