//! Ids as types, parsed once at the edge, so that a tenant can never stand where a region belongs.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is not the id it should be; names the kind of id, so that a caller can be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must be {expected}")]
pub struct InvalidId {
    kind: &'static str,
    expected: &'static str,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            /// Accepts every UUID notation of RFC 9562, in either case.
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| InvalidId { kind: $kind, expected: "a UUID" })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id!(
    /// A copy job. Made by the gateway before the job exists, so that a create can be repeated.
    JobId, "job_id"
);
uuid_id!(
    /// A Glance image, in whichever region the context says.
    ImageId, "image_id"
);
uuid_id!(
    /// Proof that an attempt is the current one. Every write of a worker carries it.
    LeaseToken, "lease_token"
);
uuid_id!(
    /// One request for work, made by the worker: repeating it returns the same grant.
    ClaimId, "claim_id"
);
uuid_id!(
    /// A recurring copy.
    PlanId, "plan_id"
);
uuid_id!(
    /// One action of a plan.
    ActionId, "action_id"
);
uuid_id!(
    /// One fire of a plan: of its id and the time that it was due, so that a fire repeated after a crash is the
    /// same one.
    FireId, "fire_id"
);

impl JobId {
    /// A new random id.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::new_v4())
    }

    /// The destination image of attempt `attempt` (counted from 1): UUIDv5 of job id and attempt.
    ///
    /// It is known before Glance hears of it, so nothing that a crash leaves behind is unknown; and
    /// an image whose own id is reproduced from its provenance was made by this service.
    #[must_use]
    pub fn image_of_attempt(&self, attempt: u32) -> ImageId {
        ImageId(Uuid::new_v5(
            &self.0,
            format!("attempt-{attempt}").as_bytes(),
        ))
    }
}

impl JobId {
    /// The job that makes this one's copy again. One job is made again once, so that a retry whose answer was lost
    /// can be asked for once more; what fails again is retried by its own id.
    #[must_use]
    pub fn retry(&self) -> Self {
        Self(Uuid::new_v5(&self.0, b"retry"))
    }
}

impl PlanId {
    /// A new random id.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::new_v4())
    }

    /// The fire that is due at `scheduled_for`.
    #[must_use]
    pub fn fire_at(&self, scheduled_for: Timestamp) -> FireId {
        let due = scheduled_for.as_millisecond().to_string();
        FireId(Uuid::new_v5(&self.0, due.as_bytes()))
    }
}

impl ActionId {
    /// A new random id.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::new_v4())
    }
}

impl FireId {
    /// The unit of work that finds the images of `action`; `retry` counts from 0.
    #[must_use]
    pub fn errand(&self, action: ActionId, retry: u32) -> JobId {
        JobId(Uuid::new_v5(
            &self.0,
            format!("resolve-{action}-{retry}").as_bytes(),
        ))
    }

    /// The copy of `image` for `action`: a fire repeated after a crash makes nothing twice. `retry` counts from 0.
    #[must_use]
    pub fn copy_job(&self, action: ActionId, image: ImageId, retry: u32) -> JobId {
        JobId(Uuid::new_v5(
            &self.0,
            format!("copy-{action}-{image}-{retry}").as_bytes(),
        ))
    }

    /// The unit of work with which the run of this fire removes `replica`.
    #[must_use]
    pub fn removal(&self, replica: ImageId) -> JobId {
        JobId(Uuid::new_v5(
            &self.0,
            format!("remove-{replica}").as_bytes(),
        ))
    }
}

impl LeaseToken {
    /// A new random token.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::new_v4())
    }
}

impl ClaimId {
    /// A new random id.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::new_v4())
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps a text that a trusted party (Keystone, the configuration) gave.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// A region of the cloud, as the catalog spells it.
    RegionId
);
text_id!(
    /// A Keystone user.
    UserId
);
text_id!(
    /// A worker process; only ever shown to people.
    WorkerId
);
text_id!(
    /// A Keystone project ("tenant" in this API), as Keystone writes it: 32 lower-case hex digits.
    TenantId
);

impl TenantId {
    /// Parses what a caller sent: a UUID with or without dashes, in either case.
    ///
    /// # Errors
    /// [`InvalidId`] when the text is no UUID.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        Uuid::try_parse(text)
            .map(|uuid| Self(uuid.simple().to_string()))
            .map_err(|_| InvalidId {
                kind: "tenant_id",
                expected: "a UUID or 32 hex digits",
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_are_equal_however_they_are_written() {
        let keystone = TenantId::new("91b5c7c09cbd45caa3c146fd67ae471e");
        for text in [
            "91b5c7c0-9cbd-45ca-a3c1-46fd67ae471e",
            "91B5C7C09CBD45CAA3C146FD67AE471E",
        ] {
            assert_eq!(TenantId::parse(text), Ok(keystone.clone()));
        }
        assert!(TenantId::parse("proj-ot2").is_err());
    }

    #[test]
    fn image_ids_are_reproducible_and_differ_by_attempt() {
        let job: JobId = "33911588-c299-4369-a240-7e5b741cdb6a"
            .parse()
            .expect("a UUID");
        assert_eq!(job.image_of_attempt(1), job.image_of_attempt(1));
        assert_ne!(job.image_of_attempt(1), job.image_of_attempt(2));
        assert_eq!(job.image_of_attempt(1).as_uuid().get_version_num(), 5);
    }

    #[test]
    fn an_invalid_id_names_its_kind() {
        let error = "nonsense".parse::<JobId>().expect_err("no UUID");
        assert_eq!(error.to_string(), "job_id must be a UUID");
    }
}
