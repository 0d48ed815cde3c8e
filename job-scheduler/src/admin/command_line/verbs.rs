//! Each verb: what it asks, and what is printed of the answer. Searches for orphans are `orphans.rs`'s.

mod jobs;
mod loose_ends;
mod regions;

use proto::v1::admin_service_client::AdminServiceClient;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::arguments::{Arguments, RegionVerb, Verb};
use super::connection::{connect, operator};
use super::printout::Printout;
use super::{Failure, orphans};

/// A scheduler, and who asks it.
pub(super) struct Session {
    pub(super) rpc: AdminServiceClient<Channel>,
    pub(super) operator: String,
}

/// Does it.
///
/// # Errors
/// [`Failure`].
pub(super) async fn run(arguments: &Arguments) -> Result<Printout, Failure> {
    if let Verb::Orphans(wanted) = &arguments.verb {
        orphans::check(wanted)?;
    }
    let mut session = Session {
        rpc: connect(arguments).await?,
        operator: operator(arguments),
    };
    let session = &mut session;
    match &arguments.verb {
        Verb::Jobs { .. } => jobs::jobs(session, &arguments.verb).await,
        Verb::Show { job } => jobs::show(session, job.to_string()).await,
        Verb::Cancel { job } => jobs::cancel(session, job.to_string()).await,
        Verb::Retry { job } => jobs::retry(session, job.to_string()).await,
        Verb::Leases { limit } => loose_ends::leases(session, *limit).await,
        Verb::Leftovers { limit } => loose_ends::leftovers(session, *limit).await,
        Verb::Orphans(wanted) => orphans::run(session, wanted).await,
        Verb::Limits => regions::limits(session).await,
        Verb::Region(RegionVerb::Drain { region }) => regions::drain(session, region.clone()).await,
        Verb::Region(RegionVerb::Undrain { region }) => {
            regions::undrain(session, region.clone()).await
        }
    }
}

/// What a status says to people.
pub(super) fn refused(status: Status) -> Failure {
    let words = match status.code() {
        Code::Unavailable => format!("the scheduler cannot do it now: {}", status.message()),
        Code::Unimplemented => "the scheduler is too old for this".to_owned(),
        _ => status.message().to_owned(),
    };
    Failure::Refused(anyhow::anyhow!(words))
}

/// A part of an answer that every scheduler sends.
pub(super) fn present<T>(part: Option<T>) -> Result<T, Failure> {
    part.ok_or_else(|| Failure::Refused(anyhow::anyhow!("the scheduler's answer is empty")))
}
