//! Server-Sent Events (HTML Living Standard, section 9.2), as far as the gateway sends them: each block's data.

use std::time::Duration;

use reqwest::Response;
use tokio::time::timeout;

use super::JobState;

/// Comments keep the stream alive; after so long without any it is lost.
const LONGEST_SILENCE: Duration = Duration::from_secs(90);
/// A job's document is far shorter.
const LONGEST_EVENT: usize = 1 << 20;

/// An open stream.
pub(crate) struct Events {
    answer: Response,
    buffer: Vec<u8>,
}

impl Events {
    pub(super) fn of(answer: Response) -> Self {
        Self {
            answer,
            buffer: Vec::new(),
        }
    }

    /// The next document; none when the stream has ended, was lost, or does not make sense any more.
    pub(crate) async fn next(&mut self) -> Option<JobState> {
        loop {
            while let Some(block) = take_block(&mut self.buffer) {
                if let Some(state) = state_in(&block) {
                    return Some(state);
                }
            }
            let chunk = timeout(LONGEST_SILENCE, self.answer.chunk()).await;
            let chunk = chunk.ok()?.ok()??;
            self.buffer.extend_from_slice(&chunk);
            if self.buffer.len() > LONGEST_EVENT {
                return None;
            }
        }
    }
}

fn take_block(buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = buffer.windows(2).position(|pair| pair == b"\n\n")?;
    let rest = buffer.split_off(end + 2);
    Some(std::mem::replace(buffer, rest))
}

fn state_in(block: &[u8]) -> Option<JobState> {
    let data: Vec<&str> = std::str::from_utf8(block)
        .ok()?
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .collect();
    serde_json::from_str(&data.join("\n")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_found_between_comments_and_other_events() {
        let job = r#"data: {"job_id":"j","source_image_name":"n","source_image_id":"i","status":"replicating","copy_progress":5}"#;
        let mut buffer =
            format!(": hello\n\nevent: token_expired\ndata: {{}}\n\n{job}\n\ndata: {{")
                .into_bytes();
        let mut states = Vec::new();
        while let Some(block) = take_block(&mut buffer) {
            states.extend(state_in(&block));
        }
        assert_eq!(states.len(), 1);
        assert_eq!(states[0].copy_progress, 5);
        assert_eq!(buffer, b"data: {");
    }
}
