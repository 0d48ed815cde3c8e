//! Measures one table: every way beside the raw upload, round by round.

use crate::pairs::{outlier, rounds};
use crate::plan::Wanted;
use crate::reading::Reading;
use crate::stage::{SourceImage, Stage};
use crate::ways::{Way, measured};

/// One measured table.
#[derive(Debug)]
pub(crate) struct Sheet {
    pub(crate) wanted: Wanted,
    /// Every measurement of the floor that was believed.
    pub(crate) floors: Vec<Reading>,
    pub(crate) pairs: Vec<Pair>,
    /// Rounds that were measured once more because of their floor.
    pub(crate) repeated: usize,
    /// Rounds whose floor is far from the others' all the same.
    pub(crate) doubtful: usize,
    /// What the worker has resident when it is idle, in bytes.
    pub(crate) idle: u64,
}

/// A measurement and the raw upload right before or after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) way: Way,
    pub(crate) reading: Reading,
    pub(crate) floor: Reading,
}

/// A round as it came out.
struct Measured {
    floor: Reading,
    around: Vec<(Way, Reading)>,
}

/// Measures what is wanted, with an image of its own.
///
/// # Errors
/// When a way fails.
pub(crate) async fn measure(stage: &Stage, wanted: &Wanted) -> anyhow::Result<Sheet> {
    let image = stage.make(wanted.size).await?;
    // Not counted: whatever is slower the first time is over with it.
    measured(stage, Way::Upload, &image, wanted.at_once).await?;

    let rounds = rounds(&wanted.demand);
    let mut found = Vec::new();
    for (number, &round) in rounds.iter().enumerate() {
        testbed::say(format_args!("round {} of {}", number + 1, rounds.len()));
        found.push(one(stage, wanted, &image, round).await?);
    }
    let mut repeated = 0;
    while repeated < rounds.len()
        && let Some(place) = outlier(&floors(&found))
    {
        testbed::say(format_args!("round {} once more", place + 1));
        found[place] = one(stage, wanted, &image, rounds[place]).await?;
        repeated += 1;
    }
    stage.remove(image).await?;
    Ok(Sheet {
        wanted: wanted.clone(),
        doubtful: usize::from(outlier(&floors(&found)).is_some()),
        floors: found.iter().map(|round| round.floor).collect(),
        pairs: found
            .iter()
            .flat_map(|round| {
                let floor = round.floor;
                round.around.iter().map(move |&(way, reading)| Pair {
                    way,
                    reading,
                    floor,
                })
            })
            .collect(),
        repeated,
        idle: stage.idle,
    })
}

async fn one(
    stage: &Stage,
    wanted: &Wanted,
    image: &SourceImage,
    round: crate::pairs::Round<Way>,
) -> anyhow::Result<Measured> {
    let mut around = Vec::new();
    if let Some(way) = round.before {
        around.push((way, measured(stage, way, image, wanted.at_once).await?));
    }
    let floor = measured(stage, Way::Upload, image, wanted.at_once).await?;
    if let Some(way) = round.after {
        around.push((way, measured(stage, way, image, wanted.at_once).await?));
    }
    Ok(Measured { floor, around })
}

fn floors(found: &[Measured]) -> Vec<f64> {
    found.iter().map(|round| round.floor.wall).collect()
}
