//! A worker asks for work: the fairest unit of its region that is still free.

use domain::{ClaimId, Grant, JobId, LeaseToken, RegionId, WorkerId};

use crate::fairness::{Hint, RegionView, candidates};
use crate::jobs::Jobs;
use crate::lifecycle::{grant, grant_again};
use crate::quarantine;
use crate::status::CallError;
use crate::store::placement::eligible_lane;
use crate::store::{Place, StoreError, Stored};

/// How often the region is looked at anew after all of its shown units were lost to others. Who
/// loses that often is told "none" and asks again a little later: work goes on in others' hands.
const ROUNDS: usize = 20;

/// A request for work.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) region: RegionId,
    pub(crate) id: ClaimId,
    pub(crate) hint: Option<JobId>,
    pub(crate) worker: WorkerId,
}

/// What became of a try to grant one unit.
enum Try {
    Granted(Box<Grant>),
    /// Somebody was faster, or a limit was reached meanwhile.
    Lost,
    /// The same claim was answered elsewhere meanwhile.
    Answered,
    /// Nothing of the region is granted to anybody.
    Drained,
}

/// Grants a unit, or none when there is no work or the region is drained. The same claim gets the same grant again,
/// also in a drained region: it runs already.
///
/// # Errors
/// [`CallError`]: a region that is not configured, the store.
pub(crate) async fn claim(jobs: &Jobs, claim: &Claim) -> Result<Option<Grant>, CallError> {
    if !jobs.settings.knows(&claim.region) {
        let region = &claim.region;
        return Err(CallError::Invalid(format!(
            "region `{region}` is not configured"
        )));
    }
    if let Some(grant) = again(jobs, claim.id).await? {
        return Ok(Some(grant));
    }
    for _ in 0..ROUNDS {
        let view = jobs.store.region_view(&claim.region).await?;
        let hint = hint(jobs, claim).await?;
        let candidates = candidates(&view, hint.as_ref(), &jobs.settings.shape.limits);
        if candidates.is_empty() {
            break;
        }
        for job in candidates {
            match try_grant(jobs, claim, &view, job).await? {
                Try::Granted(grant) => {
                    tracing::info!(
                        job.id = %grant.job_id,
                        job.attempt = grant.attempt,
                        unit.kind = grant.unit.kind().as_str(),
                        worker.id = %claim.worker,
                        region.id = %claim.region,
                        "granted a unit"
                    );
                    return Ok(Some(*grant));
                }
                Try::Lost => {}
                Try::Answered => return again(jobs, claim.id).await,
                Try::Drained => return Ok(None),
            }
        }
    }
    // The same claim may have been answered elsewhere meanwhile: whoever hears of no work here would leave that lying.
    again(jobs, claim.id).await
}

/// The grant of a claim that was answered before.
async fn again(jobs: &Jobs, claim: ClaimId) -> Result<Option<Grant>, CallError> {
    let Some(job) = jobs.store.job_of_claim(claim).await? else {
        return Ok(None);
    };
    if readable(jobs.store.load(job).await)?.is_none() {
        return Ok(None);
    }
    let decided = jobs
        .decide::<_, StoreError>(job, |record, now| {
            Ok(crate::jobs::Decision {
                record: grant_again(record, claim, now, jobs.rules()),
                answer: (),
            })
        })
        .await?;
    // The call that granted it may have died waiting for a replica.
    jobs.store.barrier(jobs.now()).await?;
    Ok(decided.and_then(|decided| {
        let record = decided.stored.record;
        let lease = record.lease.as_ref()?;
        (lease.claim == claim).then(|| record.grant(jobs.rules().lease_length))?
    }))
}

/// A record that cannot be read is none: others must not suffer from it.
fn readable(loaded: Result<Option<Stored>, StoreError>) -> Result<Option<Stored>, StoreError> {
    match loaded {
        Err(StoreError::Unreadable { .. }) => Ok(None),
        other => other,
    }
}

/// The hinted job's place, when it has one in this region.
async fn hint(jobs: &Jobs, claim: &Claim) -> Result<Option<Hint>, CallError> {
    let Some(job) = claim.hint else {
        return Ok(None);
    };
    let hinted = readable(jobs.store.load(job).await)?;
    Ok(hinted
        .filter(|stored| *stored.record.region() == claim.region)
        .and_then(|stored| eligible_lane(&stored.record))
        .map(|lane| Hint { job, lane }))
}

async fn try_grant(
    jobs: &Jobs,
    claim: &Claim,
    view: &RegionView,
    job: JobId,
) -> Result<Try, CallError> {
    let Some(before) = readable(jobs.store.load(job).await)? else {
        // In the way of the others, for as long as its place shows it.
        if let Some(lane) = view.lane_of(job) {
            let place = Place::Lane(claim.region.clone(), lane.clone());
            quarantine::set_aside(jobs, job, &place).await?;
        }
        return Ok(Try::Lost);
    };
    let now = jobs.now();
    let (token, worker) = (LeaseToken::generate(), claim.worker.clone());
    let Ok(after) = grant(&before.record, token, claim.id, worker, now, jobs.rules()) else {
        return Ok(Try::Lost);
    };
    match jobs.commit(&before, &after, now).await {
        Ok(Stored { record, .. }) => Ok(record
            .grant(jobs.rules().lease_length)
            .map_or(Try::Lost, |grant| Try::Granted(Box::new(grant)))),
        Err(StoreError::Conflict | StoreError::LimitReached) => Ok(Try::Lost),
        Err(StoreError::ClaimTaken) => Ok(Try::Answered),
        Err(StoreError::Drained) => Ok(Try::Drained),
        Err(error) => Err(error.into()),
    }
}
