//! Which unit a region's worker gets: a pure choice over what the store shows of the region.
//!
//! Each tenant with work and room has a virtual time, which grows by one with every grant; the
//! lowest goes first, so tenants take turns however many jobs each has. The errands of a region (clean-ups and
//! what plans need done) take part as one more tenant: they neither starve nor crowd out copies. A source or destination
//! at its limit is passed over; a tenant at its limit is not shown at all.

use domain::JobId;

use crate::store::lane::Lane;
use crate::store::shape::Limits;

/// What the choice looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegionView {
    /// Copies that run into the region.
    pub running: usize,
    /// Per source (and for the errands), the first few of its tenants.
    pub sources: Vec<SourceView>,
}

/// One source of units for the region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceView {
    /// Copies that run from this source, into whichever region.
    pub running: usize,
    /// The tenants with the lowest virtual times.
    pub heads: Vec<Head>,
}

/// A tenant with its first few units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Whose units, from where.
    pub lane: Lane,
    /// Grants that it has had, so to speak.
    pub virtual_time: i64,
    /// The first few units, the oldest first.
    pub jobs: Vec<JobId>,
}

/// The job that a message named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The job.
    pub job: JobId,
    /// Where its unit queues.
    pub lane: Lane,
}

impl RegionView {
    /// Where a unit that is shown queues.
    #[must_use]
    pub fn lane_of(&self, job: JobId) -> Option<&Lane> {
        let heads = self.sources.iter().flat_map(|source| &source.heads);
        heads
            .filter(|head| head.jobs.contains(&job))
            .map(|head| &head.lane)
            .next()
    }
}

/// Units to try, the fairest first: who loses the race for one goes on with the next.
///
/// The hinted job comes first when nobody else is before its tenant.
#[must_use]
pub fn candidates(view: &RegionView, hint: Option<&Hint>, limits: &Limits) -> Vec<JobId> {
    let heads = open_heads(view, limits);
    let fairest = heads.iter().map(|head| head.virtual_time).min();
    let hinted = hint.filter(|hint| {
        heads
            .iter()
            .any(|head| head.lane == hint.lane && Some(head.virtual_time) == fairest)
    });
    // The first unit of every tenant before the second of any.
    let mut ranked: Vec<(usize, i64, &Lane, JobId)> = heads
        .iter()
        .flat_map(|head| {
            let ranks = head.jobs.iter().enumerate();
            ranks.map(|(rank, job)| (rank, head.virtual_time, &head.lane, *job))
        })
        .collect();
    ranked.sort_unstable();
    let rest = ranked.into_iter().map(|(_, _, _, job)| job);
    let hinted = hinted.map(|hint| hint.job);
    hinted
        .into_iter()
        .chain(rest.filter(|job| Some(*job) != hinted))
        .collect()
}

fn open_heads<'a>(view: &'a RegionView, limits: &Limits) -> Vec<&'a Head> {
    let destination_full = view.running >= limits.copies_per_destination;
    view.sources
        .iter()
        .flat_map(|source| {
            let full = destination_full || source.running >= limits.copies_per_source;
            source
                .heads
                .iter()
                .filter(move |head| !full || head.lane.is_errands())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use domain::{RegionId, TenantId};
    use proptest::prelude::*;

    use super::*;
    use crate::lifecycle::sample::job_id;

    const LIMITS: Limits = Limits {
        copies_per_tenant: 2,
        copies_per_source: 4,
        copies_per_destination: 8,
    };

    fn lane(tenant: &str) -> Lane {
        Lane::copies(&RegionId::new("ot1"), &TenantId::new(tenant))
    }

    fn head(lane: Lane, virtual_time: i64, jobs: &[u128]) -> Head {
        Head {
            lane,
            virtual_time,
            jobs: jobs.iter().map(|job| job_id(*job)).collect(),
        }
    }

    fn view(running: usize, heads: Vec<Head>) -> RegionView {
        RegionView {
            running,
            sources: vec![SourceView { running, heads }],
        }
    }

    #[test]
    fn the_lowest_virtual_time_goes_first_and_everybodys_first_before_anyones_second() {
        let view = view(
            0,
            vec![head(lane("a"), 5, &[1, 2]), head(lane("b"), 3, &[3, 4])],
        );
        let order = [3, 1, 4, 2].map(job_id);
        assert_eq!(candidates(&view, None, &LIMITS), order);
    }

    #[test]
    fn a_hint_counts_only_for_the_fairest_tenant() {
        let view = view(
            0,
            vec![head(lane("a"), 5, &[1]), head(lane("b"), 3, &[3, 4])],
        );
        let hint = |job, tenant| Hint {
            job: job_id(job),
            lane: lane(tenant),
        };
        let first = |hint: Hint| candidates(&view, Some(&hint), &LIMITS)[0];
        assert_eq!(first(hint(4, "b")), job_id(4));
        assert_eq!(first(hint(99, "b")), job_id(99));
        assert_eq!(first(hint(1, "a")), job_id(3));
    }

    #[test]
    fn limits_stop_copies_and_not_errands() {
        let heads = vec![head(lane("a"), 1, &[1]), head(Lane::errands(), 9, &[2])];
        assert_eq!(
            candidates(&view(4, heads.clone()), None, &LIMITS),
            [job_id(2)]
        );
        let mut full = view(0, heads);
        full.running = 8;
        assert_eq!(candidates(&full, None, &LIMITS), [job_id(2)]);
    }

    proptest! {
        /// Tenants who always have work are served in turns, whatever they started with.
        #[test]
        fn nobody_is_more_than_one_ahead_of_anybody(tenants in 1_usize..8, rounds in 1_usize..60) {
            let mut times = vec![0_i64; tenants];
            for _ in 0..rounds {
                let heads = times.iter().enumerate().map(|(index, time)| {
                    head(lane(&format!("t{index}")), *time, &[index as u128])
                });
                let chosen = candidates(&view(0, heads.collect()), None, &LIMITS)[0];
                let index = (0..tenants).find(|index| job_id(*index as u128) == chosen);
                times[index.expect("one of them")] += 1;
            }
            let most = times.iter().max().expect("some");
            let least = times.iter().min().expect("some");
            prop_assert!(most - least <= 1);
        }
    }
}
