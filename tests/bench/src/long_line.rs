//! A source at the end of a long line, which gives each connection a rate and a delay (`testbed::LongLine`), and caps.
//!
//! The engine runs in this process: what is measured is the line's use, not the processor's. Its source is an nginx or a
//! real Glance behind the line; its destination a real Glance, or a sink that counts where a Glance would be the limit.

mod caps;
mod copy;
mod glances;
mod tls;

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use copy_engine::StreamBounds;
use testbed::{Line, LongLine};

use self::copy::Copy;
use self::glances::Glances;
use self::tls::Fronts;
use crate::alone::sink::Sink;
use crate::alone::source::Source;
use crate::plan::MIB;
use crate::table::{as_float, mebibytes};

/// What is wanted of these tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Bytes of the image that several streams read.
    pub(crate) large: u64,
    /// Of the one that a single stream reads. It takes about as long, so that what each copy needs to begin weighs alike.
    pub(crate) small: u64,
    pub(crate) cap_seconds: u64,
}

/// One way.
const DELAY: Duration = Duration::from_millis(80);
/// Connections that break often.
const RESET_AFTER: u64 = 50 * MIB;

/// One measurement.
struct Row {
    what: String,
    size: u64,
    wall: Duration,
    connections: u64,
}

/// Measures everything, and prints each table as soon as it is there.
///
/// # Errors
/// When a server can't be started or a copy fails.
pub(crate) async fn measure(wanted: Wanted) -> anyhow::Result<()> {
    openstack::install_crypto_provider();
    let large = Source::start(wanted.large).await?;
    println!("{}", caps::measure(&large, wanted.cap_seconds).await?);
    for with_tls in [false, true] {
        let rows = into_sink(&large, with_tls, wanted).await?;
        let tls = if with_tls { ", TLS on both sides" } else { "" };
        let title = format!("20 MiB/s and 80 ms a connection, into a sink that counts{tls}");
        println!("{}", table(&title, &rows));
    }
    // Its bytes are in memory.
    drop(large);
    let rows = into_glance(wanted).await?;
    let title = "10 MiB/s and 80 ms a connection, into a real Glance";
    println!("{}", table(title, &rows));
    Ok(())
}

/// So many streams, for all of a copy.
fn streams(min: usize, max: usize) -> StreamBounds {
    StreamBounds {
        min,
        max,
        ..StreamBounds::default()
    }
}

fn line(mebibytes_per_second: u64, reset_after: Option<u64>) -> Line {
    Line {
        bytes_per_second: mebibytes_per_second * MIB,
        delay: DELAY,
        reset_after,
    }
}

async fn into_glance(wanted: Wanted) -> anyhow::Result<Vec<Row>> {
    let glances = Glances::start().await?;
    let small = glances.make(wanted.small).await?;
    let large = glances.make(wanted.large).await?;
    let mut rows = Vec::new();
    for (what, image, size, bounds, reset_after) in [
        ("one stream", &small, wanted.small, streams(1, 1), None),
        ("8 streams", &large, wanted.large, streams(8, 8), None),
        (
            "8 streams, each connection reset after 50 MiB",
            &large,
            wanted.large,
            streams(8, 8),
            Some(RESET_AFTER),
        ),
        (
            "1 to 8 streams, as many as help",
            &large,
            wanted.large,
            streams(1, 8),
            None,
        ),
    ] {
        let port = copy::port_of(&glances.source.front_url)?;
        let line = LongLine::listen(port, line(10, reset_after))?;
        let copy = Copy::between(&glances, image, line.port(), bounds).await?;
        let (wall, replica) = copy.run().await?;
        glances.destination.delete_image(&replica).await?;
        rows.push(Row {
            what: what.to_owned(),
            size,
            wall,
            connections: line.opened(),
        });
    }
    glances.end().await?;
    Ok(rows)
}

async fn into_sink(source: &Source, with_tls: bool, wanted: Wanted) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (what, bounds, reset_after) in [
        ("one stream", streams(1, 1), None),
        ("8 streams", streams(8, 8), None),
        (
            "8 streams, each connection reset after 50 MiB",
            streams(8, 8),
            Some(RESET_AFTER),
        ),
        ("1 to 8 streams, as many as help", streams(1, 8), None),
    ] {
        let sink = Sink::start(source.image()).await?;
        let fronts = match with_tls {
            true => Some(Fronts::start(source.port(), sink.port()).await?),
            false => None,
        };
        let (source_port, sink_port, trusted): (u16, u16, Option<PathBuf>) = match &fronts {
            Some(fronts) => (fronts.source, fronts.sink, Some(fronts.certificate.clone())),
            None => (source.port(), sink.port(), None),
        };
        let line = LongLine::listen(source_port, line(20, reset_after))?;
        let copy = Copy::of_static(source.image(), line.port(), sink_port, trusted, bounds)?;
        let (wall, size) = match bounds.max {
            // A single stream would take long: its rate is known after a part of the image.
            1 => copy.run_until(&sink, wanted.small).await?,
            _ => (copy.run().await?.0, source.image().size),
        };
        rows.push(Row {
            what: what.to_owned(),
            size,
            wall,
            connections: line.opened(),
        });
    }
    Ok(rows)
}

/// The first row is what the others are compared with.
fn table(title: &str, rows: &[Row]) -> String {
    let mut text = String::new();
    let rate = |row: &Row| mebibytes(row.size) / row.wall.as_secs_f64();
    let one = rows.first().map_or(1.0, rate);
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "### A long line: {title}\n\n| source read in | MiB | wall (s) | MiB/s | × one stream | connections |\n|{}",
        "---|".repeat(6)
    );
    for row in rows {
        let _ = writeln!(
            text,
            "| {} | {:.0} | {:.2} | {:.1} | {:.2} | {} |",
            row.what,
            mebibytes(row.size),
            row.wall.as_secs_f64(),
            rate(row),
            rate(row) / one,
            row.connections
        );
    }
    text
}

/// Per cent by which something is off.
fn off(found: u64, expected: u64) -> f64 {
    (as_float(found) / as_float(expected) - 1.0) * 100.0
}
