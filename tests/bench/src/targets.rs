//! What is aimed at, and what was reached. Pure.

use std::fmt::Write;

use crate::control_plane::Figures;
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
    pub(crate) control: Figures,
}

impl Results {
    pub(crate) fn add(&mut self, sheet: Sheet) {
        self.sheets.push(sheet);
    }

    /// The targets that this run says something about; nothing when it says nothing.
    pub(crate) fn table(&self) -> String {
        let mut verdicts: Vec<Verdict> = self.sheets.iter().flat_map(of_sheet).collect();
        if let Some(Dispatch { p50, p95 }) = self.dispatch {
            verdicts.push((
                "from POST to the first byte, p50 at most 50 ms".to_owned(),
                format!("{p50:.0} ms (p95 {p95:.0} ms)"),
                p50 <= 50.0,
            ));
        }
        verdicts.extend(of_control(&self.control));
        if verdicts.is_empty() {
            return String::new();
        }
        let mut text = "### Targets\n\n| target | measured | reached |\n|---|---|---|\n".to_owned();
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

fn of_control(figures: &Figures) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    if let Some(fleet) = figures.fleet {
        for (copies, used) in [(1, fleet.one_copy), (fleet.copies, fleet.all_copies)] {
            verdicts.push((
                format!("200 workers that report on {copies} each cost two schedulers less than half a processor"),
                format!("{used:.3}"),
                used < 0.5,
            ));
        }
    }
    if let Some(writes) = figures.writes {
        verdicts.push((
            "the progress of a job is written at most twice a second".to_owned(),
            format!("{:.2}", writes.a_second),
            writes.a_second <= 2.0,
        ));
    }
    if let Some(sizes) = &figures.sizes {
        let of = |jobs: Option<&usize>| jobs.copied().unwrap_or_default();
        let (least, most) = (of(sizes.jobs.first()), of(sizes.jobs.last()));
        for step in &sizes.steps {
            let growth = step.growth();
            verdicts.push((
                format!(
                    "{}: with {most} jobs at most 1.5 times as long as with {least}",
                    step.what
                ),
                format!("{growth:.2}"),
                growth <= 1.5,
            ));
        }
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
    use crate::control_plane::coalescing::Writes;
    use crate::control_plane::fleet::Fleet;
    use crate::control_plane::sizes::{Sizes, Timings};
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
    fn the_control_plane_is_held_to_its_cost_its_writes_and_its_growth() {
        let step = |what, most| Timings {
            what,
            at: vec![vec![2.0], vec![9.0], vec![most]],
        };
        let verdicts = of_control(&Figures {
            fleet: Some(Fleet {
                one_copy: 0.2,
                all_copies: 0.7,
                copies: 4,
            }),
            writes: Some(Writes { a_second: 1.99 }),
            sizes: Some(Sizes {
                jobs: vec![10, 100, 1_000],
                steps: vec![step("get", 3.0), step("list", 3.1)],
            }),
        });
        let measured: Vec<(&str, bool)> = verdicts
            .iter()
            .map(|(_, measured, reached)| (measured.as_str(), *reached))
            .collect();
        let expected = [
            ("0.200", true),
            ("0.700", false),
            ("1.99", true),
            ("1.50", true),
            ("1.55", false),
        ];
        assert_eq!(measured, expected);
        assert!(of_control(&Figures::default()).is_empty());
    }

    #[test]
    fn without_jobs_nothing_is_said() {
        let pairs = vec![pair(Way::Client, 25.0, 16.0, 90)];
        assert!(of_sheet(&sheet(1, pairs)).is_empty());
    }
}
