//! Where the files are.

use std::path::Path;

use anyhow::Context;

/// The top of the repository.
#[must_use]
pub fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package)
}

/// The text of a file, by its path from the top.
///
/// # Errors
/// When it can't be read; the error names it.
pub fn read(path: impl AsRef<Path>) -> anyhow::Result<String> {
    let path = root().join(path);
    std::fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))
}
