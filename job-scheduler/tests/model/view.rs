//! What the properties and the model's steps look at in a record.

use domain::{ImageId, JobId, JobStatus, UnitKind};
use job_scheduler::job_record::JobRecord;
use uuid::Uuid;

use crate::glance::{ATTEMPTS, Image};

/// A set of a job's images: bit `n` is the image of attempt `n`.
pub(crate) type ImageSet = u8;

/// A record in small numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JobView {
    pub(crate) status: JobStatus,
    pub(crate) attempt: u32,
    /// Token, claim and kind.
    pub(crate) lease: Option<LeaseView>,
    pub(crate) last_finished: Option<u8>,
    pub(crate) image: Option<Image>,
    pub(crate) leftovers: ImageSet,
    pub(crate) waits: bool,
    pub(crate) has_deadline: bool,
    pub(crate) is_over: bool,
    pub(crate) copy_progress: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeaseView {
    pub(crate) token: u8,
    pub(crate) claim: u8,
    pub(crate) kind: UnitKind,
    pub(crate) lapsed: bool,
}

impl JobView {
    pub(crate) fn of(record: &JobRecord) -> Self {
        Self {
            status: record.status,
            attempt: record.attempt,
            lease: record.lease.as_ref().map(|lease| LeaseView {
                token: number_of(*lease.token.as_uuid()).expect("numbered"),
                claim: number_of(*lease.claim.as_uuid()).expect("numbered"),
                kind: lease.kind,
                lapsed: lease.lapsed,
            }),
            last_finished: record
                .last_finished
                .map(|token| number_of(*token.as_uuid()).expect("numbered")),
            image: record.image.map(|image| image_number(record.id, image)),
            leftovers: images_of(record.id, &record.leftovers),
            waits: record.waiting_until.is_some(),
            has_deadline: record.deadline.is_some(),
            is_over: record.is_over(),
            copy_progress: record.copy_progress,
        }
    }

    /// How far along the status is.
    pub(crate) const fn rank(&self) -> u8 {
        match self.status {
            JobStatus::ReplicateRequested => 0,
            JobStatus::Replicating => 1,
            JobStatus::CancelRequested => 2,
            JobStatus::Canceling => 3,
            JobStatus::Replicated | JobStatus::Canceled | JobStatus::Error => 4,
        }
    }
}

/// The number that an id stands for, unless it was drawn at random.
pub(crate) fn number_of(id: Uuid) -> Option<u8> {
    u8::try_from(id.as_u128()).ok()
}

pub(crate) fn image_number(job: JobId, image: ImageId) -> Image {
    let mut attempts = (1..).take(ATTEMPTS);
    attempts
        .find(|attempt| job.image_of_attempt(u32::from(*attempt)) == image)
        .expect("an attempt's image; the model has room for all attempts")
}

pub(crate) fn images_of(job: JobId, images: &[ImageId]) -> ImageSet {
    images
        .iter()
        .fold(0, |set, image| set | bit(image_number(job, *image)))
}

pub(crate) fn ids_of(job: JobId, images: ImageSet) -> Vec<ImageId> {
    let members = members(images);
    members
        .map(|image| job.image_of_attempt(u32::from(image)))
        .collect()
}

pub(crate) const fn bit(image: Image) -> ImageSet {
    1 << image
}

pub(crate) fn members(images: ImageSet) -> impl Iterator<Item = Image> {
    (1..8).filter(move |image| images & bit(*image) != 0)
}
