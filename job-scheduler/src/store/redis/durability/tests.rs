//! What Redis says, and what is to be thought of it.

use std::collections::BTreeMap;

use super::*;

/// As Redis 7.0 says it, shortened.
const INFO: &str = "# Persistence\r\nloading:0\r\nrdb_last_bgsave_status:ok\r\naof_enabled:1\r\n\
                    aof_last_bgrewrite_status:ok\r\naof_last_write_status:ok\r\n\r\n# Memory\r\n\
                    maxmemory_policy:noeviction\r\n";

const SAFE: [(&str, &str); 5] = [
    ("appendfsync", "always"),
    ("no-appendfsync-on-rewrite", "no"),
    ("save", ""),
    ("maxmemory-policy", "noeviction"),
    ("min-replicas-to-write", "0"),
];

/// Safe but for what is given.
fn facts(info: &str, settings: &[(&str, &str)]) -> Facts {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in SAFE.iter().chain(settings) {
        all.insert((*name).to_owned(), (*value).to_owned());
    }
    Facts::new(&format!("{INFO}{info}"), all)
}

fn kinds(facts: &Facts, awaited: u64) -> Vec<ConcernKind> {
    judge(facts, awaited).iter().map(|it| it.kind).collect()
}

fn replica(number: u8, state: &str, lag: u8) -> String {
    format!("slave{number}:ip=10.0.0.{number},port=6379,state={state},offset=14,lag={lag}\r\n")
}

#[test]
fn what_is_safe_raises_no_concern() {
    assert_eq!(kinds(&facts("", &[]), 0), []);
    let replicas = [replica(0, "online", 0), replica(1, "online", 1)].concat();
    let strict = [("min-replicas-to-write", "2")];
    assert_eq!(kinds(&facts(&replicas, &strict), 2), []);
}

#[test]
fn every_setting_that_loses_is_named() {
    for (info, setting, expected) in [
        ("aof_enabled:0", None, ConcernKind::AppendOnlyFile),
        ("", Some(("appendfsync", "everysec")), ConcernKind::Sync),
        (
            "",
            Some(("no-appendfsync-on-rewrite", "yes")),
            ConcernKind::SyncDuringRewrite,
        ),
        (
            "",
            Some(("maxmemory-policy", "allkeys-lru")),
            ConcernKind::Eviction,
        ),
        (
            "aof_last_write_status:err",
            None,
            ConcernKind::AppendFailing,
        ),
        (
            "aof_last_bgrewrite_status:err",
            None,
            ConcernKind::RewriteFailing,
        ),
        (
            "rdb_last_bgsave_status:err",
            None,
            ConcernKind::SnapshotFailing,
        ),
    ] {
        let facts = facts(info, setting.as_slice());
        assert_eq!(kinds(&facts, 0), [expected], "{info} {setting:?}");
    }
}

#[test]
fn snapshots_alone_are_told_from_nothing_at_all() {
    let text = |save| {
        judge(&facts("aof_enabled:0", &[("save", save)]), 0)[0]
            .text
            .clone()
    };
    assert!(text("3600 1").contains("since the last snapshot"));
    assert!(text("").ends_with("loses everything"));
}

#[test]
fn what_cannot_be_read_is_a_concern_unless_it_stands_elsewhere() {
    let facts = Facts::new(INFO, BTreeMap::new());
    let found = judge(&facts, 0);
    let unreadable: Vec<_> = found.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(
        unreadable,
        [
            "appendfsync cannot be read and should be always",
            "no-appendfsync-on-rewrite cannot be read and should be no",
        ]
    );
    assert!(found.iter().all(|it| it.kind == ConcernKind::Unreadable));
}

/// One that is not waited for may be the one that takes over; one that is waited for and away stops everything.
#[test]
fn as_many_replicas_must_be_there_as_are_waited_for() {
    let strict = [("min-replicas-to-write", "1")];
    let one = replica(0, "online", 0);
    let two = [one.clone(), replica(1, "online", 0)].concat();
    let joining = [one.clone(), replica(1, "send_bulk", 0)].concat();
    for (info, awaited, expected) in [
        (&one, 1, vec![]),
        (&two, 1, vec![ConcernKind::ReplicasUnawaited]),
        (&one, 2, vec![ConcernKind::ReplicasMissing]),
        (&joining, 2, vec![ConcernKind::ReplicasMissing]),
        (&joining, 1, vec![]),
        (&String::new(), 1, vec![ConcernKind::ReplicasMissing]),
        (&one, 0, vec![ConcernKind::ReplicasUnawaited]),
    ] {
        assert_eq!(kinds(&facts(info, &strict), awaited), expected, "{info}");
    }
}

#[test]
fn a_master_that_writes_without_replicas_and_one_that_lags_are_named() {
    let one = replica(0, "online", 0);
    assert_eq!(
        kinds(&facts(&one, &[]), 1),
        [ConcernKind::WritesWithoutReplicas]
    );
    let late = facts(&replica(0, "online", 11), &[("min-replicas-to-write", "1")]);
    let found = judge(&late, 1);
    assert_eq!(found[0].kind, ConcernKind::ReplicaLag);
    assert!(found[0].text.contains("10.0.0.0:6379") && !found[0].kind.loses());
}

#[test]
fn names_of_concerns_differ() {
    let names: std::collections::BTreeSet<_> =
        ConcernKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(names.len(), ConcernKind::ALL.len());
}
