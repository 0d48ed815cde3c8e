//! Plans on real servers: copies that are made again and again, on a clock that the tests move.
//!
//! Two test beds, each with two schedulers and two workers a region. The tests take turns on them, for each has but one
//! clock of plans; each test ends without plans, and with nothing left behind. One more test bed has a Keystone for each
//! region.

mod cloud_split;
mod destinations;
mod fires;
mod intervals;
mod kills;
mod late;
mod names;
mod once;
mod rights;
mod rotation;
mod signals;
mod stage;
mod tags;
mod tenants;
