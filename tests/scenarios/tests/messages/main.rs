//! Messages, limits and process life on real servers: what wakes workers may be lost, doubled, forged or
//! late without harm, limits hold exactly, and every service ends in an orderly way.
//!
//! All tests share one test bed and take turns, because each of them stops, freezes or floods something.
//! Workers practically never ask by themselves here, so work that goes on was woken by a message.

mod a_thousand_jobs;
mod admin_pages;
mod crowd;
mod depth_watch;
mod drain;
mod exposition;
mod forged_messages;
mod full_workers;
mod held_call;
mod own_service;
mod refusals;
mod running_watch;
mod trace;
mod turn;

use std::time::Duration;

use testbed::{RabbitmqOptions, TestBed};
use tokio::sync::OnceCell;

/// Rates that no test meets by accident, no limit on copies, tickets that are due again at once.
const CONFIG: &str = "
[gateway]
requests_per_second = 100000
request_burst = 100000
[scheduler]
reconcile_every = '100ms'
ticket_first = '500ms'
ticket_longest = '1s'
[scheduler.limits]
copies_per_tenant = 2000
copies_per_source = 2000
copies_per_destination = 2000
[worker]
poll_shortest = '10m'
poll_longest = '20m'
drain = '30s'
";

/// The broker's patience with a delivery that nobody acknowledges; 30 minutes in real life.
const ACKNOWLEDGEMENT_TIMEOUT: Duration = Duration::from_secs(10);

static BED: OnceCell<TestBed> = OnceCell::const_new();

/// The test bed of this binary. Never dropped: it ends when the process does.
async fn bed() -> anyhow::Result<&'static TestBed> {
    let builder = TestBed::builder().config(CONFIG).rabbitmq(RabbitmqOptions {
        consumer_timeout: Some(ACKNOWLEDGEMENT_TIMEOUT),
        channel_tick_interval: Some(Duration::from_secs(1)),
        ..RabbitmqOptions::default()
    });
    BED.get_or_try_init(|| builder.start()).await
}
