//! What is expensive to make is made once per machine and kept in the user's cache directory.
//!
//! An entry is a directory that counts only when its `complete` mark exists; the mark is written last, under
//! an exclusive file lock, so a killed or concurrent builder never leaves a half-made entry in use.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context;
use sha2::{Digest, Sha256};

use crate::narrator::say;

/// `$XDG_CACHE_HOME/image-replicator`, else `~/.cache/image-replicator`.
///
/// # Errors
/// When neither `XDG_CACHE_HOME` nor `HOME` is set.
pub(crate) fn root() -> anyhow::Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(
            std::env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?,
        )
        .join(".cache"),
    };
    Ok(base.join("image-replicator"))
}

/// Twelve hex digits that change when any of `parts` does.
pub(crate) fn fingerprint(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize()
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The directory of entry `name`, made by `build` unless a complete one exists.
///
/// # Errors
/// When the cache cannot be written or `build` fails; the next caller then begins afresh.
pub(crate) async fn entry<F>(
    name: &str,
    build: impl FnOnce(PathBuf) -> F,
) -> anyhow::Result<PathBuf>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let directory = root()?.join(name);
    if is_complete(&directory) {
        return Ok(directory);
    }
    let _lock = alone(name).await?;
    if !is_complete(&directory) {
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        fs::create_dir_all(&directory)?;
        build(directory.clone()).await?;
        fs::write(directory.join("complete"), "")?;
    }
    Ok(directory)
}

/// Waits until nobody else of this user does what `name` stands for, and keeps others from it until what is returned is dropped.
///
/// # Errors
/// When the cache cannot be written.
pub(crate) async fn alone(name: &str) -> anyhow::Result<File> {
    let root = root()?;
    fs::create_dir_all(&root).with_context(|| format!("cannot create {}", root.display()))?;
    lock(&root.join(format!("{name}.lock"))).await
}

fn is_complete(directory: &Path) -> bool {
    directory.join("complete").exists()
}

/// Waits for an exclusive lock on `path`, which the kernel releases however the holder ends.
async fn lock(path: &Path) -> anyhow::Result<File> {
    let file = File::create(path)?;
    if file.try_lock().is_err() {
        say(format_args!(
            "waiting for another test bed, which has locked {}",
            path.display()
        ));
        return Ok(tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await??);
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_depends_on_every_part_and_its_borders() {
        assert_eq!(fingerprint(&["a", "b"]), fingerprint(&["a", "b"]));
        assert_ne!(fingerprint(&["a", "b"]), fingerprint(&["ab"]));
        assert_ne!(fingerprint(&["a", "b"]), fingerprint(&["a", "c"]));
    }

    #[tokio::test]
    async fn who_comes_second_waits_until_the_first_is_done() {
        let name = format!("test-{}", std::process::id());
        let first = alone(&name).await.expect("the cache can be written");
        let mut second = std::pin::pin!(alone(&name));
        let early = tokio::time::timeout(std::time::Duration::from_millis(100), &mut second);
        assert!(early.await.is_err(), "both are at it");
        drop(first);
        second.await.expect("as before");
        let file = root().expect("as before").join(format!("{name}.lock"));
        fs::remove_file(file).expect("it is ours");
    }
}
