//! What callers send to the gateway.

use api_gateway::foreign_bytes::{bodies, digest_of_copy, queries};
use serde_json::Value;

/// A body or query is understood, and in the same way when it comes again, or is refused in readable words.
pub(crate) fn request(bytes: &[u8]) {
    for (what, verdict) in bodies(bytes) {
        if let Err(refusal) = &verdict {
            crate::is_readable(refusal);
        }
        let again = bodies(bytes).into_iter().find(|(name, _)| *name == what);
        assert_eq!(again, Some((what, verdict)));
    }
    for (_, verdict) in queries(&String::from_utf8_lossy(bytes)) {
        if let Err(refusal) = verdict {
            crate::is_readable(&refusal);
        }
    }
    // The digest is of what is asked for, not of how it is written.
    if let Some(digest) = digest_of_copy(bytes) {
        let value: Value = serde_json::from_slice(bytes).expect("a copy request is JSON");
        let pretty = serde_json::to_vec_pretty(&value).expect("JSON");
        assert_eq!(digest_of_copy(&pretty), Some(digest));
    }
}
