//! The three APIs that meet in the gateway, told apart by the path alone: an answer has its API's
//! manners whoever gives it, a handler, the router, a limit, a timeout or a panic.

/// Which API a path belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    /// Image copy jobs.
    CopyJobs,
    /// Image details in the compute style, with its version documents.
    Images,
    /// Plans in the backup style.
    Plans,
    /// None of them.
    Other,
}

impl Api {
    /// The API of a request with this path.
    #[must_use]
    pub(crate) fn of(path: &str) -> Self {
        // A slash at the end makes no difference.
        let segments: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
        match *segments.as_slice() {
            ["v2", "extension", "image_replicator", ..] => Self::CopyJobs,
            ["v2", _, "jobs", ..] => Self::Plans,
            // The compute API's own: its clients probe `/v2/{project}`, and all of `/v2.1` is its.
            [] | ["v2.1", ..] | ["v2"] | ["v2", _] | ["v2", _, "images", ..] => Self::Images,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_decides() {
        let copy_jobs = [
            "/v2/extension/image_replicator/jobs",
            "/v2/extension/image_replicator",
            "/v2/extension/image_replicator/images",
        ];
        let images = [
            "/",
            "/v2",
            "/v2/",
            "/v2/p",
            "/v2/p/",
            "/v2/p/images",
            "/v2/p/images/",
            "/v2/p/images/i/metadata/k",
            "/v2/extension",
            "/v2.1",
            "/v2.1/",
            "/v2.1/p/images/detail",
            "/v2.1/p/servers",
        ];
        let plans = [
            "/v2/p/jobs",
            "/v2/p/jobs/",
            "/v2/p/jobs/j/event",
            "/v2/extension/jobs",
        ];
        let other = ["/openapi.json", "/v2/p/servers", "/v2/p/image", "/v3"];
        for (api, paths) in [
            (Api::CopyJobs, &copy_jobs[..]),
            (Api::Images, &images),
            (Api::Plans, &plans),
            (Api::Other, &other),
        ] {
            for path in paths {
                assert_eq!(Api::of(path), api, "{path}");
            }
        }
    }
}
