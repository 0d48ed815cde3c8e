//! Where our services leave something: the texts that are searched.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context;
use redis::Value;
use redis::aio::MultiplexedConnection;

use crate::bed::TestBed;
use crate::parts::Part;

/// How many keys are read at once.
const CHUNK: usize = 500;

/// A place that can be searched, and all that there is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// A log's file name, `redis: ` and a key, or the path of a file below the test bed's directory.
    pub name: String,
    /// What is there; bytes that are no text are replaced.
    pub text: String,
}

impl TestBed {
    /// Everything that our services have said, stored and sent until now.
    ///
    /// # Errors
    /// When Redis does not answer or a file cannot be read.
    pub async fn places(&self) -> anyhow::Result<Vec<Place>> {
        let mut places = self.redis_values().await?;
        let directory = self.directory();
        for entry in std::fs::read_dir(&directory)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            // What was read of Redis is what is in it now, as it is; its files are what was ever written. Messages are gone when
            // they are heard, and stay in RabbitMQ's files for a while.
            if matches!(
                name.parse(),
                Ok(Part::Redis | Part::RedisReplica(_) | Part::Rabbitmq)
            ) {
                files(&directory.join(&name), &name, &mut places)?;
            }
        }
        let logs = directory.join("log");
        for entry in std::fs::read_dir(&logs)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let part = name.strip_suffix(".log").map(str::parse::<Part>);
            if part.is_some_and(|part| part.is_ok_and(Part::is_service)) {
                places.extend(file(&logs.join(&name), name)?);
            }
        }
        Ok(places)
    }

    async fn redis_values(&self) -> anyhow::Result<Vec<Place>> {
        let keys = self.redis_keys("*").await?;
        let mut redis = self.redis().await?;
        let mut places = Vec::new();
        for keys in keys.chunks(CHUNK) {
            let values = values(&mut redis, keys).await?;
            places.extend(keys.iter().zip(values).map(|(key, value)| Place {
                name: format!("redis: {key}"),
                text: format!("{key} {}", text_of(&value)),
            }));
        }
        Ok(places)
    }
}

/// What is in some keys, whatever their types.
async fn values(redis: &mut MultiplexedConnection, keys: &[String]) -> anyhow::Result<Vec<Value>> {
    let mut types = redis::pipe();
    for key in keys {
        types.cmd("TYPE").arg(key);
    }
    let types: Vec<String> = types.query_async(redis).await?;
    let mut read = redis::pipe();
    for (key, kind) in keys.iter().zip(types) {
        match kind.as_str() {
            // One that is gone by now reads like a text that is not there.
            "string" | "none" => read.cmd("GET").arg(key),
            "hash" => read.cmd("HGETALL").arg(key),
            "set" => read.cmd("SMEMBERS").arg(key),
            "list" => read.cmd("LRANGE").arg(key).arg(0).arg(-1),
            "zset" => read.cmd("ZRANGE").arg(key).arg(0).arg(-1),
            "stream" => read.cmd("XRANGE").arg(key).arg("-").arg("+"),
            other => anyhow::bail!("{key} is a {other}, which is not read"),
        };
    }
    Ok(read.query_async(redis).await?)
}

fn text_of(value: &Value) -> String {
    match value {
        Value::BulkString(bytes) => lossy(bytes),
        Value::Array(values) | Value::Set(values) => {
            values.iter().map(text_of).collect::<Vec<_>>().join(" ")
        }
        Value::Map(pairs) => {
            let pairs = pairs
                .iter()
                .map(|(key, value)| text_of(key) + " " + &text_of(value));
            pairs.collect::<Vec<_>>().join(" ")
        }
        other => format!("{other:?}"),
    }
}

/// Every file below a directory.
fn files(directory: &Path, name: &str, places: &mut Vec<Place>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            files(&entry.path(), &name, places)?;
        } else if entry.file_type()?.is_file() {
            places.extend(file(&entry.path(), name)?);
        }
    }
    Ok(())
}

/// A file, unless its server has removed it meanwhile.
fn file(path: &Path, name: String) -> anyhow::Result<Option<Place>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(Place {
            name,
            text: lossy(&bytes),
        })),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context(name),
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
