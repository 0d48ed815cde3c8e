//! What may not be, as sentences.

use std::fmt;

use testbed::Region;

/// One thing that breaks a promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// A 202 was given for a job that a gateway does not list.
    Lost {
        /// The job.
        job: String,
        /// The region of the gateway.
        gateway: Region,
    },
    /// A job is there that no caller was told of.
    Unasked {
        /// The job.
        job: String,
    },
    /// A job is not over.
    Open {
        /// The job.
        job: String,
        /// Its status.
        status: String,
    },
    /// One idempotency key stood for two jobs.
    TwoJobs {
        /// The first.
        first: String,
        /// The other.
        other: String,
    },
    /// What was said of a job went back, or was no document.
    WentBack {
        /// The job.
        job: String,
        /// Who said it.
        by: String,
        /// What.
        what: String,
    },
    /// Two gateways say different things of a job that is over.
    Disagreement {
        /// The job.
        job: String,
        /// What they say.
        what: String,
    },
    /// An answer that the API does not have, or not for this.
    Answer {
        /// What was asked.
        question: String,
        /// What came.
        answer: String,
    },
    /// Somebody asked again and again, and was never given a job.
    NeverAccepted {
        /// The last answer.
        answer: String,
    },
    /// A cancel was granted, and the job was not canceled.
    CancelBroken {
        /// The job.
        job: String,
        /// Its status.
        status: String,
    },
    /// A job is `canceled` and nobody has asked for that.
    Uncalled {
        /// The job.
        job: String,
    },
    /// A job is `replicated` and its image is not what that means.
    NotWhole {
        /// The job.
        job: String,
        /// What is wrong.
        what: String,
    },
    /// An image that belongs to no `replicated` job and is no source.
    Orphan {
        /// Where it is.
        region: Region,
        /// Its id.
        image: String,
        /// Its status.
        status: String,
    },
    /// A file in a store, or in staging, that belongs to no image and that Glance did not leak by itself.
    OrphanFile {
        /// Whose store it is in.
        region: Region,
        /// Its name.
        image: String,
        /// Its size in bytes.
        size: u64,
        /// Whether it lies in staging.
        staged: bool,
    },
    /// An `error` that no fault explains.
    Unexplained {
        /// The job.
        job: String,
        /// Its cause.
        code: String,
        /// What the job says.
        message: String,
    },
    /// A lease or an index entry that no job accounts for, or one that is missing.
    Redis {
        /// The key.
        key: String,
        /// What is wrong with it.
        what: String,
    },
    /// Messages that nobody takes.
    Messages {
        /// The queue.
        queue: String,
        /// How many.
        count: u32,
    },
    /// A password or a token stands in a log, in Redis or in a message.
    Secret {
        /// Where, and which.
        what: String,
    },
    /// Too many jobs failed.
    TooFew {
        /// So many were `replicated`.
        replicated: usize,
        /// Of so many that nobody canceled.
        wanted: usize,
    },
    /// A kind of fault, or of victim, was not hit often enough while it mattered; so the run shows nothing of it.
    TooSeldom {
        /// The kind.
        kind: String,
        /// How often it was.
        count: usize,
    },
    /// Something could not be broken or mended as planned.
    Harness {
        /// What happened.
        what: String,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { job, gateway } => {
                write!(
                    f,
                    "job {job} was accepted, and the gateway of {gateway} does not know it"
                )
            }
            Self::Unasked { job } => write!(f, "job {job} was never given to anybody"),
            Self::Open { job, status } => write!(f, "job {job} is still {status}"),
            Self::TwoJobs { first, other } => {
                write!(
                    f,
                    "jobs {first} and {other} were given for one idempotency key"
                )
            }
            Self::WentBack { job, by, what } => write!(f, "job {job} by {by}: {what}"),
            Self::Disagreement { job, what } => write!(f, "job {job}: {what}"),
            Self::Answer { question, answer } => write!(f, "{question} was answered: {answer}"),
            Self::NeverAccepted { answer } => {
                write!(f, "a copy was never accepted; the last answer was {answer}")
            }
            Self::CancelBroken { job, status } => {
                write!(f, "a cancel of job {job} was granted, and it is {status}")
            }
            Self::Uncalled { job } => write!(f, "job {job} is canceled, and nobody asked for that"),
            Self::NotWhole { job, what } => write!(f, "job {job} is replicated, but {what}"),
            Self::Orphan {
                region,
                image,
                status,
            } => {
                write!(f, "image {image} in {region}, {status}, is no job's")
            }
            Self::OrphanFile {
                region,
                image,
                size,
                staged,
            } => {
                let place = if *staged { "staging" } else { "the store" };
                write!(
                    f,
                    "{size} bytes of image {image} lie in {place} of {region}"
                )
            }
            Self::Unexplained { job, code, message } => {
                write!(
                    f,
                    "job {job} failed and no fault explains it: {code}: {message}"
                )
            }
            Self::Redis { key, what } => write!(f, "{key} in Redis: {what}"),
            Self::Messages { queue, count } => write!(f, "{count} messages are left in {queue}"),
            Self::Secret { what } => write!(f, "a secret: {what}"),
            Self::TooFew { replicated, wanted } => {
                write!(
                    f,
                    "only {replicated} of {wanted} jobs that nobody canceled are replicated"
                )
            }
            Self::TooSeldom { kind, count } => {
                write!(f, "{kind} hit only {count} times while it mattered")
            }
            Self::Harness { what } => write!(f, "the run itself: {what}"),
        }
    }
}
