//! What is said to a supervisor: one request and one response a connection, each a line of JSON.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// How to start a part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Launch {
    pub(crate) part: String,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// Added to an environment that otherwise has little: proxies and settings of the caller stay out.
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) log: PathBuf,
    /// An orderly end stops wave 0 first, then 1, then 2.
    pub(crate) wave: u8,
}

impl Launch {
    /// A launch of `program`, to be completed.
    pub(crate) fn of(program: &Path) -> Self {
        Self {
            part: String::new(),
            program: program.to_owned(),
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            log: PathBuf::from("/dev/null"),
            wave: 1,
        }
    }

    pub(crate) fn named(mut self, part: impl Display, log: PathBuf) -> Self {
        self.part = part.to_string();
        self.log = log;
        self
    }

    pub(crate) fn env(mut self, key: &str, value: impl Display) -> Self {
        self.environment.insert(key.to_owned(), value.to_string());
        self
    }
}

/// What can be done to a running part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Operation {
    /// SIGTERM, and SIGKILL when that does not help; answers when the part is gone.
    Stop,
    /// SIGKILL to the part and its children; answers when it is gone.
    Kill,
    /// SIGSTOP to the part and its children.
    Freeze,
    /// SIGCONT to the part and its children.
    Thaw,
}

/// A part that runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Running {
    pub(crate) pid: u32,
    pub(crate) log: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// Start a part that does not run.
    Start(Launch),
    /// Do something to a part that runs.
    Do { part: String, operation: Operation },
    /// Which parts run?
    List,
    /// End everything in order, then end. The response comes when all parts are gone.
    End,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Response {
    Parts(BTreeMap<String, Running>),
    Done,
    Refused(String),
}
