//! One supervisor process a test bed: parent of every part, and their end when its owner ends.
//!
//! It runs as `testbed supervise`. A library owner holds the write end of the supervisor's stdin; when the owner
//! goes, however it goes, the kernel closes that end and the supervisor kills all that it started, itself and by
//! their children, since as subreaper it inherits every orphan. Should the supervisor itself be killed, each part gets
//! a SIGKILL from the kernel. `testbed up` starts a supervisor without owner, which stays until `down`.

mod client;
mod family;
mod protocol;
mod server;

pub(crate) use client::{Client, start};
pub(crate) use family::{ProcessSignal, children_of, is_frozen, open_files, processes_of, signal};
pub(crate) use protocol::{Launch, Operation, Running};
pub use server::{Duty, serve};

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What `DIR/supervisor.json` says while a supervisor runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Address {
    pub(crate) pid: u32,
    /// Name of the supervisor's socket in the abstract namespace, which leaves no file behind.
    pub(crate) socket: String,
    /// First port of the block that the supervisor holds.
    pub(crate) first_port: u16,
}

impl Address {
    pub(crate) fn file(directory: &Path) -> PathBuf {
        directory.join("supervisor.json")
    }

    /// The address of the supervisor of `directory`, if one runs.
    pub(crate) fn read(directory: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(Self::file(directory)).ok()?;
        let address: Self = serde_json::from_str(&text).ok()?;
        family::is_alive(address.pid).then_some(address)
    }
}
