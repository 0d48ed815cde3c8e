//! Makes a verified image what it shall be, with one PATCH: visible, shared as configured,
//! protected as its source. Before it, nobody is offered the image; after it, nothing is left to do.

use domain::ErrorCode;
use openstack::{Error, Glance, Image, PatchOp, Visibility};

use crate::Failure;
use crate::outcome::Step;
use crate::provenance::{REPLICATED_STATE, is_discarded, is_unverified};
use crate::unit::{Halt, Unit};

/// Tries before an image that keeps changing is left to the next attempt.
const ROUNDS: u32 = 3;

/// How an image is shown to users.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Appearance {
    pub(crate) os_hidden: bool,
    pub(crate) visibility: Visibility,
    pub(crate) protected: bool,
}

// === impl Appearance ===

impl Appearance {
    /// As the source's, but for the visibility, which is configured.
    pub(crate) fn like(source: &Image, visibility: Visibility) -> Self {
        Self {
            os_hidden: source.os_hidden,
            visibility,
            protected: source.protected,
        }
    }

    /// Of a leftover that is adopted. Its source may be gone since it was filled: then it is made
    /// an ordinary image, for its bytes are verified against what was asked for.
    pub(crate) async fn of_adopted(
        unit: &Unit<'_>,
        source: &Glance,
        visibility: Visibility,
    ) -> Result<Self, Halt> {
        use openstack::Error::{Forbidden, Gone, NotFound};
        let shown = unit
            .control
            .unless_interrupted(source.show(unit.spec().source.image))
            .await?;
        match shown {
            Ok(image) => Ok(Self::like(&image, visibility)),
            Err(NotFound(_) | Gone(_) | Forbidden(_)) => Ok(Self {
                os_hidden: false,
                visibility,
                protected: false,
            }),
            Err(error) => Err(unit.judge(Step::ReadSource, &error).into()),
        }
    }
}

/// Reveals the image, which is `found` so; repeated, it changes nothing. After all that was copied, a moment's outage is
/// waited for.
pub(crate) async fn reveal(
    unit: &Unit<'_>,
    mut found: Image,
    appearance: &Appearance,
) -> Result<(), Halt> {
    for _ in 0..ROUNDS {
        if is_discarded(&found) {
            break;
        }
        match unit.patiently(|| change(unit, &found, appearance)).await? {
            Change::Done => return Ok(()),
            Change::Refused => {}
        }
        found = match unit.patiently(|| unit.look(found.id, Step::Reveal)).await? {
            Some(found) => found,
            None => return Err(unit.judge(Step::Reveal, &Error::Gone(String::new())).into()),
        };
    }
    Err(Failure::transient(
        ErrorCode::DestinationUnavailable,
        format!(
            "image {} in region {} cannot be shown to its users: it is being removed, or keeps changing",
            found.id,
            unit.spec().destination.region
        ),
    )
    .into())
}

enum Change {
    Done,
    /// An earlier request got through although its answer was lost, or somebody has marked the image.
    Refused,
}

async fn change(unit: &Unit<'_>, found: &Image, appearance: &Appearance) -> Result<Change, Halt> {
    let mut changes = vec![
        PatchOp::replace("os_hidden", appearance.os_hidden),
        PatchOp::replace("visibility", appearance.visibility.as_str()),
        PatchOp::replace("protected", appearance.protected),
    ];
    if is_unverified(found) {
        changes.push(PatchOp::remove(REPLICATED_STATE));
    }
    match unit.writes().patch(found.id, &changes).await {
        Ok(_) => Ok(Change::Done),
        Err(Error::Conflict(_)) => Ok(Change::Refused),
        Err(error) => Err(unit.halt(Step::Reveal, &error)),
    }
}
