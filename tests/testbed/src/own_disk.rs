//! A small disk for one part: a file system in memory over one of its directories, to be filled up.
//!
//! It is mounted in a mount namespace that only the part's processes are in. So it ends with them, however they end, and the machine
//! never has it mounted (see `mount_namespaces(7)`).

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::command::output_of;
use crate::supervisor::Launch;

/// Mounts a disk of `$0` bytes at `$1` and becomes the rest.
const MOUNT_AND_BECOME: &str = r#"mount -t tmpfs -o "size=$0" disk "$1" && shift && exec "$@""#;

/// Starts what `launch` starts with a disk of `size` bytes at `directory`, which exists.
pub(crate) fn behind(mut launch: Launch, directory: &Path, size: u64) -> Launch {
    let mut arguments = prelude(directory, size);
    arguments.push(launch.program.display().to_string());
    arguments.append(&mut launch.arguments);
    launch.program = PathBuf::from("unshare");
    launch.arguments = arguments;
    launch
}

/// A path as process `pid` sees it, for whoever may look into the process.
pub(crate) fn as_seen_by(pid: u32, path: &Path) -> PathBuf {
    let below = path.strip_prefix("/").unwrap_or(path);
    Path::new("/proc")
        .join(pid.to_string())
        .join("root")
        .join(below)
}

/// Makes sure that a part can have a disk of its own here.
///
/// # Errors
/// Tells what the kernel, or the container, refuses.
pub async fn may_have_own_disk() -> anyhow::Result<()> {
    let mut command = Command::new("unshare");
    command.args(prelude(&std::env::temp_dir(), 4096));
    command.arg("true");
    output_of(command).await.map(drop)
}

/// The arguments of unshare(1), up to the program.
fn prelude(directory: &Path, size: u64) -> Vec<String> {
    let mut arguments = vec!["--mount"];
    if !rustix::process::geteuid().is_root() {
        // Whoever is root in a user namespace of its own may mount there, where the kernel lets ordinary users have one.
        arguments.extend(["--user", "--map-root-user"]);
    }
    arguments.extend(["sh", "-c", MOUNT_AND_BECOME]);
    let mut arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
    arguments.extend([size.to_string(), directory.display().to_string()]);
    arguments
}
