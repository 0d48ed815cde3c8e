//! Watches one job's documents and notices what may never happen.

use std::cell::RefCell;

use anyhow::{Context, ensure};
use serde_json::Value;

/// The ten documented keys.
const DOCUMENTED: [&str; 10] = [
    "copy_progress",
    "destination_image_id",
    "destination_region_id",
    "destination_tenant_id",
    "job_id",
    "source_image_id",
    "source_image_name",
    "source_region_id",
    "source_tenant_id",
    "status",
];

/// Statuses in the order of a job's life; a job may skip some and never goes back.
pub const STATUSES: [&str; 7] = [
    "replicate_requested",
    "replicating",
    "cancel_requested",
    "canceling",
    "replicated",
    "canceled",
    "error",
];

/// The last of the statuses from which another may follow.
const LAST_OPEN: usize = 3;

/// Where a job stands by one of its documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    status: usize,
    progress: u64,
}

// === impl Moment ===

impl Moment {
    /// What a document says.
    ///
    /// # Errors
    /// A documented key is missing or null, the status is none, or the progress does not fit it.
    pub fn of(document: &Value) -> anyhow::Result<Self> {
        for key in DOCUMENTED {
            let value = document.get(key);
            let may_be_null = key == "destination_image_id";
            ensure!(
                value.is_some_and(|value| may_be_null || !value.is_null()),
                "{key} is missing or null: {document}"
            );
        }
        let status = STATUSES
            .iter()
            .position(|status| document["status"] == *status);
        let Some(status) = status else {
            anyhow::bail!("unknown status: {document}")
        };
        let progress = document["copy_progress"].as_u64();
        let Some(progress) = progress else {
            anyhow::bail!("progress is no number: {document}")
        };
        let replicated = document["status"] == "replicated";
        ensure!(
            if replicated {
                progress == 100
            } else {
                progress < 100
            },
            "progress does not fit: {document}"
        );
        Ok(Self { status, progress })
    }

    /// Whether a job that stood at `before` may stand here later on.
    ///
    /// # Errors
    /// The status or the progress went back, or a final status changed.
    pub fn may_follow(self, before: Self) -> anyhow::Result<()> {
        let forward = self.status == before.status
            || (self.status > before.status && before.status <= LAST_OPEN);
        ensure!(
            forward,
            "{} after {}",
            STATUSES[self.status],
            STATUSES[before.status]
        );
        ensure!(
            self.progress >= before.progress,
            "progress {} after {}",
            self.progress,
            before.progress
        );
        Ok(())
    }

    /// The status, as the document spells it.
    #[must_use]
    pub fn status(self) -> &'static str {
        STATUSES[self.status]
    }
}

/// Sees one document after another of the same job.
#[derive(Debug, Default)]
pub struct Witness {
    last: RefCell<Option<Moment>>,
}

// === impl Witness ===

impl Witness {
    /// Looks at the next document.
    ///
    /// # Errors
    /// As [`Moment::of`] and [`Moment::may_follow`].
    pub fn see(&self, document: &Value) -> anyhow::Result<()> {
        let moment = Moment::of(document)?;
        match self.last.replace(Some(moment)) {
            Some(before) => moment
                .may_follow(before)
                .with_context(|| document.to_string()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(status: &str, progress: u64) -> Value {
        let mut document: Value = DOCUMENTED.iter().map(|key| (*key, json!("x"))).collect();
        document["status"] = json!(status);
        document["copy_progress"] = json!(progress);
        document["destination_image_id"] = Value::Null;
        document
    }

    fn verdict(seen: &[(&str, u64)]) -> anyhow::Result<()> {
        let witness = Witness::default();
        seen.iter()
            .try_for_each(|(status, progress)| witness.see(&document(status, *progress)))
    }

    #[test]
    fn a_normal_life_passes() {
        verdict(&[
            ("replicate_requested", 0),
            ("replicating", 40),
            ("replicated", 100),
        ])
        .expect("forward");
        verdict(&[("replicating", 3), ("cancel_requested", 3), ("canceled", 3)]).expect("forward");
    }

    #[test]
    fn what_may_never_happen_is_noticed() {
        for seen in [
            &[("replicating", 1), ("replicate_requested", 1)][..],
            &[("replicating", 7), ("replicating", 6)],
            &[("replicated", 100), ("error", 99)],
            &[("canceling", 0), ("replicating", 0)],
            &[("replicated", 99)],
            &[("replicating", 100)],
            &[("cancelled", 0)],
        ] {
            assert!(verdict(seen).is_err(), "{seen:?}");
        }
        let mut unnamed = document("replicating", 0);
        unnamed["source_image_name"] = Value::Null;
        assert!(Witness::default().see(&unnamed).is_err());
    }
}
