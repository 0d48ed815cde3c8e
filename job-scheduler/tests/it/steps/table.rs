//! The table of operations: what came before, and what is disturbed.

use proto::v1::PlanEvent;

use super::act::{Act, End, Verb};

/// One row: what came before, what is disturbed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) before: &'static [Act],
    pub(crate) act: Act,
}

impl Operation {
    /// Whether only Redis can keep what it needs: a text that cannot be read.
    pub(crate) fn needs_redis(&self) -> bool {
        let hides = |act: &Act| matches!(act, Act::HideJob(_) | Act::HidePlan);
        self.before.iter().any(hides)
    }
}

/// A day has passed, and the plan has fired.
macro_rules! fired {
    ($($more:expr),*) => { &[CreatePlan, Day, KeepPlans $(, $more)*] };
}

/// The plan has one replica, and has fired a second time: rotation is to remove the first.
macro_rules! rotated {
    ($($more:expr),*) => {
        fired![
            Claim(1), Finish(1, Done), KeepPlans, Claim(2), Finish(2, Done), KeepPlans, Day, KeepPlans,
            Claim(3), Finish(3, Done), KeepPlans, Claim(4), Finish(4, Done) $(, $more)*
        ]
    };
}

use Act::*;
use End::{CleanedOwn, CleanedPartly, Done, Failed, FailedForGood, HandedBack};

const fn row(name: &'static str, before: &'static [Act], act: Act) -> Operation {
    Operation { name, before, act }
}

/// Every operation, in the situations in which it does something else.
pub(crate) const OPERATIONS: &[Operation] = &[
    row("a copy is accepted", &[], Create(1)),
    row("a copy with a key is accepted", &[], CreateWithKey(1)),
    row(
        "a key names a job already",
        &[CreateWithKey(1)],
        CreateWithKey(2),
    ),
    row("a job is read", &[Create(1)], Get(1)),
    row("a job is read by its key", &[CreateWithKey(1)], GetByKey),
    row("jobs are listed", &[Create(1), Pass(1), Create(2)], List),
    row("a job that waits is canceled", &[Create(1)], Cancel(1)),
    row(
        "a running job is canceled",
        &[Create(1), Claim(1)],
        Cancel(1),
    ),
    row(
        "a failed job is canceled",
        &[Create(1), Claim(1), Finish(1, Failed)],
        Cancel(1),
    ),
    row(
        "a job that has ended is canceled",
        &[Create(1), Claim(1), Finish(1, Done)],
        Cancel(1),
    ),
    row("a job is watched", &[Create(1)], Watch(1)),
    row("jobs are watched", &[Create(1)], WatchAll),
    row(
        "an image asks for its progress",
        &[Create(1), Claim(1), Report(1)],
        ShowImageProgress(1),
    ),
    row(
        "an administrator looks at what is going on",
        &[Create(1), Create(2), Claim(1)],
        ShowWorkload,
    ),
    row("a first claim", &[Create(1), Create(2)], Claim(1)),
    row(
        "a claim with a hint",
        &[Create(1), Pass(1), Create(2)],
        ClaimHinted(1, 2),
    ),
    row("a claim without work", &[], Claim(1)),
    row(
        "a claim of a tenant's last slot",
        &[Create(1), Create(2), Create(3), Claim(1)],
        Claim(2),
    ),
    row(
        "a claim beyond the limit",
        &[Create(1), Create(2), Create(3), Claim(1), Claim(2)],
        Claim(3),
    ),
    row(
        "a claim takes over",
        &[Create(1), Claim(1), Serve(40)],
        Claim(2),
    ),
    row(
        "a clean-up is claimed",
        &[Create(1), Claim(1), Finish(1, FailedForGood)],
        Claim(2),
    ),
    row(
        "a cancel's clean-up is claimed",
        &[Create(1), Claim(1), Finish(1, Failed), Cancel(1)],
        Claim(2),
    ),
    row("an errand is claimed", fired![], Claim(1)),
    row(
        "a claim meets an unreadable job",
        &[Create(1), HideJob(1), Pass(1), Create(2)],
        Claim(1),
    ),
    row("a report", &[Create(1), Claim(1)], Report(1)),
    row(
        "a report settles a leftover",
        &[Create(1), Claim(1), Serve(40), Claim(2)],
        Report(2),
    ),
    row("a second report", &[Create(1), Claim(1)], ReportTwice(1)),
    row(
        "a report of a lapsed lease",
        &[Create(1), Claim(1), Serve(40)],
        Report(1),
    ),
    row(
        "a report of a lost lease",
        &[Create(1), Claim(1), Serve(40), Claim(2)],
        Report(1),
    ),
    row(
        "a report hears of a cancel",
        &[Create(1), Claim(1), Cancel(1)],
        Report(1),
    ),
    row(
        "a report of a cancel",
        &[Create(1), Claim(1), Cancel(1)],
        ReportCanceling(1),
    ),
    row("a copy ends", &[Create(1), Claim(1)], Finish(1, Done)),
    row(
        "a copy ends and frees a slot",
        &[Create(1), Create(2), Create(3), Claim(1), Claim(2)],
        Finish(1, Done),
    ),
    row("a copy fails", &[Create(1), Claim(1)], Finish(1, Failed)),
    row(
        "a copy fails for good",
        &[Create(1), Claim(1)],
        Finish(1, FailedForGood),
    ),
    row(
        "a copy is handed back",
        &[Create(1), Claim(1)],
        Finish(1, HandedBack),
    ),
    row(
        "a copy is discarded",
        &[Create(1), Claim(1), Cancel(1)],
        Finish(1, Done),
    ),
    row(
        "a canceled copy has cleaned",
        &[Create(1), Claim(1), Cancel(1)],
        Finish(1, CleanedOwn),
    ),
    row(
        "a copy ends with a lost lease",
        &[Create(1), Claim(1), Serve(40), Claim(2)],
        Finish(1, Done),
    ),
    row(
        "a clean-up ends",
        &[Create(1), Claim(1), Finish(1, FailedForGood), Claim(2)],
        Finish(2, Done),
    ),
    row(
        "a clean-up leaves something",
        &[Create(1), Claim(1), Finish(1, FailedForGood), Claim(2)],
        Finish(2, CleanedPartly),
    ),
    row("an errand ends", fired![Claim(1)], Finish(1, Done)),
    row("an errand fails", fired![Claim(1)], Finish(1, Failed)),
    row(
        "a lease runs out",
        &[Create(1), Claim(1), Serve(25), Pass(5)],
        Reconcile,
    ),
    row(
        "a clean-up's lease runs out",
        &[
            Create(1),
            Claim(1),
            Finish(1, FailedForGood),
            Claim(2),
            Serve(25),
            Pass(5),
        ],
        Reconcile,
    ),
    row(
        "a backoff is over",
        &[Create(1), Claim(1), Finish(1, Failed), Pass(60)],
        Reconcile,
    ),
    row(
        "a queue deadline has passed",
        &[Create(1), Pass(8 * 86_400)],
        Reconcile,
    ),
    row(
        "a job deadline has passed",
        &[Create(1), Claim(1), Pass(8 * 86_400)],
        Reconcile,
    ),
    row(
        "a cancel is not cleaned in time",
        &[Create(1), Claim(1), Cancel(1), Pass(86_401)],
        Reconcile,
    ),
    row(
        "an old job goes",
        &[
            Create(1),
            Claim(1),
            Finish(1, Done),
            Create(2),
            Cancel(2),
            Pass(31 * 86_400),
        ],
        Reconcile,
    ),
    row(
        "an unreadable job is set aside",
        &[Create(1), HideJob(1), Pass(8 * 86_400), Create(2)],
        Reconcile,
    ),
    row(
        "an unreadable job stays aside",
        &[Create(1), HideJob(1), Claim(1), Pass(60)],
        Reconcile,
    ),
    row(
        "a job can be read again",
        &[Create(1), HideJob(1), Claim(1), ShowHidden, Pass(60)],
        Reconcile,
    ),
    row(
        "lanes are put in their place",
        &[Create(1), Create(2), Create(3), Claim(1), Claim(2)],
        Reseat,
    ),
    row(
        "copies are counted",
        &[Create(1), Create(2), Claim(1)],
        CountPairs,
    ),
    row(
        "messages are due",
        &[Create(1), Pass(1), Create(2)],
        Dispatch,
    ),
    row(
        "messages for a clean-up are due",
        &[Create(1), Claim(1), Finish(1, FailedForGood)],
        Dispatch,
    ),
    row("a plan is accepted", &[], CreatePlan),
    row("a plan is read", &[CreatePlan], GetPlan),
    row("plans are listed", &[CreatePlan], ListPlans),
    row("a plan is edited", &[CreatePlan], UpdatePlan),
    row(
        "a plan is started",
        &[CreatePlan],
        SignalPlan(PlanEvent::Start),
    ),
    row(
        "a plan is stopped",
        &[CreatePlan],
        SignalPlan(PlanEvent::Stop),
    ),
    row(
        "a plan is aborted",
        fired![Claim(1), Finish(1, Done), KeepPlans],
        SignalPlan(PlanEvent::Abort),
    ),
    row("a plan is deleted", &[CreatePlan], DeletePlan),
    row(
        "a plan is deleted that wants a cancel",
        fired![
            Claim(1),
            Finish(1, Done),
            KeepPlans,
            SignalPlan(PlanEvent::Abort)
        ],
        DeletePlan,
    ),
    row(
        "a plan is deleted that removes a replica",
        rotated![KeepPlans],
        DeletePlan,
    ),
    row("a plan fires", &[CreatePlan, Day], KeepPlans),
    row(
        "what a fire found is copied",
        fired![Claim(1), Finish(1, Done)],
        KeepPlans,
    ),
    row(
        "a plan hears that its search failed",
        fired![Claim(1), Finish(1, FailedForGood)],
        KeepPlans,
    ),
    row(
        "a plan hears of a replica",
        fired![
            Claim(1),
            Finish(1, Done),
            KeepPlans,
            Claim(2),
            Finish(2, Done)
        ],
        KeepPlans,
    ),
    row(
        "a plan hears of a failed copy",
        fired![
            Claim(1),
            Finish(1, Done),
            KeepPlans,
            Claim(2),
            Finish(2, FailedForGood)
        ],
        KeepPlans,
    ),
    row("a plan rotates", rotated![], KeepPlans),
    row(
        "a plan hears that a replica is gone",
        rotated![KeepPlans, Claim(5), Finish(5, Done)],
        KeepPlans,
    ),
    row(
        "an abort is carried out",
        fired![
            Claim(1),
            Finish(1, Done),
            KeepPlans,
            SignalPlan(PlanEvent::Abort)
        ],
        KeepPlans,
    ),
    row(
        "a plan looks for what it waits for",
        fired![Pass(3_600)],
        KeepPlans,
    ),
    row(
        "news of a plan that is gone",
        fired![Claim(1), DeletePlan, Finish(1, Done)],
        KeepPlans,
    ),
    row(
        "an unreadable plan is put off",
        &[CreatePlan, HidePlan, Day],
        KeepPlans,
    ),
    row(
        "news of an unreadable plan are put off",
        fired![Claim(1), Finish(1, Done), HidePlan],
        KeepPlans,
    ),
    row(
        "an operator lists jobs",
        &[Create(1), Pass(1), Create(2)],
        Operate(Verb::List),
    ),
    row(
        "an operator reads a job",
        &[Create(1)],
        Operate(Verb::Show(1)),
    ),
    row(
        "an operator follows a job",
        &[Create(1), Cancel(1)],
        Operate(Verb::Follow(1)),
    ),
    row(
        "an operator cancels a job",
        &[Create(1)],
        Operate(Verb::Cancel(1)),
    ),
    row(
        "an operator has a job made again",
        &[Create(1), Cancel(1)],
        Operate(Verb::Retry(1)),
    ),
    row(
        "an operator lists leases",
        &[Create(1), Claim(1)],
        Operate(Verb::Leases),
    ),
    row(
        "an operator lists leftovers",
        &[Create(1), Claim(1), Finish(1, FailedForGood)],
        Operate(Verb::Leftovers),
    ),
    row(
        "an operator looks for orphans",
        &[],
        Operate(Verb::FindOrphans(9)),
    ),
    row(
        "a worker asks which images nobody knows",
        &[Operate(Verb::FindOrphans(9)), Claim(1)],
        ShowUnknownImages(1),
    ),
    row(
        "a search for orphans ends",
        &[Operate(Verb::FindOrphans(9)), Claim(1)],
        Finish(1, Done),
    ),
    row(
        "an operator has an orphan removed",
        &[Operate(Verb::FindOrphans(9)), Claim(1), Finish(1, Done)],
        Operate(Verb::RemoveOrphan(9, 10)),
    ),
    row(
        "an operator reads the limits",
        &[Create(1), Claim(1), Create(2)],
        Operate(Verb::Limits),
    ),
    row("a region is drained", &[Create(1)], Operate(Verb::Drain)),
    row(
        "a drained region is asked for work",
        &[Create(1), Operate(Verb::Drain)],
        Claim(1),
    ),
    row(
        "a region is undrained",
        &[Create(1), Operate(Verb::Drain)],
        Operate(Verb::Undrain),
    ),
];
