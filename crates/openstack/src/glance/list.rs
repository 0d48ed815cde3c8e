//! Lists of images, page by page.

use http::Method;
use serde::Deserialize;

use super::{Glance, Image, Visibility};
use crate::Error;
use crate::http_client::Call;

/// Which images to list; an empty filter lists all that the token's project sees by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageFilter {
    /// Exactly this name.
    pub name: Option<String>,
    /// This status, by Glance's name.
    pub status: Option<String>,
    /// This visibility.
    pub visibility: Option<Visibility>,
    /// All of these tags.
    pub tags: Vec<String>,
    /// Custom properties with exactly these values.
    pub properties: Vec<(String, String)>,
    /// Hidden images instead of the others.
    pub hidden: bool,
    /// Stop after this many; none: all.
    pub at_most: Option<usize>,
}

/// Glance's own upper limit of a page by default.
const PAGE: &str = "100";

#[derive(Deserialize)]
struct Page {
    images: Vec<Image>,
    next: Option<String>,
}

impl Glance {
    /// The images that match, newest first.
    ///
    /// # Errors
    /// Any failed call.
    pub async fn list(&self, filter: &ImageFilter) -> Result<Vec<Image>, Error> {
        let mut url = self.at(&["v2", "images"])?;
        filter.add_to(&mut url);
        let mut images = Vec::new();
        loop {
            let page: Page = self
                .json_call(|| Ok(Call::new(Method::GET, url.clone(), "listing images")))
                .await?
                .json("the list of images")?;
            images.extend(page.images);
            if let Some(at_most) = filter.at_most
                && images.len() >= at_most
            {
                images.truncate(at_most);
                return Ok(images);
            }
            // `next` is a path with a query: only its query is taken, for a front may have a prefix.
            let Some((_, query)) = page.next.as_deref().and_then(|next| next.split_once('?'))
            else {
                return Ok(images);
            };
            url.set_query(Some(query));
        }
    }
}

impl ImageFilter {
    fn add_to(&self, url: &mut url::Url) {
        let mut query = url.query_pairs_mut();
        query.append_pair("limit", PAGE);
        if let Some(name) = &self.name {
            // `in:` and `eq:` are operators of Glance's; an explicit one keeps a name a name.
            query.append_pair("name", &format!("eq:{name}"));
        }
        if let Some(status) = &self.status {
            query.append_pair("status", status);
        }
        if let Some(visibility) = &self.visibility {
            query.append_pair("visibility", visibility.as_str());
        }
        for tag in &self.tags {
            query.append_pair("tag", tag);
        }
        for (key, value) in &self.properties {
            query.append_pair(key, value);
        }
        if self.hidden {
            query.append_pair("os_hidden", "true");
        }
    }
}
