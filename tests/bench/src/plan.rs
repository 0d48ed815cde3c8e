//! What a run measures, from what was asked for. Pure.

use clap::ValueEnum;

use crate::ways::Way;

/// One mebibyte.
pub(crate) const MIB: u64 = 1024 * 1024;

/// Pairs of the row that the first target is about, and of every other one.
const MOST_PAIRS: usize = 7;
const PAIRS: usize = 3;

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Row {
    /// A download to nowhere.
    Download,
    /// `curl GET | curl PUT`.
    Pipe,
    /// The openstack client's `image save` and `image create`.
    Client,
    /// Glance's `glance-download`.
    Import,
    /// A job of ours.
    Job,
}

/// Everything that a run measures.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) sheets: Vec<Wanted>,
}

/// One table of pairs: images of one size, so many at once, each way so many times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Bytes of the image.
    pub(crate) size: u64,
    /// How many images go the way at once.
    pub(crate) at_once: usize,
    pub(crate) demand: Vec<(Way, usize)>,
}

impl Row {
    fn way(self) -> Way {
        match self {
            Self::Download => Way::Download,
            Self::Pipe => Way::Pipe,
            Self::Client => Way::Client,
            Self::Import => Way::Import,
            Self::Job => Way::Job,
        }
    }
}

impl Plan {
    /// `sizes` in GiB; nothing asked for is everything.
    pub(crate) fn new(rows: &[Row], pairs: Option<usize>, sizes: &[u64], quick: bool) -> Self {
        let rows = if rows.is_empty() {
            Row::value_variants()
        } else {
            rows
        };
        let sizes: Vec<u64> = match sizes {
            _ if quick => vec![64 * MIB],
            [] => vec![1024 * MIB, 4096 * MIB],
            sizes => sizes.iter().map(|size| size * 1024 * MIB).collect(),
        };
        let largest = sizes.iter().copied().max();
        let count = |way, size| match pairs {
            Some(pairs) => pairs,
            None if quick => 1,
            None if way == Way::Job && Some(size) == largest => MOST_PAIRS,
            None => PAIRS,
        };
        let single = sizes.iter().map(|&size| Wanted {
            size,
            at_once: 1,
            demand: rows
                .iter()
                .map(|row| row.way())
                .map(|way| (way, count(way, size)))
                .collect(),
        });
        Self {
            sheets: single.collect(),
        }
    }
}
