//! What Keystone said of destination projects and of callers' rights on them, kept for a few seconds, so that a hundred
//! copies into one project do not ask the same a hundred times.
//!
//! Invariants: only what lets a copy be made is kept, so that a project or a role that was just made counts at once, and
//! one that was taken away counts as soon as the time is over; one question at a time for each of them, however many
//! requests wait for its answer.

use std::time::Duration;

use domain::{RegionId, TenantId, UserId};
use moka::future::Cache;
use openstack::Project;

use crate::Refusal;

/// Answers of each kind that are kept, at most. Each is a few hundred bytes.
const CAPACITY: u64 = 10_000;

/// Short-term memory of Keystone's answers, shared by its clones.
#[derive(Debug, Clone)]
pub(crate) struct Lookups {
    projects: Cache<(RegionId, TenantId), Project>,
    rights: Cache<Right, ()>,
}

/// A user, as the source's Keystone knows it, may have copies made for a tenant of a region.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Right {
    pub(crate) user: UserId,
    pub(crate) region: RegionId,
    pub(crate) tenant: TenantId,
}

/// Why an answer is not kept.
enum NotKept {
    Unknown,
    Refused(Refusal),
}

impl Lookups {
    /// Keeps answers for that long; zero: not at all.
    pub(crate) fn kept_for(time: Duration) -> Self {
        Self {
            projects: Cache::builder()
                .max_capacity(CAPACITY)
                .time_to_live(time)
                .build(),
            rights: Cache::builder()
                .max_capacity(CAPACITY)
                .time_to_live(time)
                .build(),
        }
    }

    /// A project that can be used, as the Keystone of the region knows it, or as `ask` finds it.
    pub(crate) async fn project(
        &self,
        region: &RegionId,
        tenant: &TenantId,
        ask: impl Future<Output = Result<Option<Project>, Refusal>>,
    ) -> Result<Option<Project>, Refusal> {
        let ask = async {
            let project = ask.await.map_err(NotKept::Refused)?;
            project.ok_or(NotKept::Unknown)
        };
        let key = (region.clone(), tenant.clone());
        match self.projects.try_get_with(key, ask).await {
            Ok(project) => Ok(Some(project)),
            Err(not_kept) => match &*not_kept {
                NotKept::Unknown => Ok(None),
                NotKept::Refused(refusal) => Err(refusal.clone()),
            },
        }
    }

    /// Whether a right is held, or is found to be by `ask`.
    pub(crate) async fn right(
        &self,
        right: Right,
        ask: impl Future<Output = Result<(), Refusal>>,
    ) -> Result<(), Refusal> {
        let held = self.rights.try_get_with(right, ask).await;
        held.map_err(|refusal| Refusal::clone(&refusal))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn right() -> Right {
        Right {
            user: UserId::new("u"),
            region: RegionId::new("ot2"),
            tenant: TenantId::new("t"),
        }
    }

    fn refusal() -> Refusal {
        Refusal::TenantNotFound {
            tenant: TenantId::new("t"),
        }
    }

    /// Asks for the same right once for each answer that there would be; tells what came of each, and how many were asked for.
    async fn asked(
        lookups: &Lookups,
        answers: &[Result<(), Refusal>],
    ) -> (Vec<Result<(), Refusal>>, usize) {
        let count = Cell::new(0);
        let mut got = Vec::new();
        for answer in answers {
            let ask = async {
                count.set(count.get() + 1);
                answer.clone()
            };
            got.push(lookups.right(right(), ask).await);
        }
        (got, count.get())
    }

    #[tokio::test]
    async fn a_right_that_is_held_is_asked_for_once_and_a_missing_one_each_time() {
        let lookups = Lookups::kept_for(LONG);
        let answers = [Err(refusal()), Err(refusal()), Ok(()), Err(refusal())];
        let (got, questions) = asked(&lookups, &answers).await;
        assert_eq!(got, [Err(refusal()), Err(refusal()), Ok(()), Ok(())]);
        assert_eq!(questions, 3);
    }

    #[tokio::test]
    async fn nothing_is_kept_for_no_time() {
        let lookups = Lookups::kept_for(Duration::ZERO);
        let answers = [Ok(()), Err(refusal()), Ok(())];
        let (got, questions) = asked(&lookups, &answers).await;
        assert_eq!((got, questions), (answers.to_vec(), 3));
    }

    #[tokio::test]
    async fn a_project_is_kept_once_it_is_there_and_for_its_region_and_tenant_alone() {
        let lookups = Lookups::kept_for(LONG);
        let project = |id: &str| Project {
            id: TenantId::new(id),
            name: id.to_owned(),
            enabled: true,
            domain_id: None,
            tags: Vec::new(),
        };
        let (here, there) = (RegionId::new("ot1"), RegionId::new("ot2"));
        let (t, other) = (TenantId::new("t"), TenantId::new("other"));
        let looks = [
            (&here, &t, None, None),
            (&here, &t, Some("t"), Some("t")),
            (&here, &t, None, Some("t")),
            (&there, &t, None, None),
            (&here, &other, Some("other"), Some("other")),
        ];
        for (region, tenant, answer, expected) in looks {
            let ask = async { Ok(answer.map(project)) };
            let got = lookups.project(region, tenant, ask).await;
            assert_eq!(got, Ok(expected.map(project)), "{region} {tenant}");
        }
        let down = async { Err(refusal()) };
        assert_eq!(lookups.project(&there, &t, down).await, Err(refusal()));
    }
}
