//! The reading scripts' counterparts, and the two small ones that write.

use std::str::FromStr;
use std::time::Duration;

use domain::{JobId, RegionId};
use jiff::Timestamp;

use super::millis;
use super::tables::Tables;
use crate::fairness::{Head, RegionView, SourceView};
use crate::store::keys::{Keys, escape};
use crate::store::lane::{ERRANDS, Lane};
use crate::store::shape::{LANES_AT_ONCE, Shape, TENANTS_SHOWN, UNITS_SHOWN};
use crate::store::{PageQuery, TicketPace};

/// As `create.lua` looks a key up.
pub(super) fn job_of_key(tables: &Tables, key: &str, now: Timestamp) -> Option<JobId> {
    let until = tables.number(key, "until")?;
    (until > now.as_millisecond())
        .then(|| tables.field(key, "job")?.parse().ok())
        .flatten()
}

/// As `region_view.lua`.
pub(super) fn region_view(
    tables: &Tables,
    keys: &Keys,
    shape: &Shape,
    region: &RegionId,
) -> RegionView {
    let names = shape.regions.iter().map(|source| escape(source.as_str()));
    let names = names.chain([ERRANDS.to_owned()]);
    RegionView {
        running: tables.size(&keys.running_destination(region)),
        sources: names
            .map(|source| SourceView {
                running: tables.size(&keys.running_source(&source)),
                heads: heads(tables, keys, region, &source),
            })
            .collect(),
    }
}

fn heads(tables: &Tables, keys: &Keys, region: &RegionId, source: &str) -> Vec<Head> {
    let seats = tables
        .ranked(&keys.tenants(region, source))
        .take(TENANTS_SHOWN);
    seats
        .map(|(virtual_time, tenant)| {
            let lane = Lane {
                source: source.to_owned(),
                tenant: tenant.clone(),
            };
            let units = tables
                .ranked(&keys.eligible(region, &lane))
                .take(UNITS_SHOWN);
            Head {
                jobs: units.filter_map(|(_, id)| id.parse().ok()).collect(),
                lane,
                virtual_time: *virtual_time,
            }
        })
        .collect()
}

/// Ids of a sorted set of times, up to one.
pub(super) fn up_to<T: FromStr>(
    tables: &Tables,
    key: &str,
    now: Timestamp,
    limit: usize,
) -> Vec<T> {
    let ranked = tables.ranked(key);
    let due = ranked.take_while(|(at, _)| *at <= now.as_millisecond());
    due.take(limit)
        .filter_map(|(_, id)| id.parse().ok())
        .collect()
}

/// As `take_tickets.lua`.
pub(super) fn take_tickets(
    tables: &mut Tables,
    keys: &Keys,
    shape: &Shape,
    region: &RegionId,
    now: Timestamp,
    pace: &TicketPace,
) -> Vec<JobId> {
    let (tickets, steps) = (keys.tickets(region), keys.ticket_steps(region));
    let now = now.as_millisecond();
    let limits = &shape.limits;
    let left = |limit: usize, key: &str, tables: &Tables| limit.saturating_sub(tables.size(key));
    let mut room = left(
        limits.copies_per_destination,
        &keys.running_destination(region),
        tables,
    );
    let mut taken = Vec::new();
    let due = tables.ranked(&tickets).take_while(|(at, _)| *at <= now);
    let due: Vec<String> = due
        .take(LANES_AT_ONCE)
        .map(|(_, name)| name.clone())
        .collect();
    for name in due {
        if taken.len() >= pace.most {
            break;
        }
        let step = tables.number(&steps, &name).unwrap_or(millis(pace.first));
        let Some(lane) = Lane::parse(&name) else {
            continue;
        };
        let eligible = keys.eligible(region, &lane);
        let (mut wanted, mut youngest) = (pace.most - taken.len(), i64::MAX);
        if !lane.is_errands() {
            youngest = now - millis(pace.announced);
            let of_source = keys.running_source(&lane.source);
            let of_tenant = keys.running_tenant(region, &lane.tenant);
            wanted = wanted
                .min(room)
                .min(left(limits.copies_per_source, &of_source, tables))
                .min(left(limits.copies_per_tenant, &of_tenant, tables));
        }
        let mut next = now + stretched(step, pace.stretch);
        let fresh = tables.ranked(&eligible).find(|(at, _)| *at > youngest);
        if let Some((accepted, _)) = fresh {
            next = next.min(accepted + millis(pace.announced));
        } else {
            let longer = step.saturating_mul(2).min(millis(pace.longest));
            tables.set_field(&steps, &name, &longer.to_string());
        }
        tables.score(&tickets, &name, next);
        let due = tables
            .ranked(&eligible)
            .take_while(|(at, _)| *at <= youngest);
        for (_, id) in due.take(wanted) {
            taken.extend(id.parse::<JobId>().ok());
            if !lane.is_errands() {
                room -= 1;
            }
        }
    }
    taken
}

/// `math.floor(step * stretch)`, as Lua computes it.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "milliseconds of a ticket period are far below 2^53"
)]
fn stretched(step: i64, stretch: f64) -> i64 {
    (step as f64 * stretch).floor() as i64
}

/// As `page.lua`.
pub(super) fn page(tables: &Tables, keys: &Keys, query: &PageQuery) -> Vec<JobId> {
    let sets: Vec<String> = if query.statuses.is_empty() {
        vec![keys.list(&query.scope, None)]
    } else {
        let statuses = query.statuses.iter();
        statuses
            .map(|status| keys.list(&query.scope, Some(*status)))
            .collect()
    };
    let start = query
        .after
        .map(|(at, id)| (at.as_millisecond(), id.to_string()));
    let mut found: Vec<(i64, String)> = sets
        .iter()
        .flat_map(|key| tables.ranked(key))
        .filter(|entry| match &start {
            None => true,
            Some(start) if query.oldest_first => *entry > start,
            Some(start) => *entry < start,
        })
        .cloned()
        .collect();
    found.sort();
    if !query.oldest_first {
        found.reverse();
    }
    let page = found.iter().take(query.limit);
    page.filter_map(|(_, id)| id.parse().ok()).collect()
}

/// As `mark_serving.lua`.
pub(super) fn mark_serving(
    tables: &mut Tables,
    key: &str,
    now: Timestamp,
    gap: Duration,
) -> Timestamp {
    let now_ms = now.as_millisecond();
    let last = tables.number(key, "last").unwrap_or(0);
    let mut since = tables.number(key, "since").unwrap_or(0);
    if now_ms.saturating_sub(last) > millis(gap) {
        since = now_ms;
    }
    tables.set_field(key, "last", &last.max(now_ms).to_string());
    tables.set_field(key, "since", &since.to_string());
    Timestamp::from_millisecond(since).unwrap_or(now)
}
