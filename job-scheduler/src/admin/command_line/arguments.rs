//! What can be written behind `job-scheduler admin`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use domain::{ImageId, JobId, JobStatus};

/// What operators do: asks the running scheduler, which writes down who did what.
#[derive(Debug, Parser)]
#[command(name = "job-scheduler admin")]
pub(super) struct Arguments {
    /// The scheduler's port for operators. Default: `scheduler.admin_grpc_listen` of the configuration file, or
    /// 127.0.0.1:7101 without one.
    #[arg(
        long,
        env = "IMAGE_REPLICATOR_ADMIN_ADDRESS",
        value_name = "HOST:PORT",
        global = true
    )]
    pub(super) address: Option<String>,
    /// The configuration file of the scheduler.
    #[arg(
        long,
        env = "IMAGE_REPLICATOR_CONFIG",
        value_name = "PATH",
        global = true
    )]
    pub(super) config: Option<PathBuf>,
    /// Who you are, for the log and for whoever looks at the job later. Default: the user and the host.
    #[arg(
        long,
        env = "IMAGE_REPLICATOR_OPERATOR",
        value_name = "NAME",
        global = true
    )]
    pub(super) operator: Option<String>,
    /// JSON for scripts instead of a table.
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[command(subcommand)]
    pub(super) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Everybody's jobs, the newest first.
    Jobs {
        /// Only this status; may be given several times.
        #[arg(long = "status", value_name = "STATUS")]
        statuses: Vec<JobStatus>,
        /// Only jobs of this project, or into it.
        #[arg(long, value_name = "ID")]
        tenant: Option<String>,
        /// Only jobs out of this region, or into it.
        #[arg(long, value_name = "REGION")]
        region: Option<String>,
        /// Errands instead of copies: what workers do for plans and operators.
        #[arg(long)]
        errands: bool,
        /// How many, 1000 at most.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: u32,
        /// The page behind this job, which the page before named at its end.
        #[arg(long, value_name = "JOB")]
        after: Option<JobId>,
    },
    /// All that is known of one job or errand.
    Show {
        /// Its id.
        job: JobId,
    },
    /// Cancels anybody's job, or an errand.
    Cancel {
        /// Its id.
        job: JobId,
    },
    /// Makes the copy of a failed or canceled job again, as a new job.
    Retry {
        /// The old job's id.
        job: JobId,
    },
    /// Who works on what, and until when.
    Leases {
        /// How many, 1000 at most.
        #[arg(long, default_value_t = 1000, value_name = "N")]
        limit: u32,
    },
    /// Jobs with images that are not settled, and since when.
    Leftovers {
        /// How many, 1000 at most.
        #[arg(long, default_value_t = 1000, value_name = "N")]
        limit: u32,
    },
    /// Images of a region whose job nobody knows; removes them when asked.
    Orphans(Orphans),
    /// The configured limits, and how much of them is in use.
    Limits,
    /// Takes a region out of work, and back.
    #[command(subcommand)]
    Region(RegionVerb),
}

#[derive(Debug, Subcommand)]
pub(super) enum RegionVerb {
    /// From now on no unit of the region is granted; what runs goes on.
    Drain {
        /// The region.
        region: String,
    },
    /// Units of the region are granted again.
    Undrain {
        /// The region.
        region: String,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Orphans {
    /// The region.
    pub(super) region: String,
    /// Leaves younger images out: the job of one may be on its way, or be known again when a store that fell back is
    /// mended.
    #[arg(long, default_value = "1h", value_parser = humantime::parse_duration, value_name = "AGE")]
    pub(super) older_than: Duration,
    /// Removes what was found, but for whole and protected images.
    #[arg(long)]
    pub(super) remove: bool,
    /// Only these of the images found; may be given several times.
    #[arg(long = "image", value_name = "ID", requires = "remove")]
    pub(super) images: Vec<ImageId>,
    /// Also whole ones. A finished copy whose job was forgotten, as every job is after `scheduler.keep_finished`, looks
    /// no different, and its owner may use it.
    #[arg(long, requires = "remove")]
    pub(super) whole: bool,
    /// Also protected ones.
    #[arg(long, requires = "remove")]
    pub(super) protected: bool,
    /// Removes without asking.
    #[arg(long, requires = "remove")]
    pub(super) yes: bool,
    /// How long to wait for the region's workers.
    #[arg(long, default_value = "10m", value_parser = humantime::parse_duration, value_name = "TIME")]
    pub(super) wait: Duration,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_verb_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn what_removes_needs_to_be_asked_to_remove() {
        let parse = |words: &str| Arguments::try_parse_from(words.split(' '));
        for words in ["--yes", "--whole", "--protected"] {
            assert!(parse(&format!("admin orphans ot2 {words}")).is_err());
            assert!(parse(&format!("admin orphans ot2 --remove {words}")).is_ok());
        }
        assert!(parse("admin orphans ot2 --older-than 90m").is_ok());
        assert!(parse("admin orphans ot2 --older-than soon").is_err());
        assert!(parse("admin jobs --status cancelled").is_err());
        assert!(parse("admin show 7").is_err());
    }
}
