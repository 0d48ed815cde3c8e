//! Jobs: every 202 has one, it is over, and it ended as its callers were told.

use serde_json::Value;

use super::{Violation, documents};
use crate::evidence::{Cancel, Evidence};

/// Jobs that are not over, by any gateway's list.
pub(super) fn open(evidence: &Evidence) -> Vec<Violation> {
    let documents = documents(evidence).into_iter();
    documents
        .filter(|(_, job)| !scenarios::is_final(job))
        .map(|(id, job)| Violation::Open {
            job: id.to_owned(),
            status: text(job, "status"),
        })
        .collect()
}

/// Lost jobs, jobs that nobody asked for, and ends that are not what was said.
pub(super) fn promises(evidence: &Evidence) -> Vec<Violation> {
    let mut found = Vec::new();
    let documents = documents(evidence);
    for (gateway, list) in &evidence.listed {
        for job in evidence.accepted.keys() {
            match list
                .iter()
                .find(|document| document["job_id"] == job.as_str())
            {
                None => found.push(Violation::Lost {
                    job: job.clone(),
                    gateway: *gateway,
                }),
                Some(document) => {
                    found.extend(disagreement(job, documents.get(job.as_str()), document))
                }
            }
        }
    }
    for (job, document) in &documents {
        let Some(accepted) = evidence.accepted.get(*job) else {
            found.push(Violation::Unasked {
                job: (*job).to_owned(),
            });
            continue;
        };
        found.extend(told_otherwise(evidence, job, document));
        let status = text(document, "status");
        // A clean-up that takes too long ends a canceled job as an error, which says so.
        if accepted.cancel == Cancel::Granted && status == "replicated" {
            found.push(Violation::CancelBroken {
                job: (*job).to_owned(),
                status,
            });
        } else if status == "canceled" && matches!(accepted.cancel, Cancel::No | Cancel::TooLate) {
            found.push(Violation::Uncalled {
                job: (*job).to_owned(),
            });
        }
    }
    found
}

fn disagreement(job: &str, one: Option<&&Value>, other: &Value) -> Option<Violation> {
    let one = one?;
    (*one != other).then(|| Violation::Disagreement {
        job: job.to_owned(),
        what: format!("{one} by one gateway, {other} by the other"),
    })
}

/// The end must be one that may follow what callers saw last.
fn told_otherwise(evidence: &Evidence, job: &str, document: &Value) -> Option<Violation> {
    let last = *evidence.testimony.seen.get(job)?;
    let verdict = scenarios::Moment::of(document).and_then(|moment| moment.may_follow(last));
    verdict.err().map(|error| Violation::WentBack {
        job: job.to_owned(),
        by: "the list at the end".to_owned(),
        what: format!("{error:#}"),
    })
}

fn text(document: &Value, key: &str) -> String {
    document[key].as_str().unwrap_or_default().to_owned()
}
