//! The links of the compute API: to images, servers and next pages.

use domain::{ImageId, TenantId};

use crate::links::{BaseUrl, Link};

/// Makes the links of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Links {
    /// The gateway, without a slash at its end.
    pub base: BaseUrl,
    /// `v2` or `v2.1`, as in the request.
    pub version: &'static str,
    /// The project of the path.
    pub tenant: TenantId,
    /// The region's image service, without a slash at its end.
    pub glance: String,
}

// === impl Links ===

impl Links {
    /// The three links of an image, in their documented order.
    pub(super) fn of_image(&self, id: ImageId) -> Vec<Link> {
        let mut links = self.of("images", &id.to_string());
        let alternate = Link::new("alternate", format!("{}/images/{id}", self.glance));
        links.push(alternate.of_type("application/vnd.openstack.image"));
        links
    }

    /// The two links of a server.
    pub(super) fn of_server(&self, id: &str) -> Vec<Link> {
        self.of("servers", id)
    }

    /// The link to the next page of a list; `list` is what follows the project in its path.
    pub(super) fn next_page(&self, list: &str, query: &str) -> Vec<Link> {
        let Self {
            base,
            version,
            tenant,
            ..
        } = self;
        vec![Link::new(
            "next",
            format!("{base}/{version}/{tenant}/{list}?{query}"),
        )]
    }

    fn of(&self, collection: &str, id: &str) -> Vec<Link> {
        let Self {
            base,
            version,
            tenant,
            ..
        } = self;
        vec![
            Link::new(
                "self",
                format!("{base}/{version}/{tenant}/{collection}/{id}"),
            ),
            Link::new("bookmark", format!("{base}/{tenant}/{collection}/{id}")),
        ]
    }
}
