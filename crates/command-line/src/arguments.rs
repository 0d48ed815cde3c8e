//! What can be typed: the commands and their options. Also what the man page and the completions are made of.

mod plan;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use url::Url;

pub(crate) use plan::{PlanCommand, PlanWishes};

/// Copies OpenStack images between regions.
///
/// Signs in with a cloud of `clouds.yaml` (`--os-cloud`) or with the `OS_…` variables of OpenStack's own clients.
#[derive(Debug, Parser)]
#[command(name = "image-replicator", version, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) cloud: CloudChoice,
    /// Tell on stderr which requests are made; never what is secret in them
    #[arg(long, global = true)]
    pub(crate) debug: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where to sign in, and where the service is.
#[derive(Debug, Clone, Args)]
pub(crate) struct CloudChoice {
    /// The cloud of `clouds.yaml` to sign in at
    #[arg(
        long,
        global = true,
        env = "OS_CLOUD",
        hide_env_values = true,
        value_name = "CLOUD"
    )]
    pub(crate) os_cloud: Option<String>,
    /// The region of the images that are copied
    #[arg(
        long,
        global = true,
        env = "OS_REGION_NAME",
        hide_env_values = true,
        value_name = "REGION"
    )]
    pub(crate) os_region_name: Option<String>,
    /// The address of the service, where the catalog does not have it
    #[arg(
        long,
        global = true,
        env = "IMAGE_REPLICATOR_ENDPOINT",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) endpoint: Option<Url>,
}

/// A command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Copy images to a project of another region
    Copy(Copy),
    /// List copy jobs, the newest first
    List(List),
    /// Show a copy job
    Show {
        /// The job's id
        #[arg(value_name = "JOB")]
        job: String,
        #[command(flatten)]
        output: Output,
    },
    /// Watch copy jobs until all have ended
    Watch {
        /// The jobs' ids; none: all that are under way now
        #[arg(value_name = "JOB")]
        jobs: Vec<String>,
    },
    /// Cancel copy jobs
    Cancel {
        /// The jobs' ids
        #[arg(value_name = "JOB", required = true)]
        jobs: Vec<String>,
    },
    /// Look after plans: copies that are made again and again
    #[command(subcommand)]
    Plan(PlanCommand),
    /// List the cloud's regions, and whether images can be copied from there
    Regions {
        #[command(flatten)]
        output: Output,
    },
    /// Write a shell's completions
    Completion {
        /// The shell
        shell: Shell,
    },
    /// Write the man page
    Man {
        /// A folder that gets a page for each command instead
        #[arg(long, value_name = "FOLDER")]
        directory: Option<PathBuf>,
    },
}

/// `copy`.
#[derive(Debug, Args)]
pub(crate) struct Copy {
    /// The images, by id or by a name that only one of them has
    #[arg(value_name = "IMAGE", required = true)]
    pub(crate) images: Vec<String>,
    /// The project that gets the copies, by id or by name
    #[arg(long, value_name = "PROJECT")]
    pub(crate) to: String,
    /// The region that gets the copies, where the project alone does not tell
    #[arg(long, value_name = "REGION")]
    pub(crate) to_region: Option<String>,
    /// Take an identical copy that the project has already
    #[arg(long, conflicts_with = "direct")]
    pub(crate) reuse: bool,
    /// Wait until the copies are made
    #[arg(long)]
    pub(crate) wait: bool,
    /// Copy in this process, with no service: from one cloud of `clouds.yaml` to another
    #[arg(long, requires = "from_cloud", requires = "to_cloud")]
    pub(crate) direct: bool,
    /// The cloud of `clouds.yaml` that has the image
    #[arg(long, value_name = "CLOUD", requires = "direct")]
    pub(crate) from_cloud: Option<String>,
    /// The cloud of `clouds.yaml` that gets the copy
    #[arg(long, value_name = "CLOUD", requires = "direct")]
    pub(crate) to_cloud: Option<String>,
    /// The copy's name, if not that of the image
    #[arg(long, value_name = "NAME", requires = "direct")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only jobs in this status; several with commas between them
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Option<String>,
    /// So many at most
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: Option<u32>,
    /// Those of all projects; for administrators
    #[arg(long)]
    pub(crate) all_projects: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// How a result is written.
#[derive(Debug, Clone, Args)]
pub(crate) struct Output {
    /// How the result is written
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub(crate) format: Format,
    /// Only this column; may be given several times
    #[arg(short, long = "column", value_name = "COLUMN")]
    pub(crate) columns: Vec<String>,
}

/// A way to write a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// The values alone.
    Value,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_contradict_nothing() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_direct_copy_needs_both_clouds() {
        let parse = |line: &str| Arguments::try_parse_from(line.split(' '));
        assert!(parse("image-replicator copy i --to t --direct --from-cloud a").is_err());
        assert!(parse("image-replicator copy i --to t --from-cloud a --to-cloud b").is_err());
        assert!(
            parse("image-replicator copy i --to t --direct --from-cloud a --to-cloud b").is_ok()
        );
    }
}
