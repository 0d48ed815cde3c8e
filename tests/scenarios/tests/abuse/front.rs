//! A fake: a front of a real Glance that misbehaves on demand, because neither Glance nor uwsgi can be made to.
//!
//! Everything that no fault is planned for goes through as it is, to the real Glance and back. Faults are planned by
//! the *source's* image, also at the destination: the front learns from the create which image is a copy of which.
//! It works on bytes of TCP, so that it can also send what no HTTP library would.

mod fault;
mod pass;
mod request;

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use tokio::net::TcpListener;

pub(crate) use fault::{Fault, Page, When};
pub(crate) use request::Operation;

use request::Request;

/// A running front; lives as long as the process, for tests come and go on it.
#[derive(Clone)]
pub(crate) struct Front {
    address: SocketAddr,
    plans: Arc<Mutex<Plans>>,
}

#[derive(Default)]
struct Plans {
    /// The real Glance, `host:port`.
    glance: String,
    faults: Vec<When>,
    /// Images of the destination, with the image that each is a copy of.
    copies: HashMap<String, String>,
    /// Images about which nothing is held any more.
    released: HashSet<String>,
    /// Requests that met a fault, by the source's image.
    met: HashMap<String, usize>,
}

impl Front {
    /// A front on a free port that has no Glance behind it yet.
    pub(crate) fn open() -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let front = Self {
            address: listener.local_addr()?,
            plans: Arc::default(),
        };
        let plans = Arc::clone(&front.plans);
        std::thread::Builder::new()
            .name("front".to_owned())
            .spawn(move || {
                if let Err(error) = serve(listener, plans) {
                    let _ = writeln!(std::io::stderr(), "a front has ended: {error:#}");
                }
            })?;
        Ok(front)
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Puts it before `glance` (`http://host:port`).
    pub(crate) fn before(&self, glance: &str) {
        glance
            .trim_start_matches("http://")
            .clone_into(&mut self.lock().glance);
    }

    /// Plans a fault.
    pub(crate) fn plan(&self, fault: When) {
        self.lock().faults.push(fault);
    }

    /// Takes back everything that is planned for an image; what is held goes on.
    pub(crate) fn forgive(&self, image: &str) {
        self.release(image);
        self.lock().faults.retain(|when| when.image != image);
    }

    /// Lets the requests about an image go on that are held.
    pub(crate) fn release(&self, image: &str) {
        self.lock().released.insert(image.to_owned());
    }

    /// Requests about an image that met a fault.
    pub(crate) fn met(&self, image: &str) -> usize {
        self.lock().met.get(image).copied().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Plans> {
        lock(&self.plans)
    }
}

impl Plans {
    /// The fault that this request meets.
    fn of(&mut self, request: &Request) -> Option<Fault> {
        let image = self.source_of(request)?;
        let matching = |when: &&mut When| when.image == image && when.covers(request.operation);
        let found = self.faults.iter_mut().find(matching)?;
        let fault = found.take();
        *self.met.entry(image).or_default() += 1;
        Some(fault)
    }

    fn source_of(&mut self, request: &Request) -> Option<String> {
        if let Some((copy, source)) = request.created_copy() {
            self.copies.insert(copy, source);
        }
        let image = request.image()?;
        Some(self.copies.get(&image).cloned().unwrap_or(image))
    }
}

fn lock(plans: &Mutex<Plans>) -> MutexGuard<'_, Plans> {
    plans.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(listener: std::net::TcpListener, plans: Arc<Mutex<Plans>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime")?;
    runtime.block_on(async move {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (client, _) = listener.accept().await?;
            let plans = Arc::clone(&plans);
            tokio::spawn(async move {
                // A connection that breaks is the two ends' affair: both see it break.
                let _ = pass::serve(client, &plans).await;
            });
        }
    })
}
