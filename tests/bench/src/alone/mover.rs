//! What moves the bytes in a process of its own: the copy engine, or a bare loop.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, bail, ensure};
use copy_engine::{CopyEngine, Ended, EngineSettings, Order, Progress, Signals, Ungated};
use domain::{
    CopySpec, Destination, IfIdentical, ImageDigest, JobId, RegionId, Source, TenantId, UserId,
};
use openstack::{Auth, Glance, HttpClient, HttpSettings};
use secrecy::SecretString;

/// The first argument of a process that is a mover.
pub(crate) const MOVER: &str = "mover";

/// The loop's buffer, as large as the engine's.
const BUFFER: usize = 1024 * 1024;

/// Which mover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Reads a socket into a buffer and writes the other, in one thread.
    Loop,
    /// A whole attempt of the copy engine, on a runtime as the worker's.
    Engine,
}

/// What a mover is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) kind: Kind,
    pub(crate) source: String,
    pub(crate) sink: String,
    pub(crate) image: String,
    pub(crate) size: u64,
}

impl Kind {
    /// As a row of a table is named.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Loop => "bare loop",
            Self::Engine => "copy engine",
        }
    }
}

impl Job {
    /// As the arguments of this program.
    pub(crate) fn arguments(&self) -> [String; 6] {
        let kind = match self.kind {
            Kind::Loop => "loop",
            Kind::Engine => "engine",
        };
        [
            MOVER.to_owned(),
            kind.to_owned(),
            self.source.clone(),
            self.sink.clone(),
            self.image.clone(),
            self.size.to_string(),
        ]
    }

    /// From the arguments after [`MOVER`].
    ///
    /// # Errors
    /// When they are none of a mover's.
    pub(crate) fn parse(arguments: &[&str]) -> anyhow::Result<Self> {
        let [kind, source, sink, image, size] = arguments else {
            bail!("a mover takes five arguments");
        };
        Ok(Self {
            kind: match *kind {
                "loop" => Kind::Loop,
                "engine" => Kind::Engine,
                other => bail!("there is no mover {other}"),
            },
            source: (*source).to_owned(),
            sink: (*sink).to_owned(),
            image: (*image).to_owned(),
            size: size.parse()?,
        })
    }

    /// Moves the bytes.
    ///
    /// # Errors
    /// When they can't be moved.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match self.kind {
            Kind::Loop => self.bare_loop(),
            Kind::Engine => tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()?
                .block_on(self.engine()),
        }
    }

    fn bare_loop(&self) -> anyhow::Result<()> {
        let open = |url: &str| TcpStream::connect(url.trim_start_matches("http://"));
        let (mut source, mut sink) = (open(&self.source)?, open(&self.sink)?);
        let path = format!("/v2/images/{}/file", self.image);
        write!(source, "GET {path} HTTP/1.1\r\nhost: source\r\n\r\n")?;
        let size = self.size;
        write!(
            sink,
            "PUT {path} HTTP/1.1\r\nhost: sink\r\ncontent-length: {size}\r\n\r\n"
        )?;
        let mut buffer = vec![0; BUFFER];
        let mut held = 0;
        let head = loop {
            let end = buffer[..held]
                .windows(4)
                .position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                break end + 4;
            }
            match source.read(&mut buffer[held..])? {
                0 => bail!("the source says nothing"),
                count => held += count,
            }
        };
        sink.write_all(&buffer[head..held])?;
        let mut left = size - (held - head) as u64;
        while left > 0 {
            let count = source.read(&mut buffer)?;
            ensure!(count > 0, "the source ends early");
            sink.write_all(&buffer[..count])?;
            left -= count as u64;
        }
        ensure!(sink.read(&mut buffer)? > 0, "the sink says nothing");
        Ok(())
    }

    async fn engine(&self) -> anyhow::Result<()> {
        openstack::install_crypto_provider();
        let http = HttpClient::new(HttpSettings::default())?;
        let glance = |url: &str| {
            let auth = Auth::Caller(SecretString::from("none"));
            anyhow::Ok(Glance::new(url.parse()?, auth, http.clone()))
        };
        let settings = EngineSettings::default();
        let engine = CopyEngine::new(glance(&self.source)?, glance(&self.sink)?, settings);
        let (progress, signals) = (Progress::new(), Signals::default());
        let order = self.order()?;
        match engine.copy(&order, &progress, &signals, &Ungated).await {
            Ended::Replicated { .. } => Ok(()),
            other => bail!("the engine ends with {other:?}"),
        }
    }

    fn order(&self) -> anyhow::Result<Order> {
        Ok(Order {
            job_id: JobId::generate(),
            spec: CopySpec {
                source: Source {
                    region: RegionId::new("source"),
                    tenant: TenantId::new("11111111111111111111111111111111"),
                    image: self.image.parse().context("an image's id")?,
                },
                source_image_name: "static".to_owned(),
                source_digest: ImageDigest {
                    size_bytes: self.size,
                    checksum: None,
                    os_hash_algo: Some("sha512".to_owned()),
                    os_hash_value: Some("ab".repeat(64)),
                },
                destination: Destination {
                    region: RegionId::new("sink"),
                    tenant: TenantId::new("22222222222222222222222222222222"),
                },
                if_identical: IfIdentical::Copy,
                requested_by: UserId::new("nobody"),
                traceparent: None,
                plan_id: None,
                retry_of: None,
            },
            attempt: 1,
            leftovers: Vec::new(),
        })
    }
}
