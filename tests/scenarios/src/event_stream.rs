//! Server-Sent Events, read line by line (HTML Living Standard, section 9.2).

use std::time::Duration;

use anyhow::{Context, ensure};
use futures::StreamExt;
use futures::stream::BoxStream;
use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::time::timeout;

/// How long the next event may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// `event:`; empty when not given.
    pub name: String,
    /// `id:`; empty when not given.
    pub id: String,
    /// `data:`, its lines joined.
    pub data: String,
}

/// An open stream of events.
pub struct EventStream {
    chunks: BoxStream<'static, reqwest::Result<Vec<u8>>>,
    buffer: Vec<u8>,
    comments: usize,
}

impl EventStream {
    /// Opens the stream that `request` asks for.
    ///
    /// # Errors
    /// When the answer is not 200 with `text/event-stream`.
    pub async fn open(request: RequestBuilder) -> anyhow::Result<Self> {
        let response = request.header("accept", "text/event-stream").send().await?;
        let media_type = response.headers().get("content-type").cloned();
        ensure!(
            response.status() == 200,
            "{}: {}",
            response.status(),
            response.text().await?
        );
        ensure!(
            media_type
                .as_ref()
                .is_some_and(|value| value == "text/event-stream"),
            "{media_type:?}"
        );
        let chunks = response
            .bytes_stream()
            .map(|chunk| chunk.map(|bytes| bytes.to_vec()))
            .boxed();
        Ok(Self {
            chunks,
            buffer: Vec::new(),
            comments: 0,
        })
    }

    /// The next event; none when the stream has ended.
    ///
    /// # Errors
    /// When the connection breaks or nothing comes for two minutes.
    pub async fn next(&mut self) -> anyhow::Result<Option<Event>> {
        loop {
            if let Some(block) = self.take_block() {
                match self.parse(&block)? {
                    Some(event) => return Ok(Some(event)),
                    None => continue,
                }
            }
            if !self.read_on().await? {
                return Ok(None);
            }
        }
    }

    /// The next event's data as JSON.
    ///
    /// # Errors
    /// As [`EventStream::next`], or when the stream has ended or the data is no JSON.
    pub async fn next_document(&mut self) -> anyhow::Result<Value> {
        let event = self.next().await?.context("the stream has ended")?;
        serde_json::from_str(&event.data).with_context(|| format!("no JSON: {event:?}"))
    }

    /// Waits for `count` more comment lines: what keeps the stream open through proxies.
    ///
    /// # Errors
    /// As [`EventStream::next`], or when the stream ends or an event comes first.
    pub async fn comments(&mut self, count: usize) -> anyhow::Result<()> {
        let enough = self.comments + count;
        while self.comments < enough {
            match self.take_block() {
                Some(block) => {
                    let event = self.parse(&block)?;
                    ensure!(event.is_none(), "an event, not a comment: {event:?}");
                }
                None => ensure!(self.read_on().await?, "the stream has ended"),
            }
        }
        Ok(())
    }

    /// Reads another piece; false when the stream has ended.
    async fn read_on(&mut self) -> anyhow::Result<bool> {
        let chunk = timeout(PATIENCE, self.chunks.next())
            .await
            .context("nothing came")?;
        let Some(chunk) = chunk else {
            return Ok(false);
        };
        self.buffer.extend(chunk?);
        Ok(true)
    }

    fn take_block(&mut self) -> Option<Vec<u8>> {
        let end = self.buffer.windows(2).position(|pair| pair == b"\n\n")?;
        let rest = self.buffer.split_off(end + 2);
        Some(std::mem::replace(&mut self.buffer, rest))
    }

    fn parse(&mut self, block: &[u8]) -> anyhow::Result<Option<Event>> {
        let mut event = Event::default();
        let mut has_data = false;
        for line in std::str::from_utf8(block)?.lines() {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "" if line.starts_with(':') => self.comments += 1,
                "event" => event.name = value.to_owned(),
                "id" => event.id = value.to_owned(),
                "data" if has_data => event.data = format!("{}\n{value}", event.data),
                "data" => {
                    has_data = true;
                    event.data = value.to_owned();
                }
                _ => {}
            }
        }
        Ok(has_data.then_some(event))
    }
}
