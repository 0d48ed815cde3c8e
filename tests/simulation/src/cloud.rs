//! A cloud of two regions in memory, for the product's own OpenStack client: one Keystone, and a Glance each.
//!
//! It keeps the rules of the real Glance that the copy engine relies on (they are tested with the real one,
//! in the scenarios): an id that was deleted is never used again, an upload that breaks off leaves its
//! image `queued`, one whose server dies leaves it `saving`, `protected` forbids a delete. What a
//! real one cannot be made to do at a chosen moment is what it is for: to be late, to die between the
//! last byte and the answer, to lose an answer after the deed.

mod api;
mod glance;
mod image;
mod pipe;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use domain::RegionId;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::Uri;
use hyper_util::rt::TokioIo;
use openstack::{
    Connector, Credentials, HttpClient, HttpSettings, Password, Region, RegionSettings,
    ServiceScope,
};

pub(crate) use self::glance::Glance;
use self::image::Multihash;
pub(crate) use self::image::Status;
use self::pipe::Pipe;
use crate::process::Process;
use crate::scenario::{HalfUploads, Hashes, Side};
use crate::weather::{Trouble, Weather};

/// The region that images are copied from.
pub(crate) const SOURCE: &str = "ot1";
/// The region that they are copied to.
pub(crate) const DESTINATION: &str = "ot2";

const KEYSTONE: &str = "keystone";
/// Bytes that are on their way in one direction at most.
const PIPE: usize = 16 * 1024;

/// The cloud; all clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Cloud {
    weather: Arc<Weather>,
    pub(crate) source: Glance,
    pub(crate) destination: Glance,
}

impl Cloud {
    pub(crate) fn new(weather: Arc<Weather>, half_uploads: HalfUploads, hashes: Hashes) -> Self {
        let (at_source, at_destination) = match hashes {
            Hashes::Same => (Multihash::Sha512, Multihash::Sha512),
            Hashes::NoneAtSource => (Multihash::None, Multihash::Sha512),
            Hashes::OtherAtDestination => (Multihash::Sha512, Multihash::Sha256),
        };
        let glance = |side, multihash| Glance::new(weather.clone(), side, half_uploads, multihash);
        Self {
            source: glance(Side::Source, at_source),
            destination: glance(Side::Destination, at_destination),
            weather,
        }
    }

    /// The product's clients of both regions, as `process` has them.
    pub(crate) fn clients(&self, process: &Process) -> openstack::Cloud {
        let cloud = self.clone();
        let process = process.clone();
        let connector = Connector::new(tower::service_fn(move |target: Uri| {
            cloud.clone().connect(process.clone(), target)
        }));
        let http = HttpSettings {
            connect_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_secs(8),
            commit_timeout: Duration::from_secs(15),
            ..HttpSettings::default()
        };
        let client = HttpClient::over(connector, http.clone());
        openstack::Cloud::new([SOURCE, DESTINATION].map(|id| {
            let address = |host: &str| format!("http://{host}").parse().expect("a URL");
            let settings = RegionSettings {
                id: RegionId::new(id),
                keystone_url: address(&format!("{KEYSTONE}/v3")),
                glance_interface: "internal".to_owned(),
                glance_url: Some(address(id)),
                credentials: Credentials {
                    username: "replicator".to_owned(),
                    user_domain_id: "default".to_owned(),
                    password: Password::Value("simulated".into()),
                },
                scope: ServiceScope::Project,
                http: http.clone(),
            };
            Region::over(client.clone(), settings)
        }))
    }

    fn connect(
        self,
        process: Process,
        target: Uri,
    ) -> BoxFuture<'static, io::Result<TokioIo<Pipe>>> {
        async move {
            process.pass().await;
            self.weather.chance.pause(20, 1..=40).await;
            let side = match target.host() {
                Some(SOURCE) => Some(Side::Source),
                Some(DESTINATION) => Some(Side::Destination),
                _ => None,
            };
            if side.is_some_and(|side| self.weather.is(Trouble::GlanceAway(side))) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (near, far) = tokio::io::duplex(PIPE);
            let glance = match side {
                Some(Side::Source) => Some(self.source),
                Some(Side::Destination) => Some(self.destination),
                None => None,
            };
            let cut = glance.as_ref().map(Glance::connection);
            let far = Pipe::new(far, None, cut.clone());
            tokio::spawn(api::serve(far, glance, process.clone(), self.weather));
            Ok(TokioIo::new(Pipe::new(near, Some(process), cut)))
        }
        .boxed()
    }
}
