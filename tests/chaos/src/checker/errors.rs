//! An `error` is only as good as its cause: it must be one that something of the schedule, in the job's own time,
//! has brought about.

use std::time::Duration;

use serde_json::Value;
use testbed::Region;

use super::{Violation, documents};
use crate::evidence::{Accepted, Evidence};
use crate::fault::{Action, Fault, Victim};

/// A fault is felt for so long after it has ended: connections come back, attempts wait for their turn.
const AFTERMATH: Duration = Duration::from_secs(15);

/// Failed jobs whose cause no fault in their time explains.
pub(super) fn unexplained(evidence: &Evidence) -> Vec<Violation> {
    let failed = documents(evidence)
        .into_iter()
        .filter(|(_, job)| job["status"] == "error");
    failed
        .filter_map(|(job, document)| {
            let accepted = evidence.accepted.get(job)?;
            let error = &document["error"];
            let code = error["code"].as_str().unwrap_or("no cause");
            let end = evidence.testimony.ended.get(job).copied();
            let end = end.unwrap_or(Duration::MAX);
            let explained = evidence.faults.iter().any(|struck| {
                struck.at <= end
                    && struck.healed + AFTERMATH >= accepted.at
                    && explains(
                        &struck.fault,
                        code,
                        &source_region(evidence, accepted),
                        accepted,
                    )
            });
            (!explained).then(|| Violation::Unexplained {
                job: job.to_owned(),
                code: code.to_owned(),
                message: text(error, "message"),
            })
        })
        .collect()
}

/// Whether a fault can be the cause of a code. Codes that no fault may cause, such as a copy that differs, have no
/// line here.
fn explains(fault: &Fault, code: &str, source: &Option<Region>, accepted: &Accepted) -> bool {
    let region_is = |region: Option<Region>| region == Some(fault.region);
    match (code, fault.victim) {
        ("source_unavailable" | "source_refused", Victim::Glance) => region_is(*source),
        ("destination_unavailable" | "destination_refused", Victim::Glance) => {
            region_is(Some(accepted.destination))
        }
        (
            "source_unavailable"
            | "source_refused"
            | "destination_unavailable"
            | "destination_refused",
            Victim::Keystone,
        ) => true,
        ("too_slow", Victim::Glance) => {
            matches!(
                fault.action,
                Action::Slow | Action::BlackHole | Action::Freeze
            )
        }
        ("workers_lost", Victim::Worker | Victim::Scheduler | Victim::Redis) => true,
        _ => false,
    }
}

fn source_region(evidence: &Evidence, accepted: &Accepted) -> Option<Region> {
    let source = evidence.sources.get(&accepted.source)?;
    Some(source.region)
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}
