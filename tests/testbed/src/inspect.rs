//! What is really there, past every API: files of the stores, messages in the broker, keys in Redis.

use std::path::{Path, PathBuf};

use anyhow::Context;
use lapin::options::{QueueDeclareOptions, QueuePurgeOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use redis::aio::MultiplexedConnection;

use crate::bed::TestBed;
use crate::own_disk;
use crate::parts::Part;
use crate::region::Region;
use crate::site::Site;

/// A file of a Glance's store or staging directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoreFile {
    /// Where it is; the file's name is the image's id.
    pub path: PathBuf,
    /// Its size in bytes, as of now.
    pub size: u64,
}

impl StoreFile {
    /// The id of the image that the file belongs to.
    #[must_use]
    pub fn image_id(&self) -> String {
        let name = self.path.file_stem().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
}

impl TestBed {
    /// Every file in the store and the staging directory of `region`'s Glance.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub fn store_files(&self, region: Region) -> anyhow::Result<Vec<StoreFile>> {
        let site = self.site();
        let mut files = files_of(&self.store(region)?)?;
        files.extend(files_of(&site.staging(region))?);
        files.sort();
        Ok(files)
    }

    /// Where this process finds the store of `region`'s Glance.
    ///
    /// # Errors
    /// When it is on a disk of Glance's own and Glance does not run.
    pub fn store(&self, region: Region) -> anyhow::Result<PathBuf> {
        let site = self.site();
        let store = site.store(region);
        if site.options.glance[&region].disk.is_none() {
            return Ok(store);
        }
        let pid = std::fs::read_to_string(site.pid_file(Part::Glance(region)))
            .context("the disk of a Glance that does not run")?;
        Ok(own_disk::as_seen_by(pid.trim().parse()?, &store))
    }

    /// Messages ready in `queue`, or `None` when there is no such queue.
    ///
    /// # Errors
    /// When the broker cannot be asked.
    pub async fn messages(&self, queue: &str) -> anyhow::Result<Option<u32>> {
        let connection = self.amqp().await?;
        let channel = connection.create_channel().await?;
        let passive = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        let depth = match channel
            .queue_declare(queue.into(), passive, FieldTable::default())
            .await
        {
            Ok(queue) => Some(queue.message_count()),
            // The broker closes the channel with reply code 404 (AMQP 0-9-1, section 1.7.2.1.5).
            Err(error)
                if error.to_string().contains("NOT-FOUND")
                    || error.to_string().contains("NOT_FOUND") =>
            {
                None
            }
            Err(error) => return Err(error.into()),
        };
        connection.close(200, "done".into()).await?;
        Ok(depth)
    }

    /// Removes every ready message of `queue`, as an operator might, and returns how many there were.
    ///
    /// # Errors
    /// When there is no such queue.
    pub async fn purge(&self, queue: &str) -> anyhow::Result<u32> {
        let connection = self.amqp().await?;
        let channel = connection.create_channel().await?;
        let count = channel
            .queue_purge(queue.into(), QueuePurgeOptions::default())
            .await?;
        connection.close(200, "done".into()).await?;
        Ok(count)
    }

    /// The broker's URL, with a login.
    #[must_use]
    pub fn rabbitmq_url(&self) -> String {
        self.site().rabbitmq_url()
    }

    /// The same for connections with TLS, which it takes if it has a certificate.
    #[must_use]
    pub fn rabbitmq_tls_url(&self) -> String {
        Site::rabbitmq_tls_at(self.site().ports.rabbitmq_tls())
    }

    /// A connection to the broker, for what else a test wants to do there.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn amqp(&self) -> anyhow::Result<Connection> {
        Ok(Connection::connect(&self.rabbitmq_url(), ConnectionProperties::default()).await?)
    }

    /// A connection to Redis.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn redis(&self) -> anyhow::Result<MultiplexedConnection> {
        self.redis_of(Part::Redis).await
    }

    /// A connection to Redis, one of its replicas or a Sentinel, by its part.
    ///
    /// # Errors
    /// When the part is none of these, or does not answer.
    pub async fn redis_of(&self, part: Part) -> anyhow::Result<MultiplexedConnection> {
        let ports = self.site().ports;
        let port = match part {
            Part::Redis => ports.redis(),
            Part::RedisReplica(number) => ports.redis_replica(number),
            Part::Sentinel(number) => ports.sentinel(number),
            other => anyhow::bail!("{other} does not speak Redis' protocol"),
        };
        let client = redis::Client::open(("127.0.0.1", port))?;
        Ok(client.get_multiplexed_async_connection().await?)
    }

    /// Every key in Redis that matches the glob `pattern`, sorted.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn redis_keys(&self, pattern: &str) -> anyhow::Result<Vec<String>> {
        let mut connection = self.redis().await?;
        let mut keys: Vec<String> = redis::cmd("KEYS")
            .arg(pattern)
            .query_async(&mut connection)
            .await?;
        keys.sort();
        Ok(keys)
    }
}

fn files_of(directory: &Path) -> anyhow::Result<Vec<StoreFile>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        // A file may be removed between the two looks; then it is not there.
        if let Ok(metadata) = entry.metadata()
            && metadata.is_file()
        {
            files.push(StoreFile {
                path: entry.path(),
                size: metadata.len(),
            });
        }
    }
    Ok(files)
}
