//! Descendants of this process and signals to them, as /proc and the process groups show them.

use std::fs;
use std::path::Path;

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
