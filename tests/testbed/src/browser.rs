//! A browser for the tests of pages, and the checker of accessibility that runs in it.
//!
//! Nothing of the cloud needs them: each is installed when a test first asks for it.

use std::path::PathBuf;

use anyhow::Context;

use crate::install;

/// The package with Chromium, and one with letters for it to write with.
const PACKAGES: [&str; 2] = ["chromium", "fonts-liberation"];

/// Where Chromium is: Debian's, installed before if the machine has none.
///
/// # Errors
/// When it cannot be installed.
pub async fn chromium() -> anyhow::Result<PathBuf> {
    if let Some(path) = install::find("chromium") {
        return Ok(path);
    }
    install::install_packages(&PACKAGES).await?;
    install::find("chromium").context("the package chromium brought no chromium")
}

/// The script of axe-core, which finds what keeps people from using a page (<https://github.com/dequelabs/axe-core>).
///
/// # Errors
/// When it cannot be had, or is not what it was when it was pinned.
pub async fn axe() -> anyhow::Result<String> {
    let folder = install::axe().await?;
    Ok(std::fs::read_to_string(
        folder.join("axe_playwright_python/axe.min.js"),
    )?)
}
