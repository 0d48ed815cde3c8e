//! From the evidence to what was broken of what is promised. Pure, so that tests can plant each kind of it.
//!
//! [`residue`] is what may still be going away right after the last copy, and must be gone soon; the rest of
//! [`check`] is true from the moment at which a job ends, or never.

mod errors;
mod images;
mod jobs;
mod redis;
mod violation;

pub use violation::Violation;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::evidence::{Cancel, Evidence};
use crate::fault::{Action, Victim};
use crate::schedule::{ENOUGH, Tally};

/// The least share of the jobs that nobody canceled that must be `replicated`, in percent.
const MOST_OF_THEM: usize = 95;

/// Everything that may not be.
#[must_use]
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut found = evidence.testimony.violations.clone();
    found.extend(residue(evidence));
    found.extend(jobs::promises(evidence));
    found.extend(images::whole(evidence));
    found.extend(errors::unexplained(evidence));
    let secrets = evidence.secrets.iter();
    found.extend(secrets.map(|secret| Violation::Secret {
        what: secret.to_string(),
    }));
    found.extend(too_few(evidence));
    found.extend(too_seldom(evidence));
    found
}

/// What is left over: open jobs, images, files, index entries, messages.
#[must_use]
pub fn residue(evidence: &Evidence) -> Vec<Violation> {
    let mut found = jobs::open(evidence);
    found.extend(images::orphans(evidence));
    found.extend(images::orphan_files(evidence));
    found.extend(redis::leftovers(evidence));
    found.extend(
        evidence
            .queues
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(queue, count)| Violation::Messages {
                queue: queue.clone(),
                count: *count,
            }),
    );
    found
}

/// The jobs as one gateway lists them, by id. That the other lists the same is checked apart.
fn documents(evidence: &Evidence) -> BTreeMap<&str, &Value> {
    let list = evidence.listed.values().next();
    list.into_iter()
        .flatten()
        .filter_map(|job| Some((job["job_id"].as_str()?, job)))
        .collect()
}

fn too_few(evidence: &Evidence) -> Option<Violation> {
    let documents = documents(evidence);
    let mut wanted = 0;
    let mut replicated = 0;
    for (job, accepted) in &evidence.accepted {
        if accepted.cancel == Cancel::No {
            wanted += 1;
            let ended = documents.get(job.as_str());
            replicated += usize::from(ended.is_some_and(|job| job["status"] == "replicated"));
        }
    }
    let enough = replicated * 100 >= wanted * MOST_OF_THEM;
    (!enough).then_some(Violation::TooFew { replicated, wanted })
}

fn too_seldom(evidence: &Evidence) -> Vec<Violation> {
    let tally = Tally::of(&evidence.faults);
    let actions = Action::ALL.map(|action| (action.to_string(), tally.action(action)));
    let victims = Victim::ALL.map(|victim| (victim.to_string(), tally.victim(victim)));
    actions
        .into_iter()
        .chain(victims)
        .filter(|(_, count)| *count < ENOUGH)
        .map(|(kind, count)| Violation::TooSeldom { kind, count })
        .collect()
}

#[cfg(test)]
mod tests;
