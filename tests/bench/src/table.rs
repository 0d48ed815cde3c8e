//! A sheet as a Markdown table. Pure.

use std::fmt::Write;

use crate::plan::{MIB, Wanted};
use crate::reading::{Mover, Reading};
use crate::sheet::Sheet;
use crate::statistics::Spread;
use crate::ways::Way;

const HEAD: [&str; 10] = [
    "way",
    "pairs",
    "wall (s)",
    "ratio to its raw upload",
    "mover CPU (s)",
    "mover CPU (s) a GiB",
    "source Glance CPU (s)",
    "destination Glance CPU (s)",
    "its waits for a processor (s)",
    "mover's peak memory (MiB)",
];

/// The heading, the table and what is to be known of it.
pub(crate) fn of_sheet(sheet: &Sheet) -> String {
    let mut text = format!(
        "### {}\n\n| {} |\n|{}\n",
        title(&sheet.wanted),
        HEAD.join(" | "),
        "---|".repeat(HEAD.len())
    );
    row(&mut text, sheet, Way::Upload, &sheet.floors, None);
    for &(way, _) in &sheet.wanted.demand {
        let of_way = || sheet.pairs.iter().filter(move |pair| pair.way == way);
        let readings: Vec<Reading> = of_way().map(|pair| pair.reading).collect();
        let ratios = Spread::of(of_way().map(|pair| pair.reading.wall / pair.floor.wall));
        row(&mut text, sheet, way, &readings, Some(ratios));
    }
    let jobs = sheet.pairs.iter().filter(|pair| pair.way == Way::Job);
    let control: Vec<f64> = jobs.map(|pair| pair.reading.control).collect();
    let control = match &control[..] {
        [] => String::new(),
        times => format!(
            " Gateway, scheduler and their relay used {} CPU-s meanwhile for the jobs; the idle worker has {:.1} MiB.",
            Spread::of(times.iter().copied()).cell(2),
            mebibytes(sheet.idle)
        ),
    };
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "\nMedian (least–most). Rounds measured once more because their raw upload was off: {}; still off at the end: {}.{control}",
        sheet.repeated, sheet.doubtful,
    );
    text
}

/// What was copied, in words.
fn title(wanted: &Wanted) -> String {
    let size = match wanted.size / MIB {
        mebibytes if mebibytes % 1024 == 0 => format!("{} GiB", mebibytes / 1024),
        mebibytes => format!("{mebibytes} MiB"),
    };
    match wanted.at_once {
        1 => format!("One image of {size}"),
        count => format!("{count} images of {size} at once"),
    }
}

fn row(text: &mut String, sheet: &Sheet, way: Way, readings: &[Reading], ratios: Option<Spread>) {
    let of = |value: fn(&Reading) -> f64| Spread::of(readings.iter().map(value));
    let gibibytes = gibibytes(&sheet.wanted);
    let a_gibibyte = Spread::of(readings.iter().map(|reading| reading.mover / gibibytes));
    // What a Glance moves itself is in its own column.
    let own = |cell: String| match way.mover() {
        Mover::Programs | Mover::Worker => cell,
        Mover::Glance => "–".to_owned(),
    };
    let cells = [
        way.name().to_owned(),
        readings.len().to_string(),
        of(|reading| reading.wall).cell(2),
        ratios.map_or_else(|| "1".to_owned(), |ratios| ratios.cell(3)),
        own(of(|reading| reading.mover).cell(2)),
        own(a_gibibyte.cell(2)),
        of(|reading| reading.source).cell(2),
        of(|reading| reading.destination).cell(2),
        of(|reading| reading.waits).cell(2),
        own(of(|reading| mebibytes(reading.peak)).cell(1)),
    ];
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

/// How much all images of a sheet are together.
pub(crate) fn gibibytes(wanted: &Wanted) -> f64 {
    mebibytes(wanted.size) * as_float(wanted.at_once as u64) / 1024.0
}

/// Bytes in MiB.
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    as_float(bytes) / as_float(MIB)
}

/// Exact below 2^53, which no count here reaches.
#[expect(clippy::cast_precision_loss, reason = "see above")]
pub(crate) fn as_float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::Pair;

    #[test]
    fn a_row_has_a_cell_for_each_column_and_an_import_no_mover() {
        let reading = Reading {
            wall: 2.0,
            ..Reading::default()
        };
        let pairs = [Way::Import, Way::Job].map(|way| Pair {
            way,
            reading,
            floor: reading,
        });
        let text = of_sheet(&Sheet {
            wanted: Wanted {
                size: 1024 * MIB,
                at_once: 1,
                demand: vec![(Way::Import, 1), (Way::Job, 1)],
            },
            floors: vec![reading],
            pairs: pairs.to_vec(),
            repeated: 0,
            doubtful: 0,
            idle: 0,
        });
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), 5);
        for row in &rows {
            assert_eq!(row.matches('|').count(), HEAD.len() + 1, "{row}");
        }
        assert_eq!(rows[3].matches("| – ").count(), 3, "{}", rows[3]);
    }
}
