//! The life of a job as a model that is walked to its last state: the scheduler is the product itself, what lies outside of
//! it is modelled.
//!
//! Read in this order: what can happen ([`steps`], [`world`]), what must hold ([`properties`]), the product under the
//! model ([`scheduler`]), a worker ([`worker`]) and Glance ([`glance`]), and which worlds are walked ([`worlds`]). What is
//! done wrong on purpose ([`flaw`]) must be found ([`flaws`]).

mod calls;
mod explorer;
mod flaw;
mod flaws;
mod glance;
mod properties;
mod sample;
mod scheduler;
mod steps;
mod tidy;
mod view;
mod worker;
mod world;
mod worlds;
