//! The pages for people: the dashboard at `/dashboard` and the API document, readable, at `/docs`.
//!
//! Both are files of `assets/`, embedded in the binary as they were written; nothing is built or generated. Invariants: a
//! page loads from this gateway and from nowhere else, which its Content-Security-Policy holds the browser to; nobody needs a
//! token for one, for it holds nothing of anybody's; what people then see comes from the API, with their own token.

mod asset;

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use http::HeaderMap;

use crate::app::App;
use crate::fault::Fault;
use asset::{Asset, asset};

/// The page at `/dashboard`.
static DASHBOARD: Asset = asset!("dashboard.html");
/// The page at `/docs`.
static DOCS: Asset = asset!("docs.html");

/// What the two pages load, by the name under `/assets`.
static LOADED: [Asset; 20] = [
    asset!("api.js"),
    asset!("base.css"),
    asset!("copies.js"),
    asset!("copy-form.js"),
    asset!("dashboard.css"),
    asset!("dashboard.js"),
    asset!("details.js"),
    asset!("docs.css"),
    asset!("docs.js"),
    asset!("dom.js"),
    asset!("events.js"),
    asset!("format.js"),
    asset!("history.js"),
    asset!("icon.svg"),
    asset!("jobs.js"),
    asset!("operations.js"),
    asset!("plans.js"),
    asset!("schema.js"),
    asset!("session.js"),
    asset!("throughput.js"),
];

/// The routes of the pages. They are no part of the API document.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/dashboard",
            get(async |headers: HeaderMap| DASHBOARD.answer(&headers)),
        )
        .route(
            "/docs",
            get(async |headers: HeaderMap| DOCS.answer(&headers)),
        )
        .route("/assets/{name}", get(show_asset))
}

async fn show_asset(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Fault> {
    let found = LOADED.iter().find(|asset| asset.name == name);
    let asset =
        found.ok_or_else(|| Fault::NotFound("There is nothing at this path.".to_owned()))?;
    Ok(asset.answer(&headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_served_and_every_reference_leads_to_one() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/assets");
        let files = std::fs::read_dir(folder).expect("the assets");
        for file in files {
            let file = file.expect("readable").file_name();
            let mut served = LOADED.iter().chain([&DASHBOARD, &DOCS]);
            assert!(served.any(|asset| file == asset.name), "{file:?}");
        }
        for asset in LOADED.iter().chain([&DASHBOARD, &DOCS]) {
            for reference in references(asset.text) {
                let known = LOADED.iter().any(|asset| asset.name == reference);
                assert!(known, "{} refers to {reference}", asset.name);
            }
        }
    }

    /// Names under `/assets`, and of modules beside one.
    fn references(text: &str) -> Vec<&str> {
        ["\"/assets/", "from \"./"]
            .into_iter()
            .flat_map(|before| text.split(before).skip(1))
            .filter_map(|rest| rest.split('"').next())
            .collect()
    }
}
