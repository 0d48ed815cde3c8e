//! Makes sure that an image at the destination holds the source's bytes.
//!
//! Both Glances hash what they are given, so equal multihashes prove the copy end to end and cost
//! nothing. Only where they cannot be compared does the worker hash: while it streams, when the
//! source has no multihash; by reading the destination back, when the destination turns out to use
//! another algorithm (nobody can know before its upload is done).

mod hash;
mod verdict;

use http_body_util::BodyExt;
use openstack::{Error, Image, ImageStatus};
use tokio::time::timeout;

pub(crate) use hash::{StreamHasher, StreamedHashes};
pub(crate) use verdict::{Verdict, compare, must_hash_stream};

use self::hash::Algorithm;
use self::verdict::same_hex;
use crate::outcome::Step;
use crate::unit::{Halt, Unit};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The source's bytes.
    Same,
    /// Others, or it cannot be told; says why.
    Differs(String),
}

/// Compares `image`, as the destination shows it, with what was to be copied.
pub(crate) async fn verify(
    unit: &Unit<'_>,
    image: &Image,
    streamed: Option<&StreamedHashes>,
) -> Result<Finding, Halt> {
    if image.status != ImageStatus::Active {
        return Ok(Finding::Differs(format!(
            "the copy's status is {}",
            image.status
        )));
    }
    let Some(copied) = image.digest() else {
        return Ok(Finding::Differs("the copy has no size".to_owned()));
    };
    match compare(&unit.spec().source_digest, &copied, streamed) {
        Verdict::Same => Ok(Finding::Same),
        Verdict::Differs(what) => Ok(Finding::Differs(what)),
        Verdict::Incomparable => Ok(Finding::Differs(
            "neither side knows a hash that could be compared".to_owned(),
        )),
        Verdict::ReadBack {
            algorithm,
            expected,
        } => {
            let reading = read_back(unit, image, algorithm);
            let found = unit
                .control
                .unless_interrupted(reading)
                .await?
                .map_err(|error| unit.judge(Step::ReadDestination, &error))?;
            Ok(if same_hex(&expected, &found) {
                Finding::Same
            } else {
                Finding::Differs(format!(
                    "read back, it has the hash {found} instead of {expected}"
                ))
            })
        }
    }
}

/// Whether `image` may hold the source's bytes, by what the destination says of it alone.
pub(crate) fn may_be_same(unit: &Unit<'_>, image: &Image) -> bool {
    image.status == ImageStatus::Active
        && image.digest().is_some_and(|found| {
            match compare(&unit.spec().source_digest, &found, None) {
                Verdict::Same | Verdict::ReadBack { .. } => true,
                Verdict::Differs(_) | Verdict::Incomparable => false,
            }
        })
}

async fn read_back(unit: &Unit<'_>, image: &Image, algorithm: Algorithm) -> Result<String, Error> {
    tracing::info!(job.id = %unit.order.job_id, image.id = %image.id, ?algorithm,
        "the copy is read back, because its hash cannot be compared with the source's");
    let mut body = unit.destination.download(image.id, None).await?.body;
    let mut hasher = algorithm.hasher();
    let patience = unit.settings.idle_timeout;
    while let Some(frame) = timeout(patience, body.frame())
        .await
        .map_err(|_| Error::Timeout("reading an image back"))?
    {
        if let Some(bytes) = frame?.data_ref() {
            hasher.update(bytes);
        }
    }
    Ok(hasher.finish())
}
