//! The copy engine alone, between a source that costs next to nothing (nginx, sending a file in memory) and a sink that
//! only counts: what we could reach if no Glance were in the way. Beside it a bare loop that reads one socket and writes
//! the other, which is what any program has to do.
//!
//! Each mover is a process of its own, this program under another name, so that its processor time and memory are its
//! own.

pub(crate) mod mover;
pub(crate) mod sink;
pub(crate) mod source;

use std::fmt::Write;
use std::process::Stdio;

use anyhow::ensure;
use tokio::process::Command;
use tokio::time::Instant;

use self::mover::{Job, Kind};
use self::sink::Sink;
use self::source::Source;
use crate::statistics::Spread;
use crate::table::{as_float, mebibytes};
use crate::{command, process};

/// What is wanted of this table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Bytes.
    pub(crate) size: u64,
    /// Of each mover.
    pub(crate) runs: usize,
}

/// One run of one mover.
#[derive(Debug, Clone, Copy)]
struct Run {
    kind: Kind,
    wall: f64,
    cpu: f64,
    peak: u64,
}

/// Measures both movers in turns and gives the table.
///
/// # Errors
/// When nginx can't be started, or a mover fails or moves another number of bytes.
pub(crate) async fn measure(wanted: Wanted) -> anyhow::Result<String> {
    let source = Source::start(wanted.size).await?;
    let mut runs = Vec::new();
    // The first of each is not counted: it warms up.
    for number in 0..=wanted.runs {
        let mut kinds = [Kind::Loop, Kind::Engine];
        kinds.rotate_left(number % 2);
        for kind in kinds {
            let run = run(&source, kind, wanted.size).await?;
            if number > 0 {
                runs.push(run);
            }
        }
    }
    Ok(table(wanted, &runs))
}

async fn run(source: &Source, kind: Kind, size: u64) -> anyhow::Result<Run> {
    let sink = Sink::start(source.image()).await?;
    let job = Job {
        kind,
        source: source.url(),
        sink: sink.url(),
        image: source.image().id.clone(),
        size,
    };
    let mut program = Command::new(std::env::current_exe()?);
    program
        .args(job.arguments())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let before = process::cpu_of_ended_children()?;
    let started = Instant::now();
    let ended = command::run(program).await?;
    let wall = started.elapsed();
    let cpu = process::cpu_of_ended_children()?.saturating_sub(before);
    ensure!(
        sink.counted() == size,
        "the {} moved {} of {size} bytes",
        kind.name(),
        sink.counted()
    );
    Ok(Run {
        kind,
        wall: wall.as_secs_f64(),
        cpu: cpu.as_secs_f64(),
        peak: ended.peak,
    })
}

fn table(wanted: Wanted, runs: &[Run]) -> String {
    let size = as_float(wanted.size);
    let mut text = format!(
        "### The engine alone, {:.2} GiB from nginx into a sink that counts\n\n\
         | mover | runs | wall (s) | GB/s | CPU (s) a GiB | GB a CPU-s | peak memory (MiB) |\n|{}\n",
        mebibytes(wanted.size) / 1024.0,
        "---|".repeat(7)
    );
    for kind in [Kind::Loop, Kind::Engine] {
        let of_kind = || runs.iter().filter(move |run| run.kind == kind);
        let of = |value: &dyn Fn(&Run) -> f64| Spread::of(of_kind().map(value));
        let cells = [
            kind.name().to_owned(),
            of_kind().count().to_string(),
            of(&|run| run.wall).cell(2),
            of(&|run| size / 1e9 / run.wall).cell(2),
            of(&|run| run.cpu / (mebibytes(wanted.size) / 1024.0)).cell(2),
            of(&|run| size / 1e9 / run.cpu).cell(2),
            of(&|run| mebibytes(run.peak)).cell(1),
        ];
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}
