//! Makes one attempt at a copy: source Glance → destination Glance, verified.
//!
//! The worker calls it under a lease, a command line may call it alone: it knows no scheduler, no
//! queue and no configuration file. The steps, in order (`pipeline.rs`): settle what earlier
//! attempts left → create the image under the id that was reserved for it → stream → compare →
//! reveal with one PATCH. Each step may run twice.
//!
//! Invariants: an image is visible only when its bytes are verified; a short, long or empty stream
//! never becomes an `active` image; whatever fails or is canceled leaves nothing of its own behind but
//! a whole image to adopt, and tells what is still there (by not naming it settled); no write is started without the
//! [`WriteGate`]'s permission; nothing is deleted that the job's own ids do not name. The engine
//! resumes inside an attempt; whether there is another attempt is the scheduler's to say, from the
//! [`Failure`] of this one.
//!
//! A plan's replicas are looked after here, too: whether one still stands for its image (`identical.rs`), and how
//! one that rotation has done with goes (`remove_replica.rs`). So does, when an operator asks, an image whose job nobody
//! knows any more (`remove_orphan.rs`).

mod bandwidth;
mod control;
mod create;
mod identical;
mod outcome;
mod pipeline;
mod progress;
mod properties;
mod provenance;
mod remove;
mod remove_orphan;
mod remove_replica;
mod reuse;
mod reveal;
#[cfg(test)]
mod samples;
mod settings;
mod settle;
mod source;
mod transfer;
mod unit;
mod verify;

pub use bandwidth::{Bandwidth, BandwidthLimits, Copying};
pub use control::Signals;
pub use identical::stands_for;
pub use outcome::Failure;
pub use pipeline::{CopyEngine, clean_up};
pub use progress::{Progress, Steps};
pub use provenance::{
    REPLICATED_BY_JOB, REPLICATED_FROM_IMAGE, REPLICATED_FROM_REGION, REPLICATED_STATE,
    is_own_image, maker_of,
};
pub use remove_orphan::remove_orphan;
pub use remove_replica::{Unremoved, remove_replica};
pub use reuse::still_stands;
pub use settings::EngineSettings;
pub use transfer::{MinimumRate, ReadAheadMemory, StreamBounds};
pub use unit::{Ended, Order};

pub use openstack::{Ungated, Withheld, WriteGate};
