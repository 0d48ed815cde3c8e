//! What the scenarios share: callers of the image copy API and of plans who notice everything that they
//! are not promised.
//!
//! Pages of the documentation are read ([`page`]), typed into a shell ([`shell`]) and compared ([`sample`]) here, too.
//!
//! The scenarios themselves are the test binaries under `tests/`, each with a test bed of real servers.
//! Nothing here is built on the product's own client code: a test must see the wire as callers do.

mod admin_port;
mod answer;
mod collector;
mod copies;
mod event_stream;
mod held_copy;
pub mod page;
mod plans;
mod replicas;
pub mod sample;
pub mod shell;
mod stage;
mod turn;
mod wiretap;
mod witness;

pub use admin_port::AdminPort;
pub use answer::Answer;
pub use collector::{Collector, Span};
pub use copies::{Copies, JOBS, is_final};
pub use event_stream::{Event, EventStream};
pub use held_copy::Hold;
pub use plans::{Plans, strings};
pub use replicas::{Replicas, image_of_attempt};
pub use stage::{LEASE, PATIENCE, Stage, holdable_bed, quick_bed};
pub use turn::Turn;
pub use wiretap::Wiretap;
pub use witness::{Moment, STATUSES, Witness};
