//! Stores of ten jobs and of a million, side by side: no call may take longer for what others have kept.

mod holding;
mod periodic;
mod redis_server;
mod rounds;
mod seed;

use std::fmt::Write;

use self::holding::Holding;
use self::periodic::Chore;
use self::rounds::{PAGE, Round, Step};
use super::Wanted;
use super::ground::Ground;
use crate::statistics::{median, percentile};
use crate::table::as_float;

/// Rounds that do not count: whatever is slower the first time is over with them, and pages are full.
const WARM_UP: usize = 40;
/// As many jobs tell what memory one takes.
const MANY: usize = 1_000;

/// What was measured of one thing: milliseconds at each size.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Timings {
    pub(crate) what: &'static str,
    /// One list a size, the smallest size first.
    pub(crate) at: Vec<Vec<f64>>,
}

/// What was measured at all sizes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sizes {
    pub(crate) jobs: Vec<usize>,
    pub(crate) steps: Vec<Timings>,
}

/// Fills the stores, measures, and gives the tables.
///
/// # Errors
/// When a store can't be filled or a step is refused.
pub(super) async fn measure(ground: &Ground, wanted: &Wanted) -> anyhow::Result<(Sizes, String)> {
    let configuration = ground.configuration()?;
    let mut holdings = Vec::new();
    for &jobs in &wanted.sizes {
        holdings.push(Holding::set(jobs, &configuration).await?);
    }
    let mut steps: Vec<Timings> = Step::ALL
        .iter()
        .map(|step| Timings::new(step.name(), holdings.len()))
        .collect();
    for round in 0..WARM_UP + wanted.rounds {
        let is_counted = round >= WARM_UP;
        let mut under_way: Vec<Round> = holdings.iter().map(|_| Round::default()).collect();
        for (step, timings) in Step::ALL.into_iter().zip(&mut steps) {
            for size in turns(round, holdings.len()) {
                let round = &mut under_way[size];
                let took = round.step(step, &holdings[size], is_counted).await?;
                if is_counted {
                    timings.at[size].push(took);
                }
            }
        }
    }
    let mut chores: Vec<Timings> = Chore::ALL
        .iter()
        .map(|chore| Timings::new(chore.name(), holdings.len()))
        .collect();
    for pass in 0..wanted.passes {
        for (chore, timings) in Chore::ALL.into_iter().zip(&mut chores) {
            for size in turns(pass, holdings.len()) {
                timings.at[size].push(chore.take(&holdings[size]).await?);
            }
        }
    }
    let version = match holdings.first() {
        Some(holding) => holding.redis.version().await?,
        None => String::new(),
    };
    let text = format!(
        "### Stores that hold {} finished jobs, each in a Redis {version} of its own\n\n{}\n\
         Pages have {PAGE} jobs, of a tenant that has nine of ten.\n\n{}\n{}",
        listed(&wanted.sizes),
        table("call", &wanted.sizes, &steps),
        table("what a scheduler does by itself", &wanted.sizes, &chores),
        memory(&holdings),
    );
    let sizes = Sizes {
        jobs: wanted.sizes.clone(),
        steps,
    };
    Ok((sizes, text))
}

/// The sizes in the order of one round: each comes first as often as the others.
fn turns(round: usize, sizes: usize) -> impl Iterator<Item = usize> {
    (0..sizes).map(move |turn| (round + turn) % sizes)
}

fn listed(sizes: &[usize]) -> String {
    let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
    sizes.join(", ")
}

fn table(what: &str, sizes: &[usize], all: &[Timings]) -> String {
    let heads = sizes
        .iter()
        .map(|jobs| format!(" {jobs} jobs: p50 (p99), ms |"));
    let mut text = format!(
        "| {what} |{} most / least jobs |\n|{}\n",
        heads.collect::<String>(),
        "---|".repeat(sizes.len() + 2)
    );
    for timings in all {
        let cells = timings.at.iter().map(|took| {
            let (half, most) = (percentile(took, 50), percentile(took, 99));
            format!(" {half:.3} ({most:.3}) |")
        });
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} |{} {:.2} |",
            timings.what,
            cells.collect::<String>(),
            timings.growth()
        );
    }
    text
}

fn memory(holdings: &[Holding]) -> String {
    let mut text =
        "| jobs | memory of Redis for a finished job (bytes) | filled in (s) |\n|---|---|---|\n"
            .to_owned();
    for holding in holdings {
        // With fewer, what any Redis takes would be counted.
        let each = match holding.jobs {
            ..MANY => "–".to_owned(),
            jobs => format!("{:.0}", as_float(holding.memory) / as_float(jobs as u64)),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | {each} | {:.1} |",
            holding.jobs, holding.filled_in
        );
    }
    text
}

// === impl Timings ===

impl Timings {
    fn new(what: &'static str, sizes: usize) -> Self {
        Self {
            what,
            at: vec![Vec::new(); sizes],
        }
    }

    /// How many times as long it takes at the largest size as at the smallest, by the medians.
    pub(crate) fn growth(&self) -> f64 {
        let at = |size: Option<&Vec<f64>>| median(size.into_iter().flatten().copied());
        at(self.at.last()) / at(self.at.first())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_take_turns_in_coming_first() {
        let rounds: Vec<Vec<usize>> = (0..3).map(|round| turns(round, 3).collect()).collect();
        assert_eq!(rounds, [[0, 1, 2], [1, 2, 0], [2, 0, 1]]);
    }

    #[test]
    fn growth_is_that_of_the_medians_from_least_to_most_jobs() {
        let timings = Timings {
            what: "get",
            at: vec![vec![1.0, 2.0, 9.0], vec![50.0], vec![3.0, 3.0, 1.0]],
        };
        assert!((timings.growth() - 1.5).abs() < f64::EPSILON);
        let text = table("call", &[10, 100, 1000], &[timings]);
        assert!(
            text.ends_with("| get | 2.000 (9.000) | 50.000 (50.000) | 3.000 (3.000) | 1.50 |\n")
        );
    }
}
