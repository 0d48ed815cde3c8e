//! Which build this process is, and what the kernel says of it, under the names that every Prometheus client uses
//! (<https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>). Where there is no `/proc` there is
//! nothing to say.

use std::fs;
use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// The first fields of `/proc/<pid>/stat` hold the program's name, which may have blanks; this one ends it.
const NAME_ENDS: char = ')';
/// Behind the name, counted from 0 (proc(5): fields 14, 15 and 22).
const USER_TICKS: usize = 11;
const SYSTEM_TICKS: usize = 12;
const START_TICKS: usize = 19;

/// Of which version this process is.
pub(super) fn build() -> Registry {
    let mut registry = Registry::with_prefix("image_replicator");
    // All services are of one workspace, and of one version.
    let info = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("build", "The build that runs", info);
    registry
}

/// The metrics as they are now.
pub(super) fn registry() -> Registry {
    let mut registry = Registry::with_prefix("process");
    if let Some(cpu) = cpu_seconds() {
        let counter = Counter::<f64, AtomicU64>::default();
        counter.inc_by(cpu);
        let help = "User and system CPU time";
        registry.register_with_unit("cpu", help, Unit::Seconds, counter);
    }
    if let Some(started) = start_time_seconds() {
        let gauge = Gauge::<f64, AtomicU64>::default();
        gauge.set(started);
        let help = "Start of the process since the epoch";
        registry.register_with_unit("start_time", help, Unit::Seconds, gauge);
    }
    for (name, help, value) in [
        ("resident_memory", "Resident memory", resident_bytes()),
        ("virtual_memory", "Virtual memory", virtual_bytes()),
    ] {
        if let Some(value) = value {
            registry.register_with_unit(name, help, Unit::Bytes, gauge_of(value));
        }
    }
    for (name, help, value) in [
        ("open_fds", "Open file descriptors", open_fds()),
        (
            "max_fds",
            "Most file descriptors that may be open",
            max_fds(),
        ),
        ("threads", "Threads", threads()),
    ] {
        if let Some(value) = value {
            registry.register(name, help, gauge_of(value));
        }
    }
    registry
}

fn gauge_of(value: u64) -> Gauge {
    let gauge = Gauge::default();
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    gauge
}

fn cpu_seconds() -> Option<f64> {
    let (user, system) = (stat(USER_TICKS)?, stat(SYSTEM_TICKS)?);
    Some(seconds(user + system))
}

fn start_time_seconds() -> Option<f64> {
    let stat_of_machine = fs::read_to_string("/proc/stat").ok()?;
    let booted = stat_of_machine
        .lines()
        .find_map(|line| line.strip_prefix("btime "))?;
    Some(booted.trim().parse::<f64>().ok()? + seconds(stat(START_TICKS)?))
}

#[allow(
    clippy::cast_precision_loss,
    reason = "a tick more or less after a million years"
)]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

fn stat(field: usize) -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, behind) = stat.rsplit_once(NAME_ENDS)?;
    behind.split_whitespace().nth(field)?.parse().ok()
}

fn virtual_bytes() -> Option<u64> {
    kibibytes("VmSize:")
}

fn resident_bytes() -> Option<u64> {
    kibibytes("VmRSS:")
}

fn threads() -> Option<u64> {
    status("Threads:")?.parse().ok()
}

fn kibibytes(name: &str) -> Option<u64> {
    let line = status(name)?;
    Some(line.trim_end_matches("kB").trim().parse::<u64>().ok()? * 1024)
}

/// A line of `/proc/self/status`.
fn status(name: &str) -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().to_owned())
}

fn open_fds() -> Option<u64> {
    let count = fs::read_dir("/proc/self/fd").ok()?.count();
    // One of them is the directory that is being read.
    u64::try_from(count.saturating_sub(1)).ok()
}

fn max_fds() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    #[test]
    fn the_kernel_is_read_right() {
        let mut page = String::new();
        encode(&mut page, &registry()).expect("text");
        let value = |name: &str| -> f64 {
            let line = page.lines().find_map(|line| line.strip_prefix(name));
            let value = line.and_then(|line| line.trim().parse().ok());
            value.unwrap_or_else(|| panic!("no {name} in {page}"))
        };
        // This process runs, has memory and threads, and was started after the machine and before now.
        assert!(value("process_cpu_seconds_total ") >= 0.0);
        assert!(value("process_resident_memory_bytes ") > 1_000_000.0);
        assert!(value("process_virtual_memory_bytes ") >= value("process_resident_memory_bytes "));
        assert!(value("process_threads ") >= 1.0);
        assert!((3.0..=value("process_max_fds ")).contains(&value("process_open_fds ")));
        let year_2020 = 1_577_836_800.0;
        assert!(value("process_start_time_seconds ") > year_2020);
    }
}
