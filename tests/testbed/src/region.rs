//! The two regions of the test bed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A region of the test bed's cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// `ot1`: where the demo's image comes from.
    Ot1,
    /// `ot2`: where it goes.
    Ot2,
}

impl Region {
    /// Both regions.
    pub const ALL: [Self; 2] = [Self::Ot1, Self::Ot2];

    /// The region's id, as catalogs spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ot1 => "ot1",
            Self::Ot2 => "ot2",
        }
    }

    /// The project that is at home here.
    #[must_use]
    pub const fn home_project(self) -> &'static str {
        match self {
            Self::Ot1 => "proj-ot1",
            Self::Ot2 => "proj-ot2",
        }
    }

    /// 0 for `ot1`, 1 for `ot2`.
    pub(crate) const fn index(self) -> u16 {
        match self {
            Self::Ot1 => 0,
            Self::Ot2 => 1,
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Region {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        Self::ALL
            .into_iter()
            .find(|region| region.as_str() == text)
            .ok_or_else(|| anyhow::anyhow!("there is no region {text}: ot1 and ot2 exist"))
    }
}
