//! Copies that stand still in the middle for as long as a test likes, on a machine of any speed.
//!
//! The way from the services to the source's front lets the first bytes of each download pass, and no more. So a copy
//! of a larger image begins, fills a part of its image, and cannot end before it is let go. To catch a copy that is
//! free to go on is a race, which a fast machine wins.

use anyhow::ensure;
use serde_json::Value;
use testbed::{Behaviour, FaultProxy, Link, Region, TestBed};

use crate::Copies;

/// What passes of each download: far more than an answer about an image takes.
const PASSES: u64 = 8 << 20;

/// Holds every copy from `ot1` that begins from now on; ends with this value, also when a test fails.
#[must_use]
pub struct Hold<'a> {
    way: &'a FaultProxy,
}

// === impl Hold ===

impl<'a> Hold<'a> {
    /// The link that the test bed must have been built with.
    pub const LINK: Link = Link::Glance(Region::Ot1);

    /// The size of an image that can be held in the middle.
    pub const MEBIBYTES: u64 = 24;

    /// Holds copies that begin from now on.
    ///
    /// # Errors
    /// When the test bed has no such link.
    pub fn on(bed: &'a TestBed) -> anyhow::Result<Self> {
        let way = bed.link(Self::LINK)?;
        way.set(Behaviour::Hold { after: PASSES });
        Ok(Self { way })
    }

    /// Waits until a job's copy stands still in the middle: bytes have moved, and not all can.
    ///
    /// # Errors
    /// As [`Copies::until`], or the image is too small to be held.
    pub async fn until_held(&self, copies: &Copies<'_>, job: &str) -> anyhow::Result<Value> {
        let held = copies.until_copying(job).await?;
        ensure!(
            held["bytes_total"].as_u64() > Some(PASSES) && held["status"] == "replicating",
            "it got away: {held}"
        );
        Ok(held)
    }

    /// Lets all copies go on.
    pub fn release(self) {
        drop(self);
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.way.set(Behaviour::Pass);
    }
}
