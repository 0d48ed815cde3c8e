//! A plan is accepted.

use std::collections::BTreeSet;

use domain::{Creator, PlanDocument, PlanId, RegionId, Schedule, TenantId};
use jiff::Timestamp;

use super::timing::{next_fire, shortest_period};
use super::{InvalidPlan, PlanRules};
use crate::plan_record::{FORMAT, PlanRecord};

/// What somebody wants to be a plan.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its id, made by the gateway.
    pub id: PlanId,
    /// The region that it copies from.
    pub region: RegionId,
    /// The project there.
    pub tenant: TenantId,
    /// Who wrote it.
    pub creator: Creator,
    /// What was written.
    pub document: PlanDocument,
}

/// The record of a new plan. An empty schedule means: once, now.
///
/// # Errors
/// [`InvalidPlan`].
pub fn accept(
    wanted: Wanted,
    now: Timestamp,
    rules: &PlanRules,
) -> Result<PlanRecord, InvalidPlan> {
    if !rules.knows(&wanted.region) {
        return Err(InvalidPlan::UnknownRegion(wanted.region));
    }
    check(&wanted.document, rules)?;
    check_pace(&wanted.document, now, rules)?;
    let mut record = PlanRecord {
        format: FORMAT,
        id: wanted.id,
        region: wanted.region,
        tenant: wanted.tenant,
        creator: wanted.creator,
        document: wanted.document,
        revision: 1,
        created_at: now,
        updated_at: now,
        changed_at: Some(now),
        scheduled_at: now,
        once_owed: false,
        stopped: false,
        last_event: None,
        next_fire: None,
        last_fire: None,
        run: None,
        started_at: None,
        ended_at: None,
        last_run: None,
        points: Vec::new(),
        outbox: Vec::new(),
        check_at: None,
    };
    schedule(&mut record, false, now);
    Ok(record)
}

/// Refuses a document that no plan can have.
pub(super) fn check(document: &PlanDocument, rules: &PlanRules) -> Result<(), InvalidPlan> {
    Schedule::parse(&document.schedule)?;
    let mut ids = BTreeSet::new();
    for action in &document.actions {
        if !ids.insert(*action.id.as_uuid()) {
            return Err(InvalidPlan::SameAction(action.id));
        }
        if !rules.knows(&action.destination.region) {
            let region = action.destination.region.clone();
            return Err(InvalidPlan::UnknownRegion(region));
        }
    }
    Ok(())
}

/// Refuses a schedule that fires too often: each fire has a worker ask every Keystone, and no limit of copies counts it.
pub(super) fn check_pace(
    document: &PlanDocument,
    now: Timestamp,
    rules: &PlanRules,
) -> Result<(), InvalidPlan> {
    let shortest = rules.shortest_period;
    match shortest_period(&Schedule::parse(&document.schedule)?, now) {
        Some(found) if found < shortest => Err(InvalidPlan::TooOften { found, shortest }),
        Some(_) | None => Ok(()),
    }
}

/// The schedule counts as written now.
pub(super) fn schedule(record: &mut PlanRecord, empty_is_off: bool, now: Timestamp) {
    let written = Schedule::parse(&record.document.schedule);
    record.scheduled_at = now;
    record.once_owed = written.is_ok_and(|it| it.is_empty()) && !empty_is_off;
    record.next_fire = next_fire(record, now);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan_lifecycle::sample::{action, at, daily, document, rules, wanted};

    #[test]
    fn an_empty_schedule_is_owed_one_fire_and_a_daily_one_waits_for_its_hour() {
        let record = accept(wanted(document(&[action(1)])), at(0), &rules()).expect("valid");
        assert_eq!(record.next_fire, Some(at(0)));
        let record = accept(wanted(daily(&[action(1)])), at(0), &rules()).expect("valid");
        assert_eq!(record.next_fire, Some(at(86_400)));
    }

    #[test]
    fn a_schedule_that_fires_too_often_is_refused_however_it_says_so() {
        let written = |interval: Option<&str>, second: Option<&str>| {
            let mut document = document(&[action(1)]);
            document.schedule.interval = interval.map(str::to_owned);
            document.schedule.second = second.map(str::to_owned);
            accept(wanted(document), at(0), &rules()).map_err(|refused| refused.to_string())
        };
        for (interval, second) in [
            (Some("9 seconds"), None),
            (None, Some("*")),
            (None, Some("0,5")),
        ] {
            let refused = written(interval, second).expect_err("too often");
            assert!(refused.contains("10s between them"), "{refused}");
        }
        for (interval, second) in [
            (Some("10 seconds"), None),
            (None, Some("0,10")),
            (None, Some("7")),
        ] {
            written(interval, second).expect("often enough");
        }
    }

    #[test]
    fn a_disabled_plan_does_not_fire() {
        let mut document = document(&[action(1)]);
        document.disabled = true;
        let record = accept(wanted(document), at(0), &rules()).expect("valid");
        assert_eq!((record.next_fire, record.once_owed), (None, true));
    }

    #[test]
    fn what_no_plan_can_have_is_refused_by_name() {
        let refusal = |document| {
            let refused = accept(wanted(document), at(0), &rules()).expect_err("refused");
            refused.to_string()
        };
        let mut elsewhere = action(2);
        elsewhere.destination.region = RegionId::new("ot9");
        assert!(refusal(document(&[action(1), elsewhere])).contains("`ot9`"));
        assert!(refusal(document(&[action(1), action(1)])).contains("two actions"));
        let mut nonsense = document(&[action(1)]);
        nonsense.schedule.hour = Some("noon".to_owned());
        assert!(refusal(nonsense).contains("schedule_hour"));
    }
}
