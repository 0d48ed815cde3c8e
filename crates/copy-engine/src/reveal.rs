//! Makes a verified image what it shall be, with one PATCH: visible, shared as configured,
//! protected as its source. Before it, nobody is offered the image; after it, nothing is left to do.

use domain::ImageId;
use openstack::{Glance, Image, PatchOp, Visibility};

use crate::outcome::Step;
use crate::unit::{Halt, Unit};

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

/// Reveals the image; repeated, it changes nothing.
pub(crate) async fn reveal(
    unit: &Unit<'_>,
    image: ImageId,
    appearance: &Appearance,
) -> Result<(), Halt> {
    let changes = [
        PatchOp::replace("os_hidden", appearance.os_hidden),
        PatchOp::replace("visibility", appearance.visibility.as_str()),
        PatchOp::replace("protected", appearance.protected),
    ];
    match unit.writes().patch(image, &changes).await {
        Ok(_) => Ok(()),
        Err(error) => Err(unit.halt(Step::Reveal, &error)),
    }
}
