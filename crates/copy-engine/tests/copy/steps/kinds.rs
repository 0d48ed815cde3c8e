//! The kinds of units that are disturbed, each after what came before it. Whatever an earlier attempt left, it has
//! left by crashing there.

use copy_engine::REPLICATED_BY_JOB;
use domain::{
    Destination, JobId, OrphanRemoval, PlanId, RecoveryPoint, RegionId, ReplicaRemoval, TenantId,
};
use jiff::Timestamp;
use job_scheduler::task::Task;
use openstack::{HttpClient, Visibility};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::course::Course;
use crate::fake_glance::{FakeImage, Fault, Operation};
use crate::rig::{Rig, TENANT, in_ranges};

/// What the destination does with the first request of a kind, and whom it tells: there the worker crashes.
type Crash = (fn(CancellationToken) -> Fault, Operation);

/// The kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A first copy.
    First,
    /// A copy with a leftover that is to be removed: the upload broke in its middle.
    HalfLeftover,
    /// A copy with a leftover that nobody has seen.
    UnseenLeftover,
    /// A copy with a whole leftover that was not revealed, and one that nobody has seen.
    UnrevealedLeftover,
    /// A copy with a leftover that its users have already.
    RevealedLeftover,
    /// A copy that the worker hashes, for its source has no multihash.
    Hashed,
    /// A copy that is read in two ranges at once.
    InRanges,
    /// A copy that is read back, for the destination's hash is another.
    ReadBack,
    /// A copy of a protected image that is to be seen by others.
    Protected,
    /// A copy that is canceled in the middle of its upload.
    CanceledMidway,
    /// A copy that was canceled and does not hear of it: it is discarded.
    Discarded,
    /// A clean-up of an image that users have, protected, and of one that nobody has seen.
    CleanUp,
    /// A clean-up of an image whose upload broke in its middle.
    HalfCleanUp,
    /// The removal of a replica that a plan keeps no longer.
    Removal,
    /// The removal of a protected image whose job nobody knows.
    OrphanRemoval,
}

impl Kind {
    pub(crate) const ALL: [Self; 14] = [
        Self::First,
        Self::HalfLeftover,
        Self::UnseenLeftover,
        Self::UnrevealedLeftover,
        Self::RevealedLeftover,
        Self::Hashed,
        Self::InRanges,
        Self::ReadBack,
        Self::Protected,
        Self::CanceledMidway,
        Self::Discarded,
        Self::CleanUp,
        Self::HalfCleanUp,
        Self::Removal,
    ];

    /// The job, about to be granted the unit of this kind.
    pub(crate) async fn course(self, http: &HttpClient) -> Course {
        let data = (0..4_000_u32).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]);
        let mut rig = Rig::over(http.clone(), data.collect()).await;
        rig.job = JobId::from_uuid(uuid::Uuid::from_u128(4));
        if self == Self::Removal {
            let removal = removal(&rig);
            return Course::new(rig, Task::Remove(removal));
        }
        if self == Self::OrphanRemoval {
            let removal = orphan_removal(&rig);
            return Course::new(rig, Task::RemoveOrphan(removal));
        }
        match self {
            Self::Hashed => rig.change_source(|image| {
                let image = image.with("os_hash_algo", Value::Null);
                image.with("os_hash_value", Value::Null)
            }),
            Self::InRanges => rig.settings.streams = in_ranges(2),
            Self::ReadBack => {
                rig.destination.state().images.hash_algorithm = Some("sha256");
            }
            Self::Protected => {
                rig.change_source(|image| image.with("protected", true));
                rig.settings.visibility = Visibility::Shared;
            }
            Self::RevealedLeftover | Self::CleanUp => {
                rig.change_source(|image| image.with("protected", true));
            }
            _ => {}
        }
        let task = Task::Copy(rig.spec.clone());
        let mut course = Course::new(rig, task);
        for (fault, at) in self.earlier() {
            course.crash(*fault, *at).await;
        }
        match self {
            Self::CanceledMidway => {
                let held = Fault::Hold(course.cancel.clone());
                course.rig.destination.plan(Operation::Upload, held);
                course.is_to_be_canceled = true;
            }
            Self::Discarded => {
                course.is_to_be_canceled = true;
                course.hears_cancel = false;
            }
            Self::CleanUp | Self::HalfCleanUp => course.cancel(),
            _ => {}
        }
        course
    }

    /// Where earlier attempts crashed.
    fn earlier(self) -> &'static [Crash] {
        match self {
            Self::HalfLeftover | Self::HalfCleanUp => &[(Fault::Hold, Operation::Upload)],
            Self::UnseenLeftover => &[(Fault::NeverDo, Operation::Show)],
            Self::UnrevealedLeftover => &[
                (Fault::NeverDo, Operation::Patch),
                (Fault::NeverDo, Operation::Show),
            ],
            Self::RevealedLeftover => &[(Fault::NeverAnswer, Operation::Patch)],
            Self::CleanUp => &[
                (Fault::NeverAnswer, Operation::Patch),
                (Fault::NeverDo, Operation::Show),
            ],
            _ => &[],
        }
    }

    /// Whether it is no copy's.
    pub(crate) fn is_removal(self) -> bool {
        matches!(self, Self::Removal | Self::OrphanRemoval)
    }

    /// Whether the job ends without an image.
    pub(crate) fn is_canceled(self) -> bool {
        matches!(
            self,
            Self::CanceledMidway | Self::Discarded | Self::CleanUp | Self::HalfCleanUp
        )
    }
}

/// A replica at the destination, one that stays, and one that is gone already.
fn removal(rig: &Rig) -> ReplicaRemoval {
    let replicas = [10, 11, 12].map(|number| JobId::from_uuid(uuid::Uuid::from_u128(number)));
    let [old, newer, newest] = replicas.map(|job| job.image_of_attempt(1));
    let replica = FakeImage::active(old, TENANT, b"old bytes");
    let digest = replica.digest();
    rig.destination.put(replica);
    rig.destination
        .put(FakeImage::active(newer, TENANT, b"new bytes"));
    ReplicaRemoval {
        plan_id: PlanId::generate(),
        replica: RecoveryPoint {
            job_id: replicas[0],
            image_id: old,
            source_image_id: rig.spec.source.image,
            digest,
            destination: Destination {
                region: RegionId::new("ot2"),
                tenant: TenantId::new(TENANT),
            },
            made_at: Timestamp::UNIX_EPOCH,
        },
        survivors: vec![newest, newer],
    }
}

/// An orphan at the destination, and an image that stays.
fn orphan_removal(rig: &Rig) -> OrphanRemoval {
    let [lost, known] = [10, 11].map(|number| JobId::from_uuid(uuid::Uuid::from_u128(number)));
    let image = lost.image_of_attempt(2);
    let orphan = FakeImage::active(image, TENANT, b"old bytes").with("protected", true);
    let orphan = orphan.with(REPLICATED_BY_JOB, lost.to_string());
    rig.destination.put(orphan);
    let replica = FakeImage::active(known.image_of_attempt(1), TENANT, b"new bytes");
    rig.destination.put(replica);
    OrphanRemoval {
        region: RegionId::new("ot2"),
        image,
        tenant: TenantId::new(TENANT),
        job: lost,
        made_before: Timestamp::MAX,
        even_if_whole: true,
        even_if_protected: true,
    }
}
