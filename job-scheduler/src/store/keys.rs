//! Every key of the store, in one place.
//!
//! Names that come from outside (regions, tenants, idempotency keys) are escaped, so that no choice
//! of them can reach another key. Redis Cluster is not supported: keys carry no hash tags.
//!
//! | key | type | holds |
//! |---|---|---|
//! | `job:<id>` | hash | `v` version, `r` record |
//! | `sequence` | string | the counter behind all versions |
//! | `claims` | hash | claim → job, while the lease is in the record |
//! | `key:<source>:<tenant>:<key>` | hash | `job`, `until`: an idempotency key |
//! | `open:<source>:<tenant>` | set | jobs that are not final |
//! | `list:<scope>[:<status>]` | sorted set | jobs by time of creation |
//! | `pair:<source>:<region>:<status>` | sorted set | copy jobs that are not final, by time of creation |
//! | `changed:<scope>` | sorted set | jobs by version |
//! | `eligible:<region>:<lane>` | sorted set | units to grant, by time of creation |
//! | `tenants:<region>:<source>` | sorted set | tenants with such units and room, by virtual time |
//! | `lanes:<region>` | set | lanes with such units, with room or not |
//! | `virtual:<region>` | hash | tenant → virtual time; `~clock` → the region's |
//! | `running:tenant:<region>:<tenant>` | set | copies under a lease |
//! | `running:source:<source>` | set | the same |
//! | `running:destination:<region>` | set | the same |
//! | `running:pair:<source>:<region>` | set | the same |
//! | `tickets:<region>` | sorted set | lanes by the time of their next message |
//! | `ticket-steps:<region>` | hash | lane → distance to the ticket after that |
//! | `waiting`, `leases`, `deadlines`, `finished`, `plan-news` | sorted set | jobs by time |
//! | `leftovers:<region>` | set | jobs that need a clean-up |
//! | `drained` | hash | region → who drained it and when |
//! | `regions` | set | regions ever named by a job |
//! | `using:<region>` | set | jobs that are not over and name the region |
//! | `serving` | hash | `last`, `since`: schedulers' sign of life |
//! | `aside` | sorted set | jobs whose records could not be read, by the time of the next look |
//! | `plan:<id>` | hash | `v` version, `r` record |
//! | `plan-sequence` | string | the counter behind the versions of plans |
//! | `plans:<scope>` | sorted set | plans by time of creation |
//! | `plan-due` | sorted set | plans by the time of the next look at them |
//! | `holders:<image>` | set | plans that hold a replica as a recovery point, and `job:<id>` of jobs that reuse it |
//! | `identity` | string | made at the first start, so that a store that was wiped is known for it |
//! | `ping` | | deleted to see whether Redis takes writes; never exists |
//! | `barrier` | string | written only to see it reach a replica |

use std::fmt::Write as _;

use domain::{ImageId, JobId, JobStatus, PlanId, RegionId};

use super::lane::Lane;
use super::{Due, Place, Scope};
use crate::job_record::Owner;

/// The field of a region's own virtual time.
pub const CLOCK: &str = "~clock";

/// Names of keys under one prefix.
#[derive(Debug, Clone)]
pub struct Keys {
    prefix: String,
}

// === impl Keys ===

impl Keys {
    /// Keys under a prefix.
    #[must_use]
    pub fn new(prefix: impl Into<String>) -> Self {
        Self {
            prefix: prefix.into(),
        }
    }

    fn key(&self, parts: &[&str]) -> String {
        format!("{}:{}", self.prefix, parts.join(":"))
    }

    /// The prefix itself; scripts that follow lane names build keys from it.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn job(&self, id: JobId) -> String {
        self.key(&["job", &id.to_string()])
    }

    pub(super) fn sequence(&self) -> String {
        self.key(&["sequence"])
    }

    /// The channel on which commits are told.
    pub(super) fn channel(&self) -> String {
        self.key(&["changes"])
    }

    pub(super) fn claims(&self) -> String {
        self.key(&["claims"])
    }

    pub(super) fn idempotency(&self, owner: &Owner, key: &str) -> String {
        self.key(&["key", &owner_part(owner), &escape(key)])
    }

    pub(super) fn open(&self, owner: &Owner) -> String {
        self.key(&["open", &owner_part(owner)])
    }

    pub(super) fn list(&self, scope: &Scope, status: Option<JobStatus>) -> String {
        let scope = scope_part(scope);
        match status {
            Some(status) => self.key(&["list", &scope, status.as_str()]),
            None => self.key(&["list", &scope]),
        }
    }

    pub(super) fn pair(
        &self,
        source: &RegionId,
        destination: &RegionId,
        status: JobStatus,
    ) -> String {
        let (source, destination) = (escape(source.as_str()), escape(destination.as_str()));
        self.key(&["pair", &source, &destination, status.as_str()])
    }

    pub(super) fn changed(&self, scope: &Scope) -> String {
        self.key(&["changed", &scope_part(scope)])
    }

    pub(super) fn eligible(&self, region: &RegionId, lane: &Lane) -> String {
        self.key(&[
            "eligible",
            &escape(region.as_str()),
            &lane.source,
            &lane.tenant,
        ])
    }

    pub(super) fn tenants(&self, region: &RegionId, source: &str) -> String {
        self.key(&["tenants", &escape(region.as_str()), source])
    }

    pub(super) fn lanes(&self, region: &RegionId) -> String {
        self.key(&["lanes", &escape(region.as_str())])
    }

    pub(super) fn virtual_times(&self, region: &RegionId) -> String {
        self.key(&["virtual", &escape(region.as_str())])
    }

    pub(super) fn running_tenant(&self, region: &RegionId, tenant: &str) -> String {
        self.key(&["running", "tenant", &escape(region.as_str()), tenant])
    }

    pub(super) fn running_source(&self, source: &str) -> String {
        self.key(&["running", "source", source])
    }

    pub(super) fn running_destination(&self, region: &RegionId) -> String {
        self.key(&["running", "destination", &escape(region.as_str())])
    }

    pub(super) fn running_pair(&self, source: &str, region: &RegionId) -> String {
        self.key(&["running", "pair", source, &escape(region.as_str())])
    }

    pub(super) fn tickets(&self, region: &RegionId) -> String {
        self.key(&["tickets", &escape(region.as_str())])
    }

    pub(super) fn ticket_steps(&self, region: &RegionId) -> String {
        self.key(&["ticket-steps", &escape(region.as_str())])
    }

    pub(super) fn due(&self, what: Due) -> String {
        self.key(&[match what {
            Due::Waiting => "waiting",
            Due::Lease => "leases",
            Due::Deadline => "deadlines",
            Due::Finished => "finished",
            Due::PlanNews => "plan-news",
        }])
    }

    pub(super) fn aside(&self) -> String {
        self.key(&["aside"])
    }

    pub(super) fn place(&self, place: &Place) -> String {
        match place {
            Place::Due(what) => self.due(*what),
            Place::Lane(region, lane) => self.eligible(region, lane),
            Place::Aside => self.aside(),
        }
    }

    pub(super) fn ping(&self) -> String {
        self.key(&["ping"])
    }

    pub(super) fn leftovers(&self, region: &RegionId) -> String {
        self.key(&["leftovers", &escape(region.as_str())])
    }

    pub(super) fn drained(&self) -> String {
        self.key(&["drained"])
    }

    pub(super) fn regions(&self) -> String {
        self.key(&["regions"])
    }

    pub(super) fn using(&self, region: &RegionId) -> String {
        self.key(&["using", &escape(region.as_str())])
    }

    pub(super) fn plan(&self, id: PlanId) -> String {
        self.key(&["plan", &id.to_string()])
    }

    pub(super) fn plan_sequence(&self) -> String {
        self.key(&["plan-sequence"])
    }

    pub(super) fn plans(&self, scope: &Scope) -> String {
        self.key(&["plans", &scope_part(scope)])
    }

    pub(super) fn plan_due(&self) -> String {
        self.key(&["plan-due"])
    }

    pub(super) fn holders(&self, image: ImageId) -> String {
        self.key(&["holders", &image.to_string()])
    }

    pub(super) fn barrier(&self) -> String {
        self.key(&["barrier"])
    }

    pub(super) fn identity(&self) -> String {
        self.key(&["identity"])
    }

    pub(super) fn serving(&self) -> String {
        self.key(&["serving"])
    }
}

fn owner_part(owner: &Owner) -> String {
    format!(
        "{}:{}",
        escape(owner.region.as_str()),
        escape(owner.tenant.as_str())
    )
}

fn scope_part(scope: &Scope) -> String {
    match scope {
        Scope::Owner(owner) => owner_part(owner),
        Scope::All => "~all".to_owned(),
        Scope::Errands => "~errands".to_owned(),
    }
}

/// Writes everything but plain characters as `%xx`; `~` is kept for names of our own.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{byte:02x}");
        }
    }
    escaped
}

/// Reads an escaped name back; none when it is none.
#[must_use]
pub fn unescape(escaped: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        if *first == b'%' {
            let (digits, behind) = behind.split_at_checked(2)?;
            let digits = std::str::from_utf8(digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = behind;
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use domain::TenantId;

    use super::*;

    #[test]
    fn names_from_outside_reach_no_other_key() {
        assert_eq!(escape("ot1"), "ot1");
        assert_eq!(escape("a:b|c d~ü%"), "a%3ab%7cc%20d%7e%c3%bc%25");
        assert_eq!(
            unescape("a%3ab%7cc%20d%7e%c3%bc%25").as_deref(),
            Some("a:b|c d~ü%")
        );
        assert_eq!(unescape("%3"), None);
        let keys = Keys::new("p");
        let owner = |region: &str, tenant: &str| Owner {
            region: RegionId::new(region),
            tenant: TenantId::new(tenant),
        };
        assert_ne!(keys.open(&owner("a:b", "c")), keys.open(&owner("a", "b:c")));
        assert_ne!(
            keys.idempotency(&owner("a", "b"), "c:d"),
            keys.idempotency(&owner("a", "b:c"), "d")
        );
    }
}
