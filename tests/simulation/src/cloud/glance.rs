//! One Glance: its images, its connections, and how it dies.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use domain::{ImageId, TenantId};
use tokio_util::sync::CancellationToken;

use super::image::{Image, Images, Multihash, Status};
use crate::scenario::{HalfUploads, Side};
use crate::weather::Weather;
use crate::witness::Standing;

/// A Glance; all clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Glance {
    pub(super) side: Side,
    pub(super) half_uploads: HalfUploads,
    weather: Arc<Weather>,
    images: Arc<Mutex<Images>>,
    /// The present life of its workers: cancelled when they die, with all connections.
    life: Arc<Mutex<Life>>,
}

#[derive(Debug, Default, Clone)]
struct Life {
    /// Ends with the connections.
    connections: CancellationToken,
    /// Ends when it dies for real.
    workers: CancellationToken,
}

impl Glance {
    pub(super) fn new(
        weather: Arc<Weather>,
        side: Side,
        half_uploads: HalfUploads,
        multihash: Multihash,
    ) -> Self {
        Self {
            side,
            half_uploads,
            weather,
            images: Arc::new(Mutex::new(Images::new(multihash))),
            life: Arc::default(),
        }
    }

    /// Has an active image.
    pub(crate) fn put(&self, id: ImageId, owner: &str, data: Bytes) {
        self.images().put(&id.to_string(), owner, data);
    }

    /// An image has changed, or may have.
    pub(super) fn witness(&self, id: &str) {
        let id = id.parse::<ImageId>().ok();
        let Some(id) = id.filter(|_| self.side == Side::Destination) else {
            return;
        };
        let standing = self
            .images()
            .find(&id.to_string())
            .ok()
            .map(|image| Standing {
                is_active: image.has_status(Status::Active),
                is_hidden: image.is("os_hidden"),
                is_tombstone: image.text("disk_format").is_none(),
                owner: image.text("owner").map(TenantId::new),
                data: image.data.clone(),
            });
        self.weather.witness.changed(id, standing);
    }

    pub(crate) fn all(&self) -> BTreeMap<String, Image> {
        self.images().all()
    }

    /// Breaks all connections; what was under way ends as with a client that went away.
    pub(crate) fn disconnect(&self) {
        let mut life = self.life();
        life.connections.cancel();
        life.connections = CancellationToken::new();
    }

    /// Its workers die where they are, and others take their place.
    pub(crate) fn die(&self) {
        let before = std::mem::take(&mut *self.life());
        before.workers.cancel();
        before.connections.cancel();
    }

    /// Ends when the connections that are there now do.
    pub(super) fn connection(&self) -> CancellationToken {
        self.life().connections.clone()
    }

    /// Ends when the workers that are there now die.
    pub(super) fn workers(&self) -> CancellationToken {
        self.life().workers.clone()
    }

    pub(super) fn note(&self, what: impl std::fmt::Display) {
        let side = match self.side {
            Side::Source => "source",
            Side::Destination => "destination",
        };
        self.weather
            .journal
            .note(format_args!("{side} glance: {what}"));
    }

    pub(super) fn images(&self) -> MutexGuard<'_, Images> {
        self.images.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
