//! Redis, key by key: when all jobs are over, it holds their records, the lists they stand in, and nothing that is
//! to be done.
//!
//! The layout is the one that `job-scheduler/src/store/keys.rs` documents. A key that is not known here is a
//! violation, so a new kind of key has to be thought about.

use std::collections::{BTreeMap, BTreeSet};

use scenarios::STATUSES;
use serde_json::Value;

use super::{Violation, documents};
use crate::evidence::{Contents, Evidence};

/// Begins every key.
const PREFIX: &str = "image-replicator:";

/// Where each finished job must stand.
const STANDS_IN: [&str; 3] = ["finished", "list:~all", "changed:~all"];

/// Entries that should not be there, or are not there and should.
pub(super) fn leftovers(evidence: &Evidence) -> Vec<Violation> {
    let jobs = documents(evidence);
    let mut found = Vec::new();
    for (key, contents) in &evidence.redis {
        if let Some(what) = flaw(key, contents, &jobs) {
            found.push(Violation::Redis {
                key: key.clone(),
                what,
            });
        }
    }
    for name in STANDS_IN {
        let key = format!("{PREFIX}{name}");
        let members = match evidence.redis.get(&key) {
            Some(Contents::Members(members)) => members.clone(),
            _ => BTreeSet::new(),
        };
        let missing = jobs.keys().filter(|job| !members.contains(**job));
        found.extend(missing.map(|job| Violation::Redis {
            key: key.clone(),
            what: format!("job {job} is missing"),
        }));
    }
    found
}

fn flaw(key: &str, contents: &Contents, jobs: &BTreeMap<&str, &Value>) -> Option<String> {
    let Some(name) = key.strip_prefix(PREFIX) else {
        return Some("it is not ours".to_owned());
    };
    let parts: Vec<&str> = name.split(':').collect();
    match (parts.as_slice(), contents) {
        (["job", id], Contents::Hash(fields)) => match jobs.get(id) {
            Some(job) => record_flaw(fields, job),
            None => Some("no gateway lists this job".to_owned()),
        },
        (["list", .., last], Contents::Members(members)) => list_flaw(
            members,
            Some(*last).filter(|last| STATUSES.contains(last)),
            jobs,
        ),
        (["changed", ..] | ["finished"], Contents::Members(members)) => {
            list_flaw(members, None, jobs)
        }
        (["key", ..], Contents::Hash(fields)) => match fields.get("job") {
            Some(job) if jobs.contains_key(job.as_str()) => None,
            other => Some(format!("an idempotency key of {other:?}")),
        },
        // What is counted on, and says nothing of single jobs.
        (["sequence" | "barrier" | "identity"], Contents::Text(_))
        | (["serving"] | ["virtual", _], Contents::Hash(_))
        | (["regions"], Contents::Members(_)) => None,
        (_, contents) => Some(format!("left over: {contents:?}")),
    }
}

/// A record of a job that is over holds no lease, no leftovers and nothing to wait for.
fn record_flaw(fields: &BTreeMap<String, String>, job: &Value) -> Option<String> {
    let text = fields.get("r").map(String::as_str).unwrap_or_default();
    let Ok(record) = serde_json::from_str::<Value>(text) else {
        return Some(format!("no record: {text}"));
    };
    if record["status"] != job["status"] {
        return Some(format!("{} and not {}", record["status"], job["status"]));
    }
    let empty = |key: &str| {
        let value = &record[key];
        value.is_null() || value.as_array().is_some_and(Vec::is_empty)
    };
    let left = ["lease", "leftovers", "deadline"]
        .into_iter()
        .find(|key| !empty(key))?;
    Some(format!("its {left} is {}", record[left]))
}

/// A list holds jobs that are known, and one of a status those of that status.
fn list_flaw(
    members: &BTreeSet<String>,
    status: Option<&str>,
    jobs: &BTreeMap<&str, &Value>,
) -> Option<String> {
    let stranger = members.iter().find(|member| {
        let job = jobs.get(member.as_str());
        job.is_none_or(|job| status.is_some_and(|status| job["status"] != status))
    })?;
    Some(format!("{stranger} does not belong there"))
}
