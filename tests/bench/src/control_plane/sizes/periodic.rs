//! What a scheduler does by itself again and again, whoever asks for nothing, and what an operator's monitoring asks.

use job_scheduler::{plan_keeper, reconciler};

use super::holding::Holding;
use crate::control_plane::load::timed;

/// One such thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chore {
    Reconcile,
    Reseat,
    Count,
    Plans,
    Durability,
    Scrape,
}

impl Chore {
    pub(super) const ALL: [Self; 6] = [
        Self::Reconcile,
        Self::Reseat,
        Self::Count,
        Self::Plans,
        Self::Durability,
        Self::Scrape,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Reconcile => "the reconciler's pass, each second",
            Self::Reseat => "lanes put in their places, each minute",
            Self::Count => "what runs and waits counted, every ten seconds",
            Self::Plans => "the plan keeper's pass, each second",
            Self::Durability => "the look at Redis' durability, each minute",
            Self::Scrape => "a scrape of the metrics",
        }
    }

    /// Does it; gives the milliseconds that it took.
    ///
    /// # Errors
    /// When the store or the scheduler does not answer.
    pub(super) async fn take(self, holding: &Holding) -> anyhow::Result<f64> {
        let jobs = holding.parts.jobs();
        let work = async {
            match self {
                Self::Reconcile => reconciler::tick(jobs).await?,
                Self::Reseat => reconciler::reseat(jobs).await?,
                Self::Count => {
                    for region in &jobs.settings.shape.regions {
                        jobs.store.census(region).await?;
                        jobs.store.region_view(region).await?;
                    }
                }
                Self::Plans => plan_keeper::tick(holding.parts.plans()).await?,
                Self::Durability => drop(holding.store.check_durability().await?),
                Self::Scrape => holding.admin_page("metrics").await?,
            }
            Ok(())
        };
        Ok(timed(work).await?.1)
    }
}
