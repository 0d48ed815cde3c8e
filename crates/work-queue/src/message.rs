//! The message `imagereplicator.v1.CopyJob`, to bytes and back.
//!
//! What comes back from a queue may have been put there by anybody: it is parsed field by field, and
//! what does not fit is an [`InvalidMessage`], never a panic and never a guess.

use domain::{JobId, RegionId};
use prost::Message;
use proto::convert::{InvalidField, parse};
use proto::v1;

/// Work waits in a region; perhaps this job's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyJob {
    /// The job that made the message worth sending: a hint.
    pub job_id: JobId,
    /// The attempt that would be granted next when the message was published; for people.
    pub attempt_hint: u32,
    /// Where the image is; for people.
    pub source_region: RegionId,
    /// Where it is to go: names the queue.
    pub destination_region: RegionId,
    /// Bytes to copy; for people.
    pub size_bytes: u64,
}

/// Bytes that are no `CopyJob`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMessage {
    /// Not a protocol buffer of the expected shape.
    #[error("the message cannot be decoded")]
    Encoding(#[from] prost::DecodeError),
    /// Decoded, but a field makes no sense.
    #[error(transparent)]
    Field(#[from] InvalidField),
}

impl CopyJob {
    /// The AMQP `type` property.
    pub(crate) const TYPE: &str = "imagereplicator.v1.CopyJob";

    /// The bytes of the message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        v1::CopyJob {
            job_id: self.job_id.to_string(),
            attempt_hint: self.attempt_hint,
            source_region_id: self.source_region.to_string(),
            destination_region_id: self.destination_region.to_string(),
            size_bytes: self.size_bytes,
        }
        .encode_to_vec()
    }

    /// The message that these bytes are.
    ///
    /// # Errors
    /// [`InvalidMessage`] with the first thing that does not fit.
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidMessage> {
        let message = v1::CopyJob::decode(bytes)?;
        Ok(Self {
            job_id: parse("job_id", &message.job_id)?,
            attempt_hint: message.attempt_hint,
            source_region: region("source_region_id", message.source_region_id)?,
            destination_region: region("destination_region_id", message.destination_region_id)?,
            size_bytes: message.size_bytes,
        })
    }
}

fn region(field: &'static str, text: String) -> Result<RegionId, InvalidField> {
    if text.is_empty() {
        return Err(InvalidField::new(field, "is empty"));
    }
    Ok(RegionId::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> CopyJob {
        CopyJob {
            job_id: JobId::generate(),
            attempt_hint: 2,
            source_region: RegionId::new("ot1"),
            destination_region: RegionId::new("ot2"),
            size_bytes: 1 << 40,
        }
    }

    #[test]
    fn a_job_survives_the_journey() {
        let job = job();
        assert_eq!(CopyJob::decode(&job.encode()), Ok(job));
    }

    #[test]
    fn garbage_is_refused() {
        for garbage in [&b""[..], b"hello", &[0xff; 40], &[0x0a, 0x7f, 0x41]] {
            assert!(CopyJob::decode(garbage).is_err(), "{garbage:?}");
        }
    }

    #[test]
    fn a_truncated_or_forged_job_is_refused() {
        let bytes = job().encode();
        assert!(CopyJob::decode(&bytes[..bytes.len() / 2]).is_err());
        let forged = v1::CopyJob {
            job_id: "'; DROP TABLE jobs".to_owned(),
            source_region_id: "ot1".to_owned(),
            destination_region_id: "ot2".to_owned(),
            ..v1::CopyJob::default()
        };
        let error = CopyJob::decode(&forged.encode_to_vec()).expect_err("no UUID");
        assert!(error.to_string().starts_with("job_id: "), "{error}");
    }
}
