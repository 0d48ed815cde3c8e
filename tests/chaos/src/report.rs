//! What a run came to, as people read it and as a row of a table.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::checker::Violation;
use crate::evidence::{Cancel, Evidence};
use crate::fault::{Action, Struck, Victim};

/// One run.
#[derive(Debug, Clone)]
pub struct Report {
    seed: u64,
    length: Duration,
    copies: usize,
    /// Of those, the ones that a cancel was asked for.
    cancels: usize,
    ends: BTreeMap<String, usize>,
    answers: BTreeMap<(&'static str, u16), u64>,
    documents: BTreeMap<String, u64>,
    struck: Vec<Struck>,
    leaked: usize,
    recoveries: Vec<(Victim, Duration)>,
    violations: Vec<Violation>,
}

impl Report {
    /// Of a run that took so long.
    #[must_use]
    pub fn new(
        seed: u64,
        length: Duration,
        evidence: &Evidence,
        violations: Vec<Violation>,
    ) -> Self {
        let mut ends: BTreeMap<String, usize> = BTreeMap::new();
        let documents = evidence.listed.values().next();
        for job in documents.into_iter().flatten() {
            let status = job["status"].as_str().unwrap_or_default();
            let end = match job["error"]["code"].as_str() {
                Some(code) => format!("{status}: {code}"),
                None => status.to_owned(),
            };
            *ends.entry(end).or_default() += 1;
        }
        let canceled = |accepted: &&crate::evidence::Accepted| accepted.cancel != Cancel::No;
        let leaked = evidence.files.iter().filter(|file| {
            evidence
                .abandoned
                .contains(&(file.region, file.image.clone()))
        });
        Self {
            seed,
            length,
            copies: evidence.accepted.len(),
            cancels: evidence.accepted.values().filter(canceled).count(),
            ends,
            answers: evidence.testimony.answers.clone(),
            documents: evidence.testimony.documents.clone(),
            leaked: leaked.count(),
            recoveries: recoveries(evidence),
            struck: evidence.faults.clone(),
            violations,
        }
    }

    /// What may not have been; a run is good only when this is empty.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Copies that were accepted.
    #[must_use]
    pub fn copies(&self) -> usize {
        self.copies
    }

    /// Faults that were carried out.
    #[must_use]
    pub fn faults(&self) -> usize {
        self.struck.len()
    }

    /// The head of a table of runs.
    #[must_use]
    pub fn head() -> String {
        let actions = Action::ALL.map(|action| action.to_string()).join(" | ");
        let names = format!(
            "| seed | minutes | faults | {actions} | copies | replicated | canceled | error | recovery (s) | violations |"
        );
        let columns = names.matches('|').count() - 1;
        format!("{names}\n|{}", "---|".repeat(columns))
    }

    /// This run as a row of it. Faults are given as those that mattered, of all of the kind; recovery times as
    /// median, 95th percentile and longest.
    #[must_use]
    pub fn row(&self) -> String {
        let mut cells = vec![
            self.seed.to_string(),
            format!("{:.1}", self.length.as_secs_f64() / 60.0),
            share(self.struck.iter()),
        ];
        for action in Action::ALL {
            cells.push(share(
                self.struck
                    .iter()
                    .filter(|struck| struck.fault.action == action),
            ));
        }
        cells.push(self.copies.to_string());
        for status in ["replicated", "canceled", "error"] {
            let of_status = self.ends.iter().filter(|(end, _)| end.starts_with(status));
            cells.push(of_status.map(|(_, count)| count).sum::<usize>().to_string());
        }
        cells.push(self.recovery(|_| true));
        cells.push(self.violations.len().to_string());
        format!("| {} |", cells.join(" | "))
    }
}

impl Report {
    /// Median, 95th percentile and longest recovery after faults of these victims, in seconds.
    fn recovery(&self, of: impl Fn(Victim) -> bool) -> String {
        let chosen = self.recoveries.iter().filter(|(victim, _)| of(*victim));
        let mut times: Vec<Duration> = chosen.map(|(_, time)| *time).collect();
        times.sort_unstable();
        let at = |percent| percentile(&times, percent);
        format!("{:.1} / {:.1} / {:.1}", at(50), at(95), at(100))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n", Self::head(), self.row())?;
        writeln!(f, "Faults that mattered, of all that were inflicted:\n")?;
        let victims = Victim::ALL.map(|victim| victim.to_string()).join(" | ");
        writeln!(
            f,
            "| | {victims} |\n|{}",
            "---|".repeat(Victim::ALL.len() + 1)
        )?;
        for action in Action::ALL {
            let cells = Victim::ALL.map(|victim| {
                let of_both = |struck: &&Struck| {
                    struck.fault.action == action && struck.fault.victim == victim
                };
                share(self.struck.iter().filter(of_both))
            });
            writeln!(f, "| {action} | {} |", cells.join(" | "))?;
        }
        let recoveries = Victim::ALL.map(|victim| self.recovery(|one| one == victim));
        writeln!(f, "| recovery (s) | {} |", recoveries.join(" | "))?;
        writeln!(
            f,
            "\nJobs by end ({} were asked to be canceled):",
            self.cancels
        )?;
        for (end, count) in &self.ends {
            writeln!(f, "- {end}: {count}")?;
        }
        writeln!(f, "\nAnswers (0: none came):")?;
        for ((question, status), count) in &self.answers {
            writeln!(f, "- {question} {status}: {count}")?;
        }
        writeln!(
            f,
            "\nJob documents that were held against those before them:"
        )?;
        for (by, count) in &self.documents {
            writeln!(f, "- {by}: {count}")?;
        }
        writeln!(f, "\nFiles that Glance leaked by itself: {}", self.leaked)?;
        writeln!(f, "\nViolations: {}", self.violations.len())?;
        for violation in &self.violations {
            writeln!(f, "- {violation}")?;
        }
        Ok(())
    }
}

/// For each fault that mattered, from its end until the last job that it had caught was over.
fn recoveries(evidence: &Evidence) -> Vec<(Victim, Duration)> {
    let ended = &evidence.testimony.ended;
    let mattered = evidence.faults.iter().filter(|struck| struck.mattered);
    mattered
        .filter_map(|struck| {
            let caught = struck.caught.iter();
            let last = caught.filter_map(|job| ended.get(job)).max()?;
            Some((struck.fault.victim, last.saturating_sub(struck.healed)))
        })
        .collect()
}

/// The value, in seconds, that so many percent of `sorted` do not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(place).copied().unwrap_or_default().as_secs_f64()
}

/// Those that mattered, of all.
fn share<'a>(struck: impl Iterator<Item = &'a Struck>) -> String {
    let (mut mattered, mut all) = (0, 0);
    for one in struck {
        all += 1;
        mattered += usize::from(one.mattered);
    }
    format!("{mattered}/{all}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let seconds: Vec<Duration> = (1..=20).map(Duration::from_secs).collect();
        let at = |percent| percentile(&seconds, percent);
        assert_eq!([at(50), at(95), at(100)], [10.0, 19.0, 20.0]);
        assert!(percentile(&[], 95).abs() < f64::EPSILON);
    }

    #[test]
    fn a_row_has_a_cell_for_each_column() {
        let report = Report::new(1, Duration::from_secs(90), &Evidence::default(), Vec::new());
        let columns = |line: &str| line.matches('|').count();
        let head = Report::head();
        let lines: Vec<&str> = head.lines().collect();
        assert_eq!(columns(lines[0]), columns(lines[1]));
        assert_eq!(columns(lines[0]), columns(&report.row()));
    }
}
