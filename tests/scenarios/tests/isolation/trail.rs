//! The audit trail of the walk: each request that would change something is one line in it, with what the caller got, and no
//! other request is in it.

use std::collections::BTreeMap;

use anyhow::ensure;
use testbed::{Part, Region};

use crate::world::World;

/// Holds what was asked against what the gateway has written.
pub(crate) fn is_complete(world: &World) -> anyhow::Result<()> {
    let log = world.bed.log(Part::Gateway(Region::Ot1))?;
    let mut lines: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in log.lines().filter(|line| line.contains(": audit: ")) {
        lines.entry(request_id(line)).or_default().push(line);
    }
    let asked = world.asked();
    let mut changes = 0;
    for request in &asked {
        let found = lines.get(request.id.as_str());
        if !request.changes_something {
            ensure!(found.is_none(), "{request:?} is on record: {found:?}");
            continue;
        }
        changes += 1;
        let words = [
            // `signalPlan/stop`.
            format!("audit.action=\"{}", request.operation),
            format!("audit.reason.code={} ", request.status),
        ];
        let is_on_record = found.is_some_and(|found| {
            found.len() == 1 && words.iter().all(|word| found[0].contains(word))
        });
        ensure!(is_on_record, "{request:?} is not on record once: {found:?}");
    }
    ensure!(
        changes > 0 && changes < asked.len(),
        "{} and {changes}",
        asked.len()
    );
    Ok(())
}

/// The id by which a line of the trail names its request.
fn request_id(line: &str) -> &str {
    let (_, rest) = line.split_once("audit.request.id=").unwrap_or_default();
    rest.split_whitespace().next().unwrap_or_default()
}
