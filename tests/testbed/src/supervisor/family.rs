//! Descendants of this process and signals to them, as /proc and the process groups show them.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal};

/// Whether process `pid` exists and has not ended (an unreaped process has ended).
pub(crate) fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|stat| stat.state != 'Z')
}

/// Whether process `pid` is stopped by SIGSTOP.
pub(crate) fn is_frozen(pid: u32) -> bool {
    stat(pid).is_some_and(|stat| stat.state == 'T')
}

/// Living processes, other than this one, whose command line names `directory`.
pub(crate) fn processes_of(directory: &Path) -> Vec<u32> {
    let directory = directory.to_string_lossy();
    processes()
        .filter(|(pid, stat)| stat.state != 'Z' && *pid != std::process::id())
        .map(|(pid, _)| pid)
        .filter(|pid| {
            fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(directory.as_ref()))
        })
        .collect()
}

/// Sends `signal` to every process of the group that `leader` leads; a group that is gone is no error.
pub(super) fn signal_group(leader: u32, signal: Signal) {
    if let Some(pid) = to_pid(leader) {
        // The only failure is that nobody is left, which is what most callers want.
        let _ = rustix::process::kill_process_group(pid, signal);
    }
}

/// Whether the group that `leader` leads, or led, has a process whose exit status nobody has collected.
pub(super) fn group_exists(leader: u32) -> bool {
    to_pid(leader).is_some_and(|pid| rustix::process::test_kill_process_group(pid).is_ok())
}

/// Sends `signal` to `process` alone; one that is gone is no error.
pub(super) fn signal_process(process: u32, signal: Signal) {
    if let Some(pid) = to_pid(process) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Every living process that descends from this one.
pub(super) fn descendants() -> Vec<u32> {
    let all: Vec<(u32, u32)> = processes()
        .filter(|(_, stat)| stat.state != 'Z')
        .map(|(pid, stat)| (pid, stat.parent))
        .collect();
    let mut family = vec![std::process::id()];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        family.extend(
            all.iter()
                .filter(|(_, of)| *of == parent)
                .map(|(pid, _)| *pid),
        );
        next += 1;
    }
    family.split_off(1)
}

/// What can be done to a single process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProcessSignal {
    /// SIGSTOP.
    Freeze,
    /// SIGCONT.
    Thaw,
    /// SIGKILL.
    Kill,
}

/// Does it to `process` alone; one that is gone is no error.
pub(crate) fn signal(process: u32, what: ProcessSignal) {
    let signal = match what {
        ProcessSignal::Freeze => Signal::STOP,
        ProcessSignal::Thaw => Signal::CONT,
        ProcessSignal::Kill => Signal::KILL,
    };
    signal_process(process, signal);
}

/// Living children of process `parent`.
pub(crate) fn children_of(parent: u32) -> Vec<u32> {
    processes()
        .filter(|(_, stat)| stat.state != 'Z' && stat.parent == parent)
        .map(|(pid, _)| pid)
        .collect()
}

/// Every file that process `pid` has open, and whether it may write to it.
pub(crate) fn open_files(pid: u32) -> Vec<(PathBuf, bool)> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd"));
    entries
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let path = fs::read_link(entry.path()).ok()?;
            let number = entry.file_name();
            let info = Path::new("/proc")
                .join(pid.to_string())
                .join("fdinfo")
                .join(number);
            Some((path, writes(&fs::read_to_string(info).ok()?)))
        })
        .collect()
}

/// Whether a file is open for writing, by its /proc/PID/fdinfo: `flags` are those of open(2) in octal, whose last
/// two bits are 0 for reading only.
fn writes(info: &str) -> bool {
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u64::from_str_radix(flags.trim(), 8).ok());
    flags.is_some_and(|flags| flags & 3 != 0)
}

/// Children of this process that have ended and whose exit status nobody has collected.
pub(super) fn dead_children() -> Vec<u32> {
    let own = std::process::id();
    processes()
        .filter(|(_, stat)| stat.state == 'Z' && stat.parent == own)
        .map(|(pid, _)| pid)
        .collect()
}

/// Collects the exit status of a child that has ended.
pub(super) fn bury(pid: u32) {
    if let Some(pid) = to_pid(pid) {
        // Fails only when somebody else was quicker.
        let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::NOHANG);
    }
}

fn processes() -> impl Iterator<Item = (u32, Stat)> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, stat(pid)?)))
}

struct Stat {
    state: char,
    parent: u32,
}

/// State and parent from /proc/PID/stat, whose second field may itself hold spaces and brackets (see proc(5)).
fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    Some(Stat {
        state: fields.next()?.chars().next()?,
        parent: fields.next()?.parse().ok()?,
    })
}

fn to_pid(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_files_are_seen_with_what_they_are_open_for() {
        let path = std::env::temp_dir().join(format!("open-{}", std::process::id()));
        let seen = || -> Vec<bool> {
            let files = open_files(std::process::id()).into_iter();
            let ours = files.filter(|(open, _)| *open == path);
            ours.map(|(_, writes)| writes).collect()
        };
        let writer = fs::File::create(&path).expect("a temporary file");
        assert_eq!(seen(), [true]);
        drop(writer);
        let reader = fs::File::open(&path).expect("it is there");
        assert_eq!(seen(), [false]);
        drop(reader);
        assert!(seen().is_empty());
        fs::remove_file(&path).expect("it is there");
    }

    #[test]
    fn a_child_is_a_descendant_until_it_ends() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("sleep starts");
        assert!(descendants().contains(&child.id()));
        assert!(is_alive(child.id()));
        signal_process(child.id(), Signal::KILL);
        child.wait().expect("sleep ends");
        assert!(!is_alive(child.id()));
    }
}
