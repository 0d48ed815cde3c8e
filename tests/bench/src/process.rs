//! What /proc tells of processes: processor time of a family, memory of one.

use std::fs;
use std::time::Duration;

use anyhow::Context;

/// The unit of processor times in /proc: `USER_HZ` is 100 wherever Linux runs today.
const TICK: Duration = Duration::from_millis(10);

/// Processor time of process `root`, all its descendants, and those of them that have ended and were waited for.
///
/// # Errors
/// When `root` does not exist.
pub(crate) fn cpu_of_family(root: u32) -> anyhow::Result<Duration> {
    let family = family(root);
    let stats = family.iter().filter_map(|&pid| stat(pid));
    let own: Vec<Duration> = stats.map(|stat| stat.own + stat.waited_for).collect();
    anyhow::ensure!(!own.is_empty(), "process {root} does not exist");
    Ok(own.iter().sum())
}

/// For how long the threads of process `root` and of its descendants could have run and had no processor
/// (schedstat, <https://docs.kernel.org/scheduler/sched-stats.html>); those that have ended are not counted.
pub(crate) fn waits_of_family(root: u32) -> Duration {
    let waits = family(root).into_iter().flat_map(waits);
    waits.sum()
}

/// Process `root` and all its descendants.
fn family(root: u32) -> Vec<u32> {
    let all = processes();
    let mut family = vec![root];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        let children = all.iter().filter(|(_, stat)| stat.parent == parent);
        family.extend(children.map(|(pid, _)| *pid));
        next += 1;
    }
    family
}

/// What each thread of a process has waited for a processor so far.
fn waits(pid: u32) -> Vec<Duration> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    let threads = threads.into_iter().flatten().filter_map(Result::ok);
    threads
        .filter_map(|thread| {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            let nanoseconds = text.split_whitespace().nth(1)?.parse().ok()?;
            Some(Duration::from_nanos(nanoseconds))
        })
        .collect()
}

/// Processor time of this process's children that have ended.
///
/// # Errors
/// When /proc cannot be read.
pub(crate) fn cpu_of_ended_children() -> anyhow::Result<Duration> {
    let stat = stat(std::process::id()).context("/proc does not show this process")?;
    Ok(stat.waited_for)
}

/// The most memory that process `pid` had resident since it began or since [`forget_peak`], in bytes; none when it
/// has ended.
pub(crate) fn peak(pid: u32) -> Option<u64> {
    status(pid, "VmHWM:")
}

/// The memory that process `pid` has resident now, in bytes; none when it has ended.
pub(crate) fn resident(pid: u32) -> Option<u64> {
    status(pid, "VmRSS:")
}

/// Begins a new peak (`clear_refs`, see proc(5)).
///
/// # Errors
/// When the process has ended or is another user's.
pub(crate) fn forget_peak(pid: u32) -> anyhow::Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").context("cannot reset a peak of memory")
}

fn status(pid: u32, key: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes * 1024)
}

struct Stat {
    parent: u32,
    own: Duration,
    /// Of children that have ended.
    waited_for: Duration,
}

fn processes() -> Vec<(u32, Stat)> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, stat(pid)?)))
        .collect()
}

/// /proc/PID/stat, whose second field may itself hold spaces and brackets (see proc(5)).
fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |place: usize| -> Option<Duration> {
        let ticks: u64 = fields.get(place)?.parse().ok()?;
        Some(TICK * u32::try_from(ticks).ok()?)
    };
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        own: ticks(11)? + ticks(12)?,
        waited_for: ticks(13)? + ticks(14)?,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::time::Instant;

    use super::*;

    #[test]
    fn time_of_a_child_counts_when_it_was_waited_for() {
        let before = cpu_of_ended_children().expect("this process is there");
        let spin = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let status = std::process::Command::new("sh").args(["-c", spin]).status();
        assert!(status.expect("sh starts").success());
        assert!(cpu_of_ended_children().expect("as before") > before);
        assert!(cpu_of_family(std::process::id()).expect("as before") > before);
    }

    #[test]
    fn more_threads_than_processors_wait_for_one() {
        let own = std::process::id();
        let threads = 4 * std::thread::available_parallelism().expect("known").get();
        let (over, until) = (
            AtomicBool::new(false),
            Instant::now() + Duration::from_secs(60),
        );
        let is_seen = std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        std::hint::spin_loop()
                    }
                });
            }
            // Other tests' threads end meanwhile, and take what they have waited with them; these wait on.
            let before = waits_of_family(own);
            let is_seen = loop {
                let is_seen = waits_of_family(own) > before;
                if is_seen || Instant::now() > until {
                    break is_seen;
                }
            };
            over.store(true, Ordering::Relaxed);
            is_seen
        });
        assert!(is_seen);
    }

    #[test]
    fn memory_is_seen() {
        let own = std::process::id();
        assert!(peak(own).expect("this process") >= resident(own).expect("this process") / 2);
        assert!(resident(own) > Some(0));
        assert_eq!(resident(u32::MAX), None);
    }
}
