//! What can be done to a scheduler.

use proto::v1::PlanEvent;

/// What callers, workers, time and the scheduler's own tasks do. Jobs and claims are named by numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Create(u128),
    CreateWithKey(u128),
    Get(u128),
    GetByKey,
    List,
    Cancel(u128),
    Watch(u128),
    WatchAll,
    ShowImageProgress(u128),
    ShowWorkload,
    Claim(u128),
    ClaimHinted(u128, u128),
    Report(u128),
    ReportTwice(u128),
    ReportCanceling(u128),
    Finish(u128, End),
    CreatePlan,
    GetPlan,
    ListPlans,
    UpdatePlan,
    SignalPlan(PlanEvent),
    DeletePlan,
    /// What an operator does.
    Operate(Verb),
    /// A search for orphans asks of which images nobody knows.
    ShowUnknownImages(u128),
    /// A tick of the reconciler.
    Reconcile,
    /// What the reconciler does once a minute.
    Reseat,
    /// A count of the copies between regions.
    CountPairs,
    /// Ticks of the plan keeper, until nothing is left that needs no worker.
    KeepPlans,
    /// Rounds of a region's dispatcher.
    Dispatch,
    /// Time passes, and nobody is there.
    Pass(i64),
    /// Time passes, and schedulers are there.
    Serve(i64),
    /// A day passes.
    Day,
    /// A record becomes one that this version cannot read.
    HideJob(u128),
    HidePlan,
    /// All can be read again.
    ShowHidden,
}

/// What operators do. Errands are named by numbers, as jobs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    List,
    Show(u128),
    Follow(u128),
    Cancel(u128),
    Retry(u128),
    Leases,
    Leftovers,
    FindOrphans(u128),
    /// What a search has found, by an errand of its own.
    RemoveOrphan(u128, u128),
    Limits,
    Drain,
    Undrain,
}

/// How a unit ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// As it was granted.
    Done,
    Failed,
    FailedForGood,
    HandedBack,
    /// A clean-up that could remove nothing.
    CleanedPartly,
    /// A copy that was canceled and has removed its image.
    CleanedOwn,
}

impl Act {
    /// The call of the contract that it makes; none for time and the scheduler's own tasks.
    pub(crate) fn rpc(self) -> Option<&'static str> {
        Some(match self {
            Self::Create(_) | Self::CreateWithKey(_) => "CreateJob",
            Self::Get(_) | Self::GetByKey => "GetJob",
            Self::List => "ListJobs",
            Self::Cancel(_) => "CancelJob",
            Self::Watch(_) | Self::WatchAll => "WatchJobs",
            Self::ShowImageProgress(_) => "ShowImageProgress",
            Self::ShowWorkload => "ShowWorkload",
            Self::Claim(_) | Self::ClaimHinted(..) => "Claim",
            Self::Report(_) | Self::ReportTwice(_) | Self::ReportCanceling(_) => "ReportProgress",
            Self::Finish(..) => "Finish",
            Self::CreatePlan => "CreatePlan",
            Self::GetPlan => "GetPlan",
            Self::ListPlans => "ListPlans",
            Self::UpdatePlan => "UpdatePlan",
            Self::SignalPlan(_) => "SignalPlan",
            Self::DeletePlan => "DeletePlan",
            Self::Operate(verb) => match verb {
                Verb::List => "ListJobs",
                Verb::Show(_) => "ShowJob",
                Verb::Follow(_) => "FollowJob",
                Verb::Cancel(_) => "CancelJob",
                Verb::Retry(_) => "RetryJob",
                Verb::Leases => "ListLeases",
                Verb::Leftovers => "ListLeftovers",
                Verb::FindOrphans(_) => "FindOrphans",
                Verb::RemoveOrphan(..) => "RemoveOrphan",
                Verb::Limits => "ShowLimits",
                Verb::Drain => "DrainRegion",
                Verb::Undrain => "UndrainRegion",
            },
            Self::ShowUnknownImages(_) => "ShowUnknownImages",
            Self::Reconcile
            | Self::Reseat
            | Self::CountPairs
            | Self::KeepPlans
            | Self::Dispatch
            | Self::Pass(_)
            | Self::Serve(_)
            | Self::Day
            | Self::HideJob(_)
            | Self::HidePlan
            | Self::ShowHidden => return None,
        })
    }

    /// Whether a repetition gets the same answer. The others are told that it is done already.
    pub(crate) fn is_answered_alike(self) -> bool {
        !matches!(
            self,
            Self::Cancel(_)
                | Self::UpdatePlan
                | Self::SignalPlan(_)
                | Self::Operate(Verb::Cancel(_) | Verb::Retry(_) | Verb::Drain | Verb::Undrain)
        )
    }

    /// Whether it may make calls beyond those that its answer needs: a stream is read ahead of who takes from it.
    pub(crate) fn reads_ahead(self) -> bool {
        self == Self::WatchAll
    }
}
