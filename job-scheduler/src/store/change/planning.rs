//! A change is the difference between two records, worked out in Rust.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Change, ClaimGuard, Guard, LaneKeys, Op, OpenGuard, Wake};
use crate::job_record::JobRecord;
use crate::store::keys::{Keys, escape};
use crate::store::lane::Lane;
use crate::store::placement;
use crate::store::shape::Shape;
use crate::store::{Place, Scope};

/// Builds changes for one configuration.
#[derive(Debug, Clone)]
pub struct Planner<'a> {
    /// Names.
    pub keys: &'a Keys,
    /// Regions and limits.
    pub shape: &'a Shape,
}

// === impl Planner ===

impl Planner<'_> {
    /// A job is accepted.
    #[must_use]
    pub fn create(&self, record: &JobRecord, ticket_at: Timestamp, now: Timestamp) -> Change {
        let mut change = self.change(None, Some(record), ticket_at, now);
        for region in [record.source_region(), record.region()] {
            change.adds.push(Op {
                t: 's',
                k: self.keys.regions(),
                m: region.to_string(),
                v: String::new(),
            });
        }
        change
    }

    /// A record is replaced.
    #[must_use]
    pub fn commit(&self, before: &JobRecord, after: &JobRecord, now: Timestamp) -> Change {
        self.change(Some(before), Some(after), now, now)
    }

    /// A record goes.
    #[must_use]
    pub fn remove(&self, record: &JobRecord, now: Timestamp) -> Change {
        self.change(Some(record), None, now, now)
    }

    /// A job that was set aside gets all its entries again. It held them before: nothing guards that,
    /// and nobody pays.
    #[must_use]
    pub fn put_back(&self, record: &JobRecord, now: Timestamp) -> Change {
        Change {
            guards: Vec::new(),
            open: None,
            claim: None,
            charge: None,
            ..self.change(None, Some(record), now, now)
        }
    }

    fn change(
        &self,
        before: Option<&JobRecord>,
        after: Option<&JobRecord>,
        ticket_at: Timestamp,
        now: Timestamp,
    ) -> Change {
        let had = before.map_or_else(BTreeSet::new, |it| placement::entries(it, self.keys));
        let has = after.map_or_else(BTreeSet::new, |it| placement::entries(it, self.keys));
        let granted = granted_lane(before, after);
        Change {
            now: now.as_millisecond(),
            guards: self.guards(after, granted.as_ref()),
            open: after
                .filter(|_| granted.is_some())
                .map(|it| self.open_guard(it)),
            claim: after
                .filter(|_| granted.is_some())
                .and_then(|it| self.claim_guard(it)),
            removes: had.difference(&has).map(Op::from).collect(),
            adds: has.difference(&had).map(Op::from).collect(),
            changed: after
                .or(before)
                .map_or_else(Vec::new, |it| self.changed(it)),
            charge: granted
                .zip(after)
                .map(|(lane, it)| self.lane(it, &lane, None)),
            lanes: self.lanes(before, after, ticket_at.as_millisecond()),
            wakes: self.wakes(before, after),
        }
    }

    /// The limits that a grant must not exceed. A lapsed lease that is renewed passes none: its copy
    /// goes on in any case, and counting it anew shows the truth, be it above a limit for a while.
    fn guards(&self, after: Option<&JobRecord>, granted: Option<&Lane>) -> Vec<Guard> {
        let Some((record, lane)) = after.zip(granted).filter(|(_, lane)| !lane.is_errands()) else {
            return Vec::new();
        };
        let region = record.region();
        let limits = &self.shape.limits;
        [
            (
                self.keys.running_tenant(region, &lane.tenant),
                limits.copies_per_tenant,
            ),
            (
                self.keys.running_source(&lane.source),
                limits.copies_per_source,
            ),
            (
                self.keys.running_destination(region),
                limits.copies_per_destination,
            ),
        ]
        .into_iter()
        .map(|(key, limit)| Guard { key, limit })
        .collect()
    }

    fn open_guard(&self, after: &JobRecord) -> OpenGuard {
        OpenGuard {
            key: self.keys.drained(),
            region: after.region().to_string(),
        }
    }

    fn claim_guard(&self, after: &JobRecord) -> Option<ClaimGuard> {
        after.lease.as_ref().map(|lease| ClaimGuard {
            key: self.keys.claims(),
            claim: lease.claim.to_string(),
        })
    }

    fn changed(&self, record: &JobRecord) -> Vec<String> {
        let scopes = record
            .owner()
            .map(|owner| [Scope::Owner(owner), Scope::All]);
        let scopes = scopes.iter().flatten();
        scopes.map(|scope| self.keys.changed(scope)).collect()
    }

    /// Lanes whose place may have changed: those that a unit entered or left, and all of a tenant's
    /// when one of its copies started or stopped to run.
    fn lanes(
        &self,
        before: Option<&JobRecord>,
        after: Option<&JobRecord>,
        ticket_at: i64,
    ) -> Vec<LaneKeys> {
        let Some(record) = after.or(before) else {
            return Vec::new();
        };
        let was = before.and_then(placement::eligible_lane);
        let is = after.and_then(placement::eligible_lane);
        let mut touched = BTreeSet::new();
        if was != is {
            touched.extend(was);
            touched.extend(is.clone());
        }
        touched.extend(granted_lane(before, after));
        let ran = before.and_then(placement::running_lane);
        let runs = after.and_then(placement::running_lane);
        if let Some(spec) = record.copy().filter(|_| ran != runs) {
            let sources = self.shape.regions.iter();
            touched.extend(sources.map(|source| Lane::copies(source, &spec.source.tenant)));
        }
        let entered = is.filter(|_| touched_by_entry(before, after));
        touched
            .into_iter()
            .map(|lane| {
                let ticket = (entered.as_ref() == Some(&lane)).then_some(ticket_at);
                self.lane(record, &lane, ticket)
            })
            .collect()
    }

    fn lane(&self, record: &JobRecord, lane: &Lane, ticket_at: Option<i64>) -> LaneKeys {
        self.lane_of_region(record.region(), lane, ticket_at)
    }

    /// Everything about a lane.
    #[must_use]
    pub fn lane_of_region(
        &self,
        region: &domain::RegionId,
        lane: &Lane,
        ticket_at: Option<i64>,
    ) -> LaneKeys {
        let running = self.keys.running_tenant(region, &lane.tenant);
        LaneKeys {
            name: lane.name(),
            tenant: lane.tenant.clone(),
            eligible: self.keys.eligible(region, lane),
            tenants: self.keys.tenants(region, &lane.source),
            lanes: self.keys.lanes(region),
            virtual_times: self.keys.virtual_times(region),
            tickets: self.keys.tickets(region),
            steps: self.keys.ticket_steps(region),
            running: (!lane.is_errands()).then_some(running),
            limit: self.shape.limits.copies_per_tenant,
            ticket_at,
        }
    }

    /// The lane of a place, for whoever takes a unit out of it.
    #[must_use]
    pub fn lane_of_place(&self, place: &Place) -> Option<LaneKeys> {
        match place {
            Place::Lane(region, lane) => Some(self.lane_of_region(region, lane, None)),
            Place::Due(_) | Place::Aside => None,
        }
    }

    /// A slot of the source may wake any region's seats of that source; a slot of the destination
    /// any source's seats of that region.
    fn wakes(&self, before: Option<&JobRecord>, after: Option<&JobRecord>) -> Vec<Wake> {
        let Some((record, lane)) = before.and_then(|it| Some((it, placement::running_lane(it)?)))
        else {
            return Vec::new();
        };
        if after.and_then(placement::running_lane).is_some() {
            return Vec::new();
        }
        let here = record.region();
        let limits = &self.shape.limits;
        let wake = |running: String, limit: usize, region: &domain::RegionId, source: &str| Wake {
            running,
            limit,
            source: source.to_owned(),
            tenants: self.keys.tenants(region, source),
            tickets: self.keys.tickets(region),
            steps: self.keys.ticket_steps(region),
        };
        let of_source = self.shape.regions.iter().map(|region| {
            let running = self.keys.running_source(&lane.source);
            wake(running, limits.copies_per_source, region, &lane.source)
        });
        let of_destination = self.shape.regions.iter().map(|source| {
            let running = self.keys.running_destination(here);
            wake(
                running,
                limits.copies_per_destination,
                here,
                &escape(source.as_str()),
            )
        });
        of_source.chain(of_destination).collect()
    }
}

/// The lane of a grant that `after` has and `before` has not.
pub(in crate::store) fn granted_lane(
    before: Option<&JobRecord>,
    after: Option<&JobRecord>,
) -> Option<Lane> {
    let (record, lease) = after.and_then(|it| Some((it, it.held_lease()?)))?;
    let known = before.and_then(|it| it.lease.as_ref());
    (known.map(|lease| lease.token) != Some(lease.token)).then(|| Lane::of(record, lease.kind))
}

/// Whether the record stands in a lane that it did not stand in before.
fn touched_by_entry(before: Option<&JobRecord>, after: Option<&JobRecord>) -> bool {
    before.and_then(placement::eligible_lane) != after.and_then(placement::eligible_lane)
}
