//! A private two-region cloud: real Keystone, real Glances, real RabbitMQ and Redis, nginx as each region's front,
//! and our services as their real binaries.
//!
//! Tests, demo, benchmarks and people share it. Everything listens on loopback ports of its own, keeps its state
//! in one directory and ends with its owner, so any number of test beds can run side by side.
//!
//! - [`TestBed::builder`] starts a private one; [`shared`] is one for a whole test binary.
//! - [`TestBed`] starts, stops, kills, freezes and scales parts.
//! - [`Cloud`] is a seeded user in a region: tokens and images, by plain HTTP.
//! - [`ForeignClient`] is a client that others wrote, run as a user of the test bed.
//! - [`Authority`] signs certificates for servers that are to be spoken to with TLS.
//! - [`OperatorTool`] is a program with which operators look at what they deploy.
//! - [`chromium`] is a browser, for the pages that people see.
//! - [`TestBed::link`] is a way between two parts, to be broken.
//! - [`TestBed::check_leftovers`] fails a test that leaves something behind, or a password or token where it may not be.

mod authority;
mod bed;
mod binaries;
mod browser;
mod builder;
mod cache;
mod cloud;
mod command;
mod down;
mod fault_proxy;
mod foreign_client;
mod glance_processes;
mod http;
mod identity;
mod inspect;
mod install;
mod leftovers;
mod links;
mod long_line;
mod narrator;
mod openrc;
mod operator_tool;
mod options;
mod own_disk;
mod parts;
mod ports;
mod random_bytes;
mod ready;
mod region;
mod relay;
mod secrets;
mod seed;
mod site;
mod state;
mod supervisor;
mod wait;
mod wall_clock;
mod wsgi;

pub use authority::{Authority, ServerCertificate};
pub use bed::{TestBed, shared};
pub use browser::{axe, chromium};
pub use builder::Builder;
pub use cloud::{Cloud, MadeImage, NewImage};
pub use down::down;
pub use fault_proxy::{Behaviour, FaultProxy, Traffic};
pub use foreign_client::ForeignClient;
pub use glance_processes::GlanceProcess;
pub use http::client as http_client;
pub use identity::{issue_scoped_token, issue_token};
pub use inspect::StoreFile;
pub use install::install_everything;
pub use leftovers::Leftover;
pub use links::Link;
pub use long_line::{Line, LongLine};
pub use narrator::{say, timed};
pub use openrc::openrc;
pub use operator_tool::OperatorTool;
pub use options::{FaultyLinks, GlanceOptions, Options, RabbitmqOptions};
pub use own_disk::may_have_own_disk;
pub use parts::{Part, Sharing};
pub use random_bytes::RandomBytes;
pub use region::Region;
pub use relay::{Target, relay};
pub use secrets::{Place, Secret, is_searched_for};
pub use seed::{Ids, PROJECTS, SERVICE_USER, SeededUser, USERS};
pub use supervisor::{Duty, serve};
pub use wait::eventually;
