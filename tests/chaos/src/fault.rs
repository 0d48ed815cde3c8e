//! What can be done to what: seven kinds of faults, seven kinds of victims, each kind to each victim.

use std::fmt;
use std::time::Duration;

use testbed::Region;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// SIGKILL, and a start soon after.
    Kill,
    /// SIGSTOP for some seconds.
    Freeze,
    /// SIGTERM, and a start right after.
    Restart,
    /// Connections are reset, open and new ones.
    Reset,
    /// Connections stay open and no byte moves.
    BlackHole,
    /// Few bytes a second get through.
    Slow,
    /// Each connection is reset in the middle of what it carries.
    Cut,
}

/// What is broken: a process, or the way to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Victim {
    /// A copy worker that works; or its way to the schedulers.
    Worker,
    /// A scheduler; or the gateways' way to all of them.
    Scheduler,
    /// A gateway; or the callers' way to it.
    Gateway,
    /// The message broker.
    Rabbitmq,
    /// The store.
    Redis,
    /// A worker process of a Glance that has an image open (a restart is of all of them); or the way to a Glance.
    Glance,
    /// The identity service.
    Keystone,
}

impl Action {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Kill,
        Self::Freeze,
        Self::Restart,
        Self::Reset,
        Self::BlackHole,
        Self::Slow,
        Self::Cut,
    ];
}

impl Victim {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Worker,
        Self::Scheduler,
        Self::Gateway,
        Self::Rabbitmq,
        Self::Redis,
        Self::Glance,
        Self::Keystone,
    ];
}

/// One fault of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What is done.
    pub action: Action,
    /// To what.
    pub victim: Victim,
    /// Where, when each region has one.
    pub region: Region,
    /// Which of several; to be taken modulo their number.
    pub pick: usize,
    /// The pause before it.
    pub pause: Duration,
    /// How long it lasts: until a killed part is started, a frozen one thawed, a link as usual.
    pub length: Duration,
    /// Bytes: a second for [`Action::Slow`], until the cut for [`Action::Cut`]; else without meaning.
    pub bytes: u64,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kill => "kill",
            Self::Freeze => "freeze",
            Self::Restart => "restart",
            Self::Reset => "reset",
            Self::BlackHole => "black hole",
            Self::Slow => "slow",
            Self::Cut => "cut",
        })
    }
}

impl fmt::Display for Victim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Worker => "worker",
            Self::Scheduler => "scheduler",
            Self::Gateway => "gateway",
            Self::Rabbitmq => "RabbitMQ",
            Self::Redis => "Redis",
            Self::Glance => "Glance",
            Self::Keystone => "Keystone",
        })
    }
}

/// What a fault came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Struck {
    /// The fault.
    pub fault: Fault,
    /// What it hit, for people.
    pub target: String,
    /// Whether it hit while it mattered: a claim in flight, or bytes moving, and somebody there to feel it.
    pub mattered: bool,
    /// When it struck, since the run began.
    pub at: Duration,
    /// When it was over and everything ran again.
    pub healed: Duration,
    /// Jobs that a worker held when it struck.
    pub caught: Vec<String>,
}
