//! What a run measures, from what was asked for. Pure.

use clap::ValueEnum;

use crate::ways::Way;
use crate::{alone, control_plane, dispatch, long_line};

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
    /// An upload and a download at once that have nothing to do with each other.
    Beside,
    /// `curl GET | curl PUT`.
    Pipe,
    /// The openstack client's `image save` and `image create`.
    Client,
    /// Glance's `glance-download`.
    Import,
    /// A job of ours.
    Job,
    /// 4 and 8 jobs at once, and what memory the worker has then.
    Crowd,
    /// The copy engine between a fast source and a sink that counts.
    Engine,
    /// From POST to the first byte, and many small images.
    Dispatch,
    /// A source at the end of a long line, and caps.
    Line,
    /// Gateway, schedulers and Redis without copies: all of the following.
    Control,
    /// Requests that one gateway answers.
    Gateway,
    /// Copies that one scheduler hands out and takes back.
    Cycles,
    /// Two hundred workers' reports through two schedulers.
    Fleet,
    /// How often a copy's progress is written.
    Coalescing,
    /// Stores that hold few and very many jobs.
    Sizes,
}

/// Everything that a run measures.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) sheets: Vec<Wanted>,
    pub(crate) engine: Option<alone::Wanted>,
    pub(crate) dispatch: Option<dispatch::Wanted>,
    pub(crate) line: Option<long_line::Wanted>,
    pub(crate) control: Option<control_plane::Wanted>,
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
    /// The way that it measures beside the raw upload, if it is one of those.
    fn way(self) -> Option<Way> {
        match self {
            Self::Download => Some(Way::Download),
            Self::Beside => Some(Way::Beside),
            Self::Pipe => Some(Way::Pipe),
            Self::Client => Some(Way::Client),
            Self::Import => Some(Way::Import),
            Self::Job => Some(Way::Job),
            Self::Crowd | Self::Engine | Self::Dispatch | Self::Line => None,
            Self::Control
            | Self::Gateway
            | Self::Cycles
            | Self::Fleet
            | Self::Coalescing
            | Self::Sizes => None,
        }
    }

    /// The row that measures a part of the control plane by itself.
    fn of(part: control_plane::Part) -> Self {
        match part {
            control_plane::Part::Gateway => Self::Gateway,
            control_plane::Part::Cycles => Self::Cycles,
            control_plane::Part::Fleet => Self::Fleet,
            control_plane::Part::Coalescing => Self::Coalescing,
            control_plane::Part::Sizes => Self::Sizes,
        }
    }
}

impl Plan {
    /// Whether anything of it goes from one Glance to another.
    pub(crate) fn needs_a_cloud(&self) -> bool {
        !self.sheets.is_empty() || self.dispatch.is_some()
    }

    /// `sizes` in GiB; nothing asked for is everything.
    pub(crate) fn new(rows: &[Row], pairs: Option<usize>, sizes: &[u64], quick: bool) -> Self {
        let asked = |row: Row| rows.is_empty() || rows.contains(&row);
        let sizes: Vec<u64> = match sizes {
            _ if quick => vec![64 * MIB],
            [] => vec![1024 * MIB, 4096 * MIB],
            sizes => sizes.iter().map(|size| size * 1024 * MIB).collect(),
        };
        let control = control_plane::Part::ALL
            .into_iter()
            .filter(|part| asked(Row::Control) || asked(Row::of(*part)));
        let control: Vec<_> = control.collect();
        let largest = sizes.iter().copied().max();
        let ordinary = pairs.unwrap_or(if quick { 1 } else { PAIRS });
        let ways = Row::value_variants().iter().filter(|row| asked(**row));
        let ways: Vec<Way> = ways.filter_map(|row| row.way()).collect();
        let mut sheets = Vec::new();
        if !ways.is_empty() {
            sheets.extend(sizes.iter().map(|&size| {
                Wanted {
                    size,
                    at_once: 1,
                    demand: ways
                        .iter()
                        .map(|&way| match way {
                            Way::Job if Some(size) == largest && pairs.is_none() && !quick => {
                                (way, MOST_PAIRS)
                            }
                            _ => (way, ordinary),
                        })
                        .collect(),
                }
            }));
        }
        if asked(Row::Crowd) {
            sheets.extend([4, 8].map(|at_once| Wanted {
                size: if quick { 64 * MIB } else { 1024 * MIB },
                at_once,
                demand: vec![(Way::Beside, ordinary), (Way::Job, ordinary)],
            }));
        }
        Self {
            sheets,
            control: (!control.is_empty()).then(|| control_plane::Wanted::new(control, quick)),
            engine: asked(Row::Engine).then_some(alone::Wanted {
                size: if quick { 256 * MIB } else { 4096 * MIB },
                runs: ordinary,
            }),
            line: asked(Row::Line).then_some(long_line::Wanted {
                large: if quick { 192 * MIB } else { 2048 * MIB },
                small: if quick { 16 * MIB } else { 256 * MIB },
                cap_seconds: if quick { 1 } else { 10 },
            }),
            dispatch: asked(Row::Dispatch).then_some(if quick {
                dispatch::Wanted {
                    copies: 5,
                    small: 16,
                    small_size: 4 * MIB,
                }
            } else {
                dispatch::Wanted {
                    copies: 60,
                    small: 256,
                    small_size: 4 * MIB,
                }
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_default_everything_is_measured_and_the_first_target_most_often() {
        let plan = Plan::new(&[], None, &[], false);
        assert!(plan.engine.is_some() && plan.dispatch.is_some() && plan.line.is_some());
        let control = plan.control.expect("the control plane too");
        assert_eq!(control.parts, control_plane::Part::ALL);
        let [small, large, four, eight] = &plan.sheets[..] else {
            panic!("{:?}", plan.sheets);
        };
        assert!(small.demand.iter().all(|(_, pairs)| *pairs == PAIRS));
        assert!(large.demand.contains(&(Way::Job, MOST_PAIRS)));
        assert!(large.demand.contains(&(Way::Client, PAIRS)));
        assert_eq!((four.at_once, eight.at_once), (4, 8));
    }

    #[test]
    fn only_what_is_asked_for_is_measured() {
        let plan = Plan::new(&[Row::Job], Some(2), &[2], false);
        let [sheet] = &plan.sheets[..] else {
            panic!("{:?}", plan.sheets);
        };
        assert_eq!(sheet.size, 2048 * MIB);
        assert_eq!(sheet.demand, [(Way::Job, 2)]);
        assert_eq!((plan.engine, plan.dispatch), (None, None));
        assert_eq!(plan.control, None);
        assert!(!Plan::new(&[Row::Engine], None, &[], true).needs_a_cloud());
        let parts = |rows: &[Row]| Plan::new(rows, None, &[], true).control.map(|it| it.parts);
        let fleet = Some(vec![control_plane::Part::Fleet]);
        assert_eq!(parts(&[Row::Fleet]), fleet);
        assert_eq!(
            parts(&[Row::Control, Row::Fleet]).map(|it| it.len()),
            Some(5)
        );
    }
}
