//! Many callers at once, each with one request after another, and how long those took.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::try_join_all;
use tokio::time::Instant;

use crate::statistics::percentile;
use crate::table::as_float;

/// What came of all callers' requests: `T` is what was noted of each.
#[derive(Debug)]
pub(super) struct Load<T> {
    pub(super) callers: usize,
    /// From the first request to the last answer, in seconds.
    pub(super) wall: f64,
    pub(super) each: Vec<T>,
}

/// How long callers go on.
pub(super) enum Until {
    /// Until a moment has come.
    Passed(Instant),
    /// Until so many requests were begun.
    Begun(usize, AtomicUsize),
}

// === impl Until ===

impl Until {
    pub(super) fn passed(length: Duration) -> Self {
        Self::Passed(Instant::now() + length)
    }

    pub(super) fn begun(count: usize) -> Self {
        Self::Begun(count, AtomicUsize::new(0))
    }

    /// Whether there is to be another request, which is then counted.
    fn next(&self) -> bool {
        match self {
            Self::Passed(end) => Instant::now() < *end,
            Self::Begun(count, begun) => begun.fetch_add(1, Ordering::Relaxed) < *count,
        }
    }
}

/// Has `callers` make requests at the same time; `one` makes a request of a caller.
///
/// # Errors
/// The first failure of any.
pub(super) async fn load<T, F>(
    callers: usize,
    until: Until,
    one: impl Fn(usize) -> F,
) -> anyhow::Result<Load<T>>
where
    F: Future<Output = anyhow::Result<T>>,
{
    let started = Instant::now();
    let (until, one) = (&until, &one);
    let calling = (0..callers).map(|caller| async move {
        let mut each = Vec::new();
        while until.next() {
            each.push(one(caller).await?);
        }
        anyhow::Ok(each)
    });
    let each = try_join_all(calling).await?;
    Ok(Load {
        callers,
        wall: started.elapsed().as_secs_f64(),
        each: each.into_iter().flatten().collect(),
    })
}

/// What a future gives, and how many milliseconds it took.
///
/// # Errors
/// The future's.
pub(super) async fn timed<T>(
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<(T, f64)> {
    let begun = Instant::now();
    let done = work.await?;
    Ok((done, begun.elapsed().as_secs_f64() * 1e3))
}

// === impl Load ===

impl<T> Load<T> {
    pub(super) fn count(&self) -> f64 {
        as_float(self.each.len() as u64)
    }

    pub(super) fn a_second(&self) -> f64 {
        self.count() / self.wall
    }

    /// Median and 99th percentile of one of the figures that were noted, as cells of a table.
    pub(super) fn cells(&self, figure: impl Fn(&T) -> f64) -> String {
        let all: Vec<f64> = self.each.iter().map(figure).collect();
        let cell = |percent| format!("{:.2}", percentile(&all, percent));
        format!("{} | {}", cell(50), cell(99))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn as_many_requests_are_made_as_were_asked_for() {
        let load = load(3, Until::begun(10), async |caller| Ok(caller)).await;
        let load = load.expect("nothing fails");
        assert_eq!((load.callers, load.each.len()), (3, 10));
    }

    #[tokio::test]
    async fn a_failure_ends_it_all() {
        let failing = load(2, Until::passed(Duration::from_secs(60)), async |caller| {
            anyhow::ensure!(caller == 0, "no");
            tokio::task::yield_now().await;
            Ok(())
        });
        assert!(failing.await.is_err());
    }

    #[test]
    fn cells_are_median_and_99th_percentile() {
        let load = Load {
            callers: 1,
            wall: 2.0,
            each: (1..=100).map(f64::from).collect(),
        };
        assert_eq!(load.cells(|figure| *figure), "50.00 | 99.00");
        assert!((load.a_second() - 50.0).abs() < f64::EPSILON);
    }
}
