//! The engine between two fake Glances: every way in which a copy can be disturbed, and what is
//! left afterwards.

mod failures;
mod fake_glance;
mod head_start;
mod interruptions;
mod leftovers;
mod lost_answers;
mod orphans;
mod ranges;
mod replicas;
mod rig;
mod steps;
mod transfers;
