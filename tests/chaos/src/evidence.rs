//! What is there after a run, as an administrator of the cloud finds it: Glance's answers in both regions, the files
//! in the stores, Redis' keys, the broker's queues; beside what the callers did and were told.
//!
//! Nothing in here is the product's word but the job documents, and those are what is checked.

mod collect;
mod redis_dump;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use testbed::{Region, Secret};

pub use collect::collect;
pub use redis_dump::Contents;

use crate::fault::Struck;
use crate::witness::Testimony;

/// Everything that the checker is given: first what the run itself knows, then what a look around finds.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The images that copies were asked of, by id.
    pub sources: BTreeMap<String, Source>,
    /// The copies that were accepted, by job.
    pub accepted: BTreeMap<String, Accepted>,
    /// What callers were told.
    pub testimony: Testimony,
    /// What was broken.
    pub faults: Vec<Struck>,
    /// Images whose upload a process of a Glance was in the middle of when it was killed: what Glance leaks.
    pub abandoned: BTreeSet<(Region, String)>,
    /// Every job, as each region's gateway lists them to an administrator.
    pub listed: BTreeMap<Region, Vec<Value>>,
    /// Every image, hidden ones too, as an administrator sees them.
    pub images: BTreeMap<Region, Vec<Value>>,
    /// Every file of the stores.
    pub files: Vec<File>,
    /// Every key in Redis.
    pub redis: BTreeMap<String, Contents>,
    /// Messages by queue.
    pub queues: BTreeMap<String, u32>,
    /// Passwords and tokens that were found where none may be; none as long as nobody has searched.
    pub secrets: Vec<Secret>,
}

/// An image that copies were asked of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where it is.
    pub region: Region,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-512 of what was uploaded.
    pub sha512: String,
}

/// A copy that a 202 was given for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The image.
    pub source: String,
    /// Where it was to go.
    pub destination: Region,
    /// The project that was to get it.
    pub project: String,
    /// When the 202 came, since the run began.
    pub at: Duration,
    /// Whether a cancel was asked for, and how that was answered.
    pub cancel: Cancel,
}

/// A caller's cancel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Cancel {
    /// Nobody asked for one.
    #[default]
    No,
    /// It was asked for, and the answer never came or was no decision.
    Asked,
    /// 204: the job is going to be `canceled`.
    Granted,
    /// 409: the job was over already.
    TooLate,
}

/// A file of a Glance's store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Whose store it is in.
    pub region: Region,
    /// Whether it lies in staging, where imports wait.
    pub staged: bool,
    /// Its name: the image's id.
    pub image: String,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-512 of its bytes; none as long as nobody has looked.
    pub sha512: Option<String>,
}
