//! What is aimed at, and what was reached. Pure.

use std::fmt::Write;

use crate::dispatch::Dispatch;
use crate::sheet::{Pair, Sheet};
use crate::statistics::median;
use crate::table::{gibibytes, mebibytes};
use crate::ways::Way;

/// All sheets of a run.
#[derive(Default)]
pub(crate) struct Results {
    sheets: Vec<Sheet>,
    pub(crate) dispatch: Option<Dispatch>,
}

impl Results {
    pub(crate) fn add(&mut self, sheet: Sheet) {
        self.sheets.push(sheet);
    }

    /// The targets that this run says something about; nothing when it says nothing.
    pub(crate) fn table(&self) -> String {
        if self.sheets.is_empty() && self.dispatch.is_none() {
            return String::new();
        }
        let mut text = "### Targets\n\n| target | measured | reached |\n|---|---|---|\n".to_owned();
        let mut verdicts: Vec<Verdict> = self.sheets.iter().flat_map(of_sheet).collect();
        if let Some(Dispatch { p50, p95 }) = self.dispatch {
            verdicts.push((
                "from POST to the first byte, p50 at most 50 ms".to_owned(),
                format!("{p50:.0} ms (p95 {p95:.0} ms)"),
                p50 <= 50.0,
            ));
        }
        for (target, measured, reached) in verdicts {
            let reached = if reached { "yes" } else { "no" };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "| {target} | {measured} | {reached} |");
        }
        text.push('\n');
        text
    }
}

/// Target, measured, reached.
type Verdict = (String, String, bool);

fn of_sheet(sheet: &Sheet) -> Vec<Verdict> {
    let jobs: Vec<&Pair> = of(sheet, Way::Job);
    let mut verdicts = Vec::new();
    if jobs.is_empty() {
        return verdicts;
    }
    let ratio = ratio(&jobs);
    let what = format!("{:.2} GiB", gibibytes(&sheet.wanted));
    match sheet.wanted.at_once {
        1 => verdicts.push((
            format!("a job of {what} takes at most 1.03 times the raw upload"),
            format!("{ratio:.3}"),
            ratio <= 1.03,
        )),
        count => verdicts.push((
            format!("{count} jobs at once ({what}) reach 0.95 of the rate of {count} raw uploads at once"),
            format!("{:.3}", 1.0 / ratio),
            1.0 / ratio >= 0.95,
        )),
    }
    for (way, least) in [(Way::Client, 2.0), (Way::Import, 1.3)] {
        let others = of(sheet, way);
        if !others.is_empty() {
            let faster = self::ratio(&others) / ratio;
            verdicts.push((
                format!(
                    "a job of {what} is {least} times faster than {}",
                    way.name()
                ),
                format!("{faster:.2}"),
                faster >= least,
            ));
        }
    }
    let cost = median(
        jobs.iter()
            .map(|pair| pair.reading.mover / gibibytes(&sheet.wanted)),
    );
    verdicts.push((
        format!("the worker uses at most 0.7 CPU-s a GiB ({what})"),
        format!("{cost:.2}"),
        cost <= 0.7,
    ));
    if sheet.wanted.at_once == 8 {
        let above = jobs.iter().map(|pair| pair.reading.peak);
        let above = above.map(|peak| mebibytes(peak.saturating_sub(sheet.idle)));
        let most = above.fold(0.0, f64::max);
        verdicts.push((
            format!(
                "8 copies at once ({what}) take at most 64 MiB of the worker's memory above idle"
            ),
            format!("{most:.1} MiB"),
            most <= 64.0,
        ));
    }
    verdicts
}

fn of(sheet: &Sheet, way: Way) -> Vec<&Pair> {
    sheet.pairs.iter().filter(|pair| pair.way == way).collect()
}

fn ratio(pairs: &[&Pair]) -> f64 {
    median(pairs.iter().map(|pair| pair.reading.wall / pair.floor.wall))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{MIB, Wanted};
    use crate::reading::Reading;

    fn pair(way: Way, wall: f64, mover: f64, peak: u64) -> Pair {
        let reading = Reading {
            wall,
            mover,
            peak: peak * MIB,
            ..Reading::default()
        };
        let floor = Reading {
            wall: 10.0,
            ..Reading::default()
        };
        Pair {
            way,
            reading,
            floor,
        }
    }

    fn sheet(at_once: usize, pairs: Vec<Pair>) -> Sheet {
        Sheet {
            wanted: Wanted {
                size: 1024 * MIB,
                at_once,
                demand: Vec::new(),
            },
            floors: Vec::new(),
            pairs,
            repeated: 0,
            doubtful: 0,
            idle: 20 * MIB,
        }
    }

    #[test]
    fn targets_are_held_against_medians_of_pairs() {
        let one = vec![
            pair(Way::Job, 10.2, 0.6, 40),
            pair(Way::Job, 10.4, 0.8, 40),
            pair(Way::Job, 10.3, 0.7, 40),
            pair(Way::Client, 25.0, 16.0, 90),
            pair(Way::Import, 13.0, 0.0, 0),
        ];
        let verdicts = of_sheet(&sheet(1, one));
        let measured: Vec<(&str, bool)> = verdicts
            .iter()
            .map(|(_, measured, reached)| (measured.as_str(), *reached))
            .collect();
        let expected = [
            ("1.030", true),
            ("2.43", true),
            ("1.26", false),
            ("0.70", true),
        ];
        assert_eq!(measured, expected);
    }

    #[test]
    fn a_crowd_is_held_to_its_rate_and_memory() {
        let eight = vec![pair(Way::Job, 12.5, 4.0, 90), pair(Way::Job, 12.5, 4.0, 70)];
        let verdicts = of_sheet(&sheet(8, eight));
        let measured: Vec<(&str, bool)> = verdicts
            .iter()
            .map(|(_, measured, reached)| (measured.as_str(), *reached))
            .collect();
        let expected = [("0.800", false), ("0.50", true), ("70.0 MiB", false)];
        assert_eq!(measured, expected);
    }

    #[test]
    fn without_jobs_nothing_is_said() {
        let pairs = vec![pair(Way::Client, 25.0, 16.0, 90)];
        assert!(of_sheet(&sheet(1, pairs)).is_empty());
    }
}
