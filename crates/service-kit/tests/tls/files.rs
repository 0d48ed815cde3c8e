//! Files that make no sense are refused by name, and those that come to make none change nothing.

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use service_kit::config::{GrpcConfig, MutualTlsConfig};
use service_kit::tls::Agreement;
use testbed::{Authority, eventually};

use crate::ground::{Watch, place, section};

const PATIENCE: Duration = Duration::from_secs(60);

fn refusal(certificate: &Path, key: &Path, authority: &Path) -> String {
    let config = GrpcConfig {
        tls: Some(MutualTlsConfig {
            certificate_file: certificate.to_owned(),
            key_file: key.to_owned(),
            ca_file: authority.to_owned(),
        }),
    };
    let refused = Agreement::of(&config, &Watch::new().watch);
    refused.expect_err("it makes no sense").to_string()
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_the_name_of_its_key() {
    let place = place("refused");
    let authority = Authority::new().expect("keys can be made");
    let made = |name: &str| authority.server(&place.join(name)).expect("signed");
    let (one, other) = (made("one"), made("other"));
    let without = GrpcConfig::default();
    let none = Agreement::of(&without, &Watch::new().watch).expect("nothing to refuse");
    assert!(none.is_none());
    let nowhere = place.join("nowhere");
    for (refused, expected) in [
        (
            refusal(&one.certificate, &other.key, &one.authority),
            "grpc.tls.key_file: does not belong to the certificate",
        ),
        (
            refusal(&one.key, &one.key, &one.authority),
            "grpc.tls.certificate_file: holds no certificate",
        ),
        (
            refusal(&one.certificate, &one.certificate, &one.authority),
            "grpc.tls.key_file: holds no private key",
        ),
        (
            refusal(&one.certificate, &one.key, &one.key),
            "grpc.tls.ca_file: holds no certificate",
        ),
        (
            refusal(&one.certificate, &one.key, &nowhere),
            "grpc.tls.ca_file: can't read",
        ),
    ] {
        assert!(refused.starts_with(expected), "{refused}");
    }
}

/// Waits until the watch tells what it should.
async fn until(watch: &Watch, what: &str, told: impl Fn() -> bool) {
    let look = async || {
        ensure!(told(), "{}", watch.note());
        Ok(())
    };
    eventually(PATIENCE, what, look).await.expect(what);
}

#[tokio::test]
async fn files_that_change_are_taken_up_and_what_cannot_be_used_is_said() {
    let place = place("changing");
    let authority = Authority::new().expect("keys can be made");
    let one = authority.server(&place).expect("signed");
    let watch = Watch::new();
    let config = section(&one, &one.authority);
    Agreement::of(&config, &watch.watch).expect("it makes sense");
    let expiry = || watch.metric("certificate_expiry_time_seconds", "");
    let is_refused = || watch.metric("certificate_files_refused", "") == Some(1.0);
    until(&watch, "the first certificate", || expiry().is_some()).await;
    let first = expiry();
    assert!(first > Some(1_800_000_000.0) && !is_refused(), "{first:?}");

    std::fs::write(&one.certificate, "what is this?").expect("it is ours");
    until(&watch, "what is no certificate", is_refused).await;
    assert!(watch.note().contains("certificate_file: holds no cert"));
    authority.expired(&place).expect("signed");
    let says = |words: &'static str| {
        let watch = &watch;
        move || watch.note().contains(words)
    };
    let expired = says("certificate_file: expired at 2001-01-01T00:00:00Z");
    until(&watch, "a certificate that has expired", expired).await;
    assert_eq!(expiry(), first);
    std::fs::remove_file(&one.key).expect("it is ours");
    until(&watch, "no key", says("key_file: can't read")).await;

    authority.until(&place, 2090).expect("signed");
    until(&watch, "another certificate", || expiry() != first).await;
    assert!(!is_refused());
    assert_eq!(
        watch.note(),
        "the certificate expires at 2090-01-01T00:00:00Z"
    );
}
