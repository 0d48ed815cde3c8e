//! Tests of the whole scheduler: both stores side by side, and the services over gRPC.

mod admin;
mod clock_jumps;
mod durability;
mod encrypted;
mod errands;
mod failover;
mod forgetful_store;
mod formats;
mod image_progress;
mod pair_count;
mod plan_api;
mod plan_bed;
mod plan_fires;
mod plan_stores_are_equal;
mod races;
mod redis_server;
mod replicas;
mod rig;
mod sample;
mod sentinel;
mod steps;
mod store_outage;
mod stores_are_equal;
mod tickets;
mod unreadable;
mod watching;
