//! A stored job: the command that reads it, and what its fields mean.

use domain::JobId;

use crate::job_record::{FORMAT, JobRecord};
use crate::store::keys::Keys;
use crate::store::{StoreError, Stored};

/// The two fields of a stored job.
pub(super) type Fields = (Option<u64>, Option<String>);

/// The record; none when it does not exist.
pub(super) fn read(id: JobId, fields: Fields) -> Result<Option<Stored>, StoreError> {
    let (Some(version), Some(text)) = fields else {
        return Ok(None);
    };
    let unreadable = |reason: String| StoreError::Unreadable {
        job: id.to_string(),
        reason,
    };
    let record: JobRecord =
        serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    if record.format != FORMAT {
        return Err(unreadable(format!("its format is {}", record.format)));
    }
    Ok(Some(Stored { record, version }))
}

/// Jobs of an index.
pub(super) fn parse_ids(ids: Vec<String>) -> Vec<JobId> {
    // Index members are written by this service alone; anything else is not a job.
    ids.iter().filter_map(|id| id.parse().ok()).collect()
}

/// The command that reads a job's fields.
pub(super) fn read_command(keys: &Keys, id: JobId) -> redis::Cmd {
    let mut command = redis::cmd("HMGET");
    command.arg(keys.job(id)).arg("v").arg("r");
    command
}
