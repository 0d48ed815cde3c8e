//! Carries out a change as `scripts/apply.lua` does, line by line.

use super::tables::Tables;
use crate::store::StoreError;
use crate::store::change::{Change, LaneKeys, Op, OpenGuard};
use crate::store::keys::CLOCK;

/// Puts a lane where the limits say.
pub(super) fn seat(tables: &mut Tables, lane: &LaneKeys, now: i64) {
    let seated = tables.score_of(&lane.tenants, &lane.tenant);
    if tables.count(&lane.eligible) == 0 {
        tables.discard(&lane.lanes, &lane.name);
    } else {
        tables.add(&lane.lanes, &lane.name);
        let running = lane.running.as_ref();
        if running.is_none_or(|running| tables.size(running) < lane.limit) {
            let own = tables
                .number(&lane.virtual_times, &lane.tenant)
                .unwrap_or(0);
            let clock = tables.number(&lane.virtual_times, CLOCK).unwrap_or(0);
            tables.score(
                &lane.tenants,
                &lane.tenant,
                own.max(seated.unwrap_or(clock)),
            );
            if let Some(due) = lane.ticket_at.or(seated.is_none().then_some(now)) {
                let at = tables.score_of(&lane.tickets, &lane.name);
                if at.is_none_or(|at| at > due) {
                    tables.score(&lane.tickets, &lane.name, due);
                }
                tables.remove_field(&lane.steps, &lane.name);
            }
            return;
        }
    }
    tables.unscore(&lane.tenants, &lane.tenant);
    tables.unscore(&lane.tickets, &lane.name);
    tables.remove_field(&lane.steps, &lane.name);
}

fn charge(tables: &mut Tables, lane: &LaneKeys) {
    let own = tables
        .number(&lane.virtual_times, &lane.tenant)
        .unwrap_or(0);
    let clock = tables.number(&lane.virtual_times, CLOCK).unwrap_or(0);
    let seated = tables.score_of(&lane.tenants, &lane.tenant);
    let paid = own.max(seated.unwrap_or(clock));
    tables.set_field(&lane.virtual_times, CLOCK, &clock.max(paid).to_string());
    tables.set_field(&lane.virtual_times, &lane.tenant, &(paid + 1).to_string());
}

/// As `forget_paid.lua`, in one go.
pub(super) fn forget_paid(tables: &mut Tables, virtual_times: &str) {
    let clock = tables.number(virtual_times, CLOCK).unwrap_or(0);
    for tenant in tables.fields(virtual_times) {
        let own = tables.number(virtual_times, &tenant);
        if tenant != CLOCK && own.is_some_and(|own| own <= clock) {
            tables.remove_field(virtual_times, &tenant);
        }
    }
}

/// The first refusal of a change.
pub(super) fn refusal(tables: &Tables, change: &Change, job: &str) -> Option<StoreError> {
    let is_drained = |open: &OpenGuard| tables.field(&open.key, &open.region).is_some();
    if change.open.as_ref().is_some_and(is_drained) {
        return Some(StoreError::Drained);
    }
    let full = |guard: &crate::store::change::Guard| tables.size(&guard.key) >= guard.limit;
    if change.guards.iter().any(full) {
        return Some(StoreError::LimitReached);
    }
    let claim = change.claim.as_ref()?;
    let known = tables.field(&claim.key, &claim.claim)?;
    (known != job).then_some(StoreError::ClaimTaken)
}

/// Carries it out.
pub(super) fn apply(tables: &mut Tables, change: &Change) {
    let full: Vec<bool> = change
        .wakes
        .iter()
        .map(|wake| tables.size(&wake.running) >= wake.limit)
        .collect();
    for Op { t, k, m, .. } in &change.removes {
        match t {
            's' => tables.discard(k, m),
            'z' => tables.unscore(k, m),
            _ => tables.remove_field(k, m),
        }
    }
    for Op { t, k, m, v } in &change.adds {
        match t {
            's' => tables.add(k, m),
            // Scores are written by `Op::from` alone, from whole numbers.
            'z' => tables.score(k, m, v.parse().unwrap_or_default()),
            _ => tables.set_field(k, m, v),
        }
    }
    if let Some(lane) = &change.charge {
        charge(tables, lane);
    }
    for lane in &change.lanes {
        seat(tables, lane, change.now);
    }
    for (wake, full) in change.wakes.iter().zip(full) {
        if full && tables.size(&wake.running) < wake.limit {
            let first = tables.ranked(&wake.tenants).next().cloned();
            if let Some((_, tenant)) = first {
                let name = format!("{}|{tenant}", wake.source);
                tables.score(&wake.tickets, &name, change.now);
                tables.remove_field(&wake.steps, &name);
            }
        }
    }
}
