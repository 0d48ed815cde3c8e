//! `plan …`: what can be typed about plans.

use clap::{Args, Subcommand};

use super::Output;

/// A command about plans.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Make a plan
    Create {
        /// Its name
        name: String,
        #[command(flatten)]
        wishes: PlanWishes,
        #[command(flatten)]
        output: Output,
    },
    /// List plans, the newest first
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Show a plan
    Show {
        /// The plan, by id or by a name that only one of them has
        plan: String,
        #[command(flatten)]
        output: Output,
    },
    /// Change a plan; what is not given stays
    Update {
        /// The plan, by id or by a name that only one of them has
        plan: String,
        /// Its new name
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        #[command(flatten)]
        wishes: PlanWishes,
        #[command(flatten)]
        output: Output,
    },
    /// Let a plan fire now and put it on its schedule again
    Start {
        /// The plan, by id or by a name that only one of them has
        plan: String,
    },
    /// Take a plan off its schedule; a run that is under way ends by itself
    Stop {
        /// The plan, by id or by a name that only one of them has
        plan: String,
        /// Cancel the copies of the run that is under way, too
        #[arg(long)]
        abort: bool,
    },
    /// Delete a plan; the copies that it made stay
    Delete {
        /// The plan, by id or by a name that only one of them has
        plan: String,
    },
}

/// What a plan shall do, and when.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PlanWishes {
    /// What it is for, in words
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Copy this image, by its id
    #[arg(long, value_name = "ID", group = "selector")]
    pub(crate) image: Option<String>,
    /// Copy the newest active image of this name
    #[arg(long, value_name = "NAME", group = "selector")]
    pub(crate) image_name: Option<String>,
    /// Copy every active image with this tag
    #[arg(long, value_name = "TAG", group = "selector")]
    pub(crate) image_tag: Option<String>,
    /// The project that gets the copies, by id or by name
    #[arg(long, value_name = "PROJECT")]
    pub(crate) to: Option<String>,
    /// The region that gets the copies, where the project alone does not tell
    #[arg(long, value_name = "REGION")]
    pub(crate) to_region: Option<String>,
    /// Keep so many copies of each image; 0 keeps all
    #[arg(long, value_name = "COUNT")]
    pub(crate) keep: Option<u32>,
    /// Try an image so often again when its copy fails
    #[arg(long, value_name = "COUNT")]
    pub(crate) retries: Option<u32>,
    /// Fire once, at this time (UTC): 2027-03-01T04:30:00
    #[arg(long, value_name = "TIME", group = "schedule")]
    pub(crate) at: Option<String>,
    /// Fire again and again: "6 hours", "1 days"
    #[arg(long, value_name = "INTERVAL", group = "schedule")]
    pub(crate) every: Option<String>,
    /// Fire when all fields of a schedule match (UTC): hour=4, minute=30, `day_of_week=sun`
    #[arg(long, value_name = "FIELD=VALUE", value_delimiter = ' ', num_args = 1.., group = "schedule")]
    pub(crate) when: Vec<String>,
}
