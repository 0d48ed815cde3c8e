//! What a run does: how large the system is, and the operations in their order.
//!
//! A scenario is made from a seed, or read from a file: an operation list that once found a fault is
//! kept as such, and says the same whatever the generator makes of the seed later on.

mod generate;

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A run to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// What the run is like as a whole.
    pub setting: Setting,
    /// What happens, in its order.
    pub steps: Vec<Step>,
}

/// What stays as it is for a whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Decides everything that is left to chance.
    pub chance: u64,
    /// Workers of the destination region.
    pub workers: usize,
    /// Units that each of them does at once.
    pub copies: usize,
    /// Seconds.
    pub lease: u64,
    /// Transient failures after which a job is an error.
    pub max_attempts: u32,
    /// Lost leases after which a job is an error.
    pub max_lost_leases: u32,
    /// Seconds that a job may take.
    pub job_deadline: u64,
    /// Seconds for which a cancel may wait for its clean-up.
    pub clean_up_grace: u64,
    /// Copies of one tenant at once.
    pub copies_per_tenant: usize,
    /// What a Glance that dies makes of an upload of which it has all bytes.
    pub half_uploads: HalfUploads,
    /// How many calls in a hundred meet a mishap of their own.
    pub mishaps: u64,
    /// By which hashes images can be compared.
    #[serde(default)]
    pub hashes: Hashes,
}

/// What the two Glances show of an image's bytes, besides the md5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hashes {
    /// Both a sha512.
    #[default]
    Same,
    /// The source nothing, the destination a sha512.
    NoneAtSource,
    /// The source a sha512, the destination a sha256.
    OtherAtDestination,
}

/// What becomes of an upload whose Glance dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HalfUploads {
    /// One that was received whole is stored when the Glance is back.
    Kept,
    /// It is lost, and its image takes another.
    Lost,
    /// Its image is `saving` for ever.
    Stuck,
}

/// An operation with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Seconds since the step before it.
    pub after: f64,
    /// What happens.
    pub op: Op,
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// A caller asks for a copy.
    Create {
        /// Of two.
        tenant: usize,
        /// Of three images.
        image: usize,
        /// The idempotency key that comes with the request, and is also used by others.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<u8>,
    },
    /// The caller of a job, counted in the order of creation, cancels it.
    Cancel {
        /// Which.
        job: usize,
    },
    /// A process dies, and another takes its place.
    Crash {
        /// Which.
        who: Role,
        /// Seconds until the other is there.
        down: f64,
    },
    /// A process is told to stop, ends in its own time, and another takes its place.
    Stop {
        /// Which.
        who: Role,
    },
    /// A process stands still.
    Freeze {
        /// Which.
        who: Role,
        /// Seconds.
        lasts: f64,
    },
    /// A worker reaches no scheduler, but everything else.
    Partition {
        /// Which.
        worker: usize,
        /// Seconds.
        lasts: f64,
    },
    /// All messages that wait are lost.
    DropMessages,
    /// All messages that wait are there twice.
    DoubleMessages,
    /// Messages arrive late.
    DelayMessages {
        /// Seconds for which that is so.
        lasts: f64,
    },
    /// There is no broker.
    BrokerAway {
        /// Seconds.
        lasts: f64,
    },
    /// Commands to the store fail, before or after they are done.
    StoreAway {
        /// Seconds.
        lasts: f64,
    },
    /// From now on the store's replica hears only of what is waited for, and takes over in the end.
    FailOver {
        /// Seconds until then.
        lag: f64,
    },
    /// Subscriptions to changes end, and what was to be told is not.
    LoseNotices,
    /// Answers of schedulers are lost after the deed.
    LoseAnswers {
        /// Seconds.
        lasts: f64,
    },
    /// A Glance takes no connections, and breaks those that there are.
    GlanceAway {
        /// Which.
        side: Side,
        /// Seconds.
        lasts: f64,
    },
    /// A Glance's workers die in the middle of their uploads.
    GlanceDies {
        /// Which.
        side: Side,
    },
    /// A Glance does what it is asked to much later, also when nobody waits for it any more.
    GlanceLate {
        /// Which.
        side: Side,
        /// Seconds for which that is so.
        lasts: f64,
    },
    /// A Glance refuses what it is asked to, with 5xx or 401.
    GlanceRefuses {
        /// Which.
        side: Side,
        /// Seconds for which that is so.
        lasts: f64,
    },
    /// The destination's Glance refuses to delete anything.
    GlanceKeeps {
        /// Seconds for which that is so.
        lasts: f64,
    },
    /// The destination's Glance stores other bytes than it was sent, now and then.
    GlanceCorrupts {
        /// Seconds for which that is so.
        lasts: f64,
    },
    /// The wall clock of one scheduler is off.
    ClockJumps {
        /// Which scheduler.
        scheduler: usize,
        /// Milliseconds, either way.
        by: i64,
    },
}

/// A process that can be struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A scheduler by its number.
    Scheduler(usize),
    /// A worker by its number.
    Worker(usize),
}

/// One of the two Glances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Where images come from.
    Source,
    /// Where they go.
    Destination,
}

/// Schedulers of every run.
pub const SCHEDULERS: usize = 2;

// === impl Scenario ===

impl Scenario {
    /// The scenario of a seed.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        generate::scenario(seed)
    }

    /// One JSON document a line: the setting, then each step.
    #[must_use]
    pub fn to_text(&self) -> String {
        let setting = serde_json::to_string(&self.setting);
        let steps = self.steps.iter().map(serde_json::to_string);
        std::iter::once(setting)
            .chain(steps)
            .map(|line| line.expect("plain data") + "\n")
            .collect()
    }

    /// The reverse; empty lines and lines that begin with `#` are passed over.
    ///
    /// # Errors
    /// The line that is none, and why.
    pub fn from_text(text: &str) -> Result<Self, String> {
        let mut lines = text
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        let at = |line: &str, error| format!("`{line}`: {error}");
        let first = lines.next().unwrap_or_default();
        Ok(Self {
            setting: serde_json::from_str(first).map_err(|error| at(first, error))?,
            steps: lines
                .map(|line| serde_json::from_str(line).map_err(|error| at(line, error)))
                .collect::<Result<_, _>>()?,
        })
    }
}

// === impl Op ===

impl Op {
    /// The kind, for counting.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Cancel { .. } => "cancel",
            Self::Crash {
                who: Role::Scheduler(_),
                ..
            } => "crash a scheduler",
            Self::Crash {
                who: Role::Worker(_),
                ..
            } => "crash a worker",
            Self::Stop {
                who: Role::Scheduler(_),
            } => "stop a scheduler",
            Self::Stop {
                who: Role::Worker(_),
            } => "stop a worker",
            Self::Freeze {
                who: Role::Scheduler(_),
                ..
            } => "freeze a scheduler",
            Self::Freeze {
                who: Role::Worker(_),
                ..
            } => "freeze a worker",
            Self::Partition { .. } => "partition",
            Self::DropMessages => "drop messages",
            Self::DoubleMessages => "double messages",
            Self::DelayMessages { .. } => "delay messages",
            Self::BrokerAway { .. } => "broker away",
            Self::StoreAway { .. } => "store away",
            Self::FailOver { .. } => "fail over",
            Self::LoseNotices => "lose notices",
            Self::LoseAnswers { .. } => "lose answers",
            Self::GlanceAway { .. } => "glance away",
            Self::GlanceDies { .. } => "glance dies",
            Self::GlanceLate { .. } => "glance late",
            Self::GlanceRefuses { .. } => "glance refuses",
            Self::GlanceKeeps { .. } => "glance keeps",
            Self::GlanceCorrupts { .. } => "glance corrupts",
            Self::ClockJumps { .. } => "clock jumps",
        }
    }

    /// Every kind.
    pub const KINDS: [&'static str; 24] = [
        "create",
        "cancel",
        "crash a scheduler",
        "crash a worker",
        "stop a scheduler",
        "stop a worker",
        "freeze a scheduler",
        "freeze a worker",
        "partition",
        "drop messages",
        "double messages",
        "delay messages",
        "broker away",
        "store away",
        "fail over",
        "lose notices",
        "lose answers",
        "glance away",
        "glance dies",
        "glance late",
        "glance refuses",
        "glance keeps",
        "glance corrupts",
        "clock jumps",
    ];
}

/// Seconds as a length of time.
pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_survives_being_written_down() {
        for seed in 0..200 {
            let scenario = Scenario::of_seed(seed);
            let text = format!("# found somewhere\n\n{}", scenario.to_text());
            assert_eq!(Scenario::from_text(&text), Ok(scenario));
        }
    }

    #[test]
    fn nonsense_is_refused_with_its_line() {
        let text = Scenario::of_seed(1).to_text() + "{\"after\":1.0,\"op\":\"explode\"}\n";
        let error = Scenario::from_text(&text).expect_err("no such operation");
        assert!(error.contains("explode"), "{error}");
    }
}
