//! Lists of images, a page a call.

use domain::ImageId;
use http::Method;
use serde::{Deserialize, Deserializer};
use url::form_urlencoded;

use super::{Glance, Image, ImageFilter, Ungated};
use crate::Error;
use crate::http_client::Call;

/// A piece of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImagePage {
    /// Newest first. May be fewer than asked for, or none, with more to follow: Glance has limits of its
    /// own and drops what its policy hides after it has counted.
    pub images: Vec<Image>,
    /// The marker of the next page; none after the last one.
    pub next: Option<ImageId>,
}

impl Glance {
    /// The images that match, newest first, `limit` at most, those behind the image `marker`.
    ///
    /// # Errors
    /// [`Error::BadRequest`] with status 400 when there is no image `marker` (any more), and any failed
    /// call.
    pub async fn list(
        &self,
        filter: &ImageFilter,
        limit: u32,
        marker: Option<ImageId>,
    ) -> Result<ImagePage, Error> {
        let mut url = self.at(&["v2", "images"])?;
        {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(filter.query());
            query.append_pair("limit", &limit.to_string());
            if let Some(marker) = marker {
                query.append_pair("marker", &marker.to_string());
            }
        }
        self.json_call(&Ungated, || {
            Ok(Call::new(Method::GET, url.clone(), "listing images"))
        })
        .await?
        .json("the list of images")
    }
}

#[derive(Deserialize)]
struct Wire {
    images: Vec<Image>,
    next: Option<String>,
}

impl<'de> Deserialize<'de> for ImagePage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wire { images, next } = Wire::deserialize(deserializer)?;
        let next = next.map(|link| marker_in(&link)).transpose();
        Ok(Self {
            images,
            next: next.map_err(serde::de::Error::custom)?,
        })
    }
}

/// The marker of a link: only that is taken of it, for its path lacks what a front may put before it.
fn marker_in(link: &str) -> Result<ImageId, &'static str> {
    let (_, query) = link.split_once('?').ok_or("a link without a query")?;
    form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == "marker")
        .ok_or("a link without a marker")?
        .1
        .parse()
        .map_err(|_| "a marker that is no image id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_told_by_its_marker() {
        let page = |next: &str| {
            serde_json::from_str::<ImagePage>(&format!(r#"{{"images": [], "next": {next}}}"#))
        };
        assert_eq!(page("null").expect("a page").next, None);
        let marker = "335eef3f-551d-46e1-8781-173f43209d48";
        let link = format!("\"/v2/images?limit=2&marker={marker}&name=a%26marker%3Db\"");
        let next = page(&link).expect("a page").next.expect("a next page");
        assert_eq!(next.to_string(), marker);
        for odd in ["\"/v2/images\"", "\"/v2/images?limit=2\"", "\"?marker=x\""] {
            assert!(page(odd).is_err(), "{odd}");
        }
    }
}
