//! A job's course over as many units as it takes, ordered as the scheduler orders it: by the scheduler's own
//! decisions, with the ids and leftovers that those grant. Only time and the worker around the engine are played here.

use copy_engine::{
    Ended, Progress, Signals, Ungated, Unremoved, clean_up, remove_orphan, remove_replica,
};
use domain::{
    ClaimId, CopySpec, Finish, FinishVerdict, Grant, JobStatus, LeaseToken, Outcome,
    ProgressReport, ReplicaFate, Unit, WorkerId,
};
use jiff::Timestamp;
use job_scheduler::job_record::JobRecord;
use job_scheduler::lifecycle::{self, Jitter, Rules};
use job_scheduler::task::Task;
use serde_json::{Map, Value};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

use crate::fake_glance::{FakeImage, Fault, Operation, State};
use crate::rig::Rig;

/// One disturbance needs two units or three; whoever needs so many never ends.
const MOST_UNITS: usize = 10;

/// A job, its two Glances and its caller.
pub(crate) struct Course {
    pub(crate) rig: Rig,
    pub(crate) record: JobRecord,
    /// Set once the caller has canceled.
    pub(crate) cancel: CancellationToken,
    /// Whether the caller cancels before the end of the next unit is heard of, if not earlier.
    pub(crate) is_to_be_canceled: bool,
    /// Whether a worker hears of a cancel before it reports its end.
    pub(crate) hears_cancel: bool,
    now: Timestamp,
    rules: Rules,
}

/// What ends a unit from outside.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ends {
    pub(crate) crash: CancellationToken,
    pub(crate) hand_back: CancellationToken,
}

/// What is known of a unit whose worker crashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Memory {
    /// Everything that it had done.
    Told,
    /// That it was granted.
    Untold,
    /// Nothing: the scheduler's store fell back to a state before the grant.
    Forgotten,
}

/// What is left of a job in the end, without what an attempt's number decides.
#[derive(Debug, PartialEq)]
pub(crate) struct EndState {
    pub(crate) status: JobStatus,
    pub(crate) images: Vec<(Map<String, Value>, Vec<u8>)>,
}

impl Course {
    pub(crate) fn new(rig: Rig, task: Task) -> Self {
        let length = |seconds| Duration::from_secs(seconds);
        let rules = Rules {
            lease_length: length(30),
            max_attempts: 100,
            max_lost_leases: 100,
            retry_first: length(1),
            retry_longest: length(1),
            queue_deadline: length(86_400),
            job_deadline: length(86_400),
            clean_up_grace: length(86_400),
            keep_finished: length(86_400),
        };
        let now = Timestamp::UNIX_EPOCH;
        Self {
            record: lifecycle::accept(rig.job, task, None, now, &rules),
            rig,
            cancel: CancellationToken::new(),
            is_to_be_canceled: false,
            hears_cancel: true,
            now,
            rules,
        }
    }

    /// Does one unit, whose worker crashes with its first request of this kind: after it has taken effect, or in
    /// its middle, or before. Waits until the destination has noticed.
    pub(crate) async fn crash(&mut self, fault: fn(CancellationToken) -> Fault, at: Operation) {
        let ends = Ends::default();
        self.rig.destination.plan(at, fault(ends.crash.clone()));
        let grant = self.unit(&ends, Memory::Told).await;
        assert!(grant.is_some() && ends.crash.is_cancelled());
        let is_open = |image: &&FakeImage| image.status() == "saving";
        let closed = |state: &State| !state.images.all().iter().any(is_open);
        self.rig.destination.until(closed).await;
    }

    /// The caller cancels.
    pub(crate) fn cancel(&mut self) {
        self.cancel.cancel();
        self.hear_cancel();
    }

    /// Does units until the job needs none any more.
    pub(crate) async fn go_on(&mut self) {
        for _ in 0..MOST_UNITS {
            let ends = Ends::default();
            if self.unit(&ends, Memory::Told).await.is_none() {
                return;
            }
        }
        panic!("it does not end: {:?}", self.record);
    }

    /// Does one unit, if there is one; what was granted.
    pub(crate) async fn unit(&mut self, ends: &Ends, memory: Memory) -> Option<Grant> {
        let before = self.record.clone();
        let grant = self.grant()?;
        let progress = Progress::new();
        let crashed = tokio::select! {
            biased;
            () = ends.crash.cancelled() => true,
            () = self.work(&grant, &progress, ends) => false,
        };
        if crashed {
            match memory {
                Memory::Told => self.report(&grant, &progress),
                Memory::Untold => {}
                Memory::Forgotten => self.record = before,
            }
            self.hear_cancel();
        }
        Some(grant)
    }

    /// Does the work of a grant once more, of which nobody hears.
    pub(crate) async fn do_again(&self, grant: &Grant) {
        let signals = self.signals(grant, &Ends::default());
        self.outcome(grant, &Progress::new(), &signals, &Ends::default())
            .await;
    }

    pub(crate) fn end_state(&self) -> EndState {
        let state = self.rig.destination.state();
        let images = state.images.all().into_iter();
        EndState {
            status: self.record.status,
            images: images.map(without_id).collect(),
        }
    }

    /// What the job needs next, as soon as it may be granted.
    fn grant(&mut self) -> Option<Grant> {
        let no_jitter = Jitter(0.0);
        if let Some(lease) = self.record.held_lease() {
            self.now = self.now.max(lease.expires_at);
            let lapsed = lifecycle::lapse(&self.record, self.now, no_jitter, &self.rules);
            self.record = lapsed.expect("it has run out");
        }
        if let Some(until) = self.record.waiting_until {
            self.now = self.now.max(until);
            self.record = lifecycle::promote(&self.record, self.now).expect("it is over");
        }
        self.record = lifecycle::grant(
            &self.record,
            LeaseToken::generate(),
            ClaimId::generate(),
            WorkerId::new("worker"),
            self.now,
            &self.rules,
        )
        .ok()?;
        self.record.grant(self.rules.lease_length)
    }

    /// From the grant to the end that is reported, and what the verdict asks for.
    async fn work(&mut self, grant: &Grant, progress: &Progress, ends: &Ends) {
        let signals = self.signals(grant, ends);
        let outcome = self.outcome(grant, progress, &signals, ends).await;
        self.hear_cancel();
        if self.finish(grant, progress, outcome) != FinishVerdict::Discard {
            return;
        }
        let mut all = grant.clone();
        all.leftovers.extend(grant.destination_image_id);
        let spec = grant.unit.copy().expect("said of copies only");
        let outcome = self.clean_up(&all, spec, progress, &signals).await;
        self.finish(grant, progress, outcome);
    }

    async fn outcome(
        &self,
        grant: &Grant,
        progress: &Progress,
        signals: &Signals,
        ends: &Ends,
    ) -> Outcome {
        match &grant.unit {
            Unit::Copy(spec) => {
                let (order, engine) = (self.rig.order_of(grant, spec), self.rig.engine());
                let ended = engine.copy(&order, progress, signals, &Ungated).await;
                outcome(ended)
            }
            Unit::CleanUp(spec) => self.clean_up(grant, spec, progress, signals).await,
            Unit::Remove(removal) => {
                let glance = self.rig.destination.client(&self.rig.http);
                removal_outcome(ends, remove_replica(&glance, removal, &Ungated)).await
            }
            Unit::RemoveOrphan(removal) => {
                let glance = self.rig.destination.client(&self.rig.http);
                let is_unknown = || async { Ok(true) };
                let removing = remove_orphan(&glance, removal, is_unknown, &Ungated);
                removal_outcome(ends, removing).await
            }
            Unit::Resolve(_) | Unit::FindOrphans(_) => panic!("no unit of the engine"),
        }
    }

    async fn clean_up(
        &self,
        grant: &Grant,
        spec: &CopySpec,
        progress: &Progress,
        signals: &Signals,
    ) -> Outcome {
        let glance = self.rig.destination.client(&self.rig.http);
        let (order, settings) = (self.rig.order_of(grant, spec), &self.rig.settings);
        let ended = clean_up(&glance, &order, settings, progress, signals, &Ungated).await;
        outcome(ended)
    }

    /// The signals as a worker sets them.
    fn signals(&self, grant: &Grant, ends: &Ends) -> Signals {
        let mut signals = Signals::default();
        if self.hears_cancel || grant.cancel_requested {
            signals.cancel = self.cancel.clone();
        }
        match &grant.unit {
            Unit::Copy(_) => signals.hand_back = ends.hand_back.clone(),
            _ => signals.stop = ends.hand_back.clone(),
        }
        signals
    }

    fn hear_cancel(&mut self) {
        if self.is_to_be_canceled {
            self.cancel.cancel();
        }
        if self.cancel.is_cancelled() {
            let canceled = lifecycle::cancel(&self.record, self.now, &self.rules);
            // Canceled before, or over.
            self.record = canceled.unwrap_or_else(|_| self.record.clone());
        }
    }

    fn report(&mut self, grant: &Grant, progress: &Progress) {
        let steps = progress.steps();
        let report = ProgressReport {
            job_id: grant.job_id,
            lease_token: grant.lease_token,
            stage: steps.stage,
            bytes_copied: progress.bytes_copied(),
            image: steps.image,
            settled: steps.settled.into_iter().collect(),
        };
        let (reported, _) = lifecycle::report(&self.record, &report, self.now, &self.rules);
        // None when the end was reported just before the crash.
        self.record = reported.unwrap_or_else(|| self.record.clone());
    }

    fn finish(&mut self, grant: &Grant, progress: &Progress, outcome: Outcome) -> FinishVerdict {
        let finish = Finish {
            job_id: grant.job_id,
            lease_token: grant.lease_token,
            outcome,
            settled: progress.steps().settled.into_iter().collect(),
            bytes_copied: progress.bytes_copied(),
        };
        let finished = lifecycle::finish(&self.record, &finish, self.now, Jitter(0.0), &self.rules);
        let (record, verdict) = finished.expect("legal");
        self.record = record.expect("the token is the current one");
        verdict
    }
}

async fn removal_outcome(
    ends: &Ends,
    removing: impl Future<Output = Result<ReplicaFate, Unremoved>>,
) -> Outcome {
    tokio::select! {
        biased;
        () = ends.hand_back.cancelled() => Outcome::HandedBack,
        removed = removing => match removed {
            Ok(fate) => Outcome::Removed(fate),
            Err(Unremoved::Failed(failure)) => outcome(Ended::Failed(failure)),
            Err(Unremoved::Withheld(_)) => Outcome::HandedBack,
        },
    }
}

fn outcome(ended: Ended) -> Outcome {
    match ended {
        Ended::Replicated { image } => Outcome::Replicated { image },
        Ended::Reused { image } => Outcome::Reused { image },
        Ended::Failed(failure) => Outcome::Failed {
            error: failure.error,
            transient: failure.transient,
        },
        Ended::Cleaned => Outcome::Cleaned,
        Ended::HandedBack | Ended::Stopped => Outcome::HandedBack,
    }
}

fn without_id(image: &FakeImage) -> (Map<String, Value>, Vec<u8>) {
    let mut attributes = image.attributes.clone();
    attributes.remove("id");
    (attributes, image.data.clone())
}
