//! How many requests one gateway answers, and what each costs: real tokens, the real cache of them, real Keystone, and
//! a stub of Glance.

use std::fmt::Write;
use std::time::Duration;

use anyhow::Context;
use futures::future::try_join_all;
use reqwest::{Method, StatusCode};
use scenarios::JOBS;
use serde_json::{Value, json};
use testbed::{Cloud, Region};

use super::Wanted;
use super::glance_stub::IMAGE;
use super::ground::{Ground, Pids};
use super::load::{Load, Until, load, timed};
use crate::process::cpu_of_family;

/// Callers at once.
const CROWD: usize = 32;
/// Jobs on a page.
const PAGE: usize = 100;

/// What callers ask for.
#[derive(Debug, Clone, Copy)]
enum Request {
    Post,
    Show,
    List,
}

/// Processor seconds of those that have a part in an answer.
struct Cpu {
    gateway: Duration,
    schedulers: Duration,
    keystone: Duration,
}

/// Measures each request by one caller and by many, and gives the table.
///
/// # Errors
/// When a request is not answered as it should be.
pub(super) async fn measure(ground: &Ground, wanted: &Wanted) -> anyhow::Result<String> {
    // A token each: what is in the cache for one is not there for another.
    let callers = (0..CROWD).map(|_| ground.bed.cloud("alice", Region::Ot1));
    let callers = try_join_all(callers).await?;
    let tenant = ground.bed.project_id(Region::Ot2, "proj-ot2")?;
    // A page that is full, and whatever is slower the first time is over with it.
    let filled = load(CROWD, Until::begun(PAGE), async |caller| {
        ask(&callers[caller], Request::Post, &tenant, "").await
    });
    let filled = filled.await?.each;
    let job = filled.first().context("no job was made")?;
    let mut text = format!(
        "### One gateway: requests of callers with tokens of their own\n\n\
         | request | callers at once | requests | a second | p50 (ms) | p99 (ms) | gateway CPU-s per 1000 | schedulers CPU-s per 1000 | Keystone CPU-s per 1000 | a second of gateway CPU answers |\n|{}\n",
        "---|".repeat(10)
    );
    for request in [Request::Post, Request::Show, Request::List] {
        for at_once in [1, CROWD] {
            let before = Cpu::read(&ground.pids)?;
            let until = Until::passed(wanted.load);
            let load = load(at_once, until, async |caller| {
                let asked = ask(&callers[caller], request, &tenant, job);
                Ok(timed(asked).await?.1)
            });
            let load = load.await?;
            let spent = Cpu::read(&ground.pids)?.since(&before);
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", row(request, &load, &spent));
        }
    }
    text.push_str(
        "\nKeystone is asked every ten seconds where the destination project is and what roles a caller has there.\n",
    );
    Ok(text)
}

/// One request; gives the id of the job that it is about, or nothing for a page.
async fn ask(cloud: &Cloud, request: Request, tenant: &str, job: &str) -> anyhow::Result<String> {
    let (method, path, expected) = match request {
        Request::Post => (Method::POST, JOBS.to_owned(), StatusCode::ACCEPTED),
        Request::Show => (Method::GET, format!("{JOBS}/{job}"), StatusCode::OK),
        Request::List => (Method::GET, format!("{JOBS}?limit={PAGE}"), StatusCode::OK),
    };
    let mut asked = cloud.gateway(method, &path);
    if matches!(request, Request::Post) {
        asked = asked.json(&json!({"image_id": IMAGE, "tenant_id_dst": tenant}));
    }
    let answer = asked.send().await?;
    let (status, text) = (answer.status(), answer.text().await?);
    anyhow::ensure!(
        status == expected,
        "{request:?} is answered {status}: {text}"
    );
    let document: Value = serde_json::from_str(&text)?;
    Ok(document["job_id"].as_str().unwrap_or_default().to_owned())
}

fn row(request: Request, load: &Load<f64>, spent: &Cpu) -> String {
    let name = match request {
        Request::Post => "POST of a copy".to_owned(),
        Request::Show => "GET of a job".to_owned(),
        Request::List => format!("GET of a page of {PAGE} jobs"),
    };
    let a_thousand = |spent: Duration| spent.as_secs_f64() / load.count() * 1e3;
    let gateway = a_thousand(spent.gateway);
    format!(
        "| {name} | {} | {} | {:.0} | {} | {gateway:.2} | {:.2} | {:.2} | {:.0} |",
        load.callers,
        load.each.len(),
        load.a_second(),
        load.cells(|took| *took),
        a_thousand(spent.schedulers),
        a_thousand(spent.keystone),
        1e3 / gateway.max(f64::MIN_POSITIVE),
    )
}

// === impl Cpu ===

impl Cpu {
    fn read(pids: &Pids) -> anyhow::Result<Self> {
        let schedulers = pids.schedulers.iter().map(|&pid| cpu_of_family(pid));
        Ok(Self {
            gateway: cpu_of_family(pids.gateway)?,
            schedulers: schedulers.sum::<anyhow::Result<Duration>>()?,
            keystone: cpu_of_family(pids.keystone)?,
        })
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            gateway: self.gateway.saturating_sub(before.gateway),
            schedulers: self.schedulers.saturating_sub(before.schedulers),
            keystone: self.keystone.saturating_sub(before.keystone),
        }
    }
}
