//! The root file systems that `deploy/build-release` lays out, looked at as an engine would use them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::ensure;

use crate::program::said;
use crate::{COMMAND_LINE, repository};

/// What a service may be linked to: the C library's parts and the compiler's. All of them belong to the base of every
/// Debian system.
const LIBRARIES: [&str; 4] = [
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libgcc_s.so.1",
    "libm.so.6",
];

/// One program's image.
#[derive(Debug)]
pub struct ImageTree {
    /// The program.
    pub program: String,
    root: PathBuf,
}

/// Runs the script with this profile: a tree for each program comes to be below `out`.
///
/// # Errors
/// When it fails; the error ends with what it said.
pub fn build(profile: &str, out: &Path) -> anyhow::Result<()> {
    let mut script = Command::new(repository::root().join("deploy/build-release"));
    script.arg(out).env("PROFILE", profile);
    // Set by the cargo that runs us, about this package; some build scripts would see a change and build again.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_") && name != "CARGO_TARGET_DIR" && name != "CARGO_HOME" {
            script.env_remove(name);
        }
    }
    said(&mut script)?;
    Ok(())
}

// === impl ImageTree ===

impl ImageTree {
    /// The tree of `program` below the script's output.
    #[must_use]
    pub fn of(program: &str, out: &Path) -> Self {
        Self {
            program: program.to_owned(),
            root: out.join(program),
        }
    }

    /// Runs the program with the tree as its whole world, and as the user of its image.
    ///
    /// # Errors
    /// When it can't be run there or fails.
    pub fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        said(self.command().args(arguments))
    }

    /// The same for a run that is to fail: what it complained of.
    ///
    /// # Errors
    /// When it can't be run there.
    pub fn complaint(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.command().args(arguments).output()?;
        ensure!(!output.status.success(), "it did not fail");
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn command(&self) -> Command {
        let mut command = Command::new("unshare");
        // Only root may change the root; whoever is not becomes it in a name space of its own.
        if rustix::process::geteuid().is_root() {
            command = Command::new("chroot");
            command.arg("--userspec=65532:65532");
        } else {
            command.args(["--map-root-user", "chroot"]);
        }
        command.arg(&self.root);
        command.arg(format!("/usr/local/bin/{}", self.program));
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    /// Every file in it, by its path from the root.
    ///
    /// # Errors
    /// When the tree can't be read.
    pub fn files(&self) -> anyhow::Result<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        let mut directories = vec![self.root.clone()];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory)? {
                let path = entry?.path();
                if path.is_dir() {
                    directories.push(path);
                } else {
                    let below = path.strip_prefix(&self.root)?;
                    found.insert(format!("/{}", below.display()));
                }
            }
        }
        Ok(found)
    }

    /// Gives the tree a file more.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn add(&self, path: &str, text: &str) -> anyhow::Result<()> {
        let path = self.root.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(std::fs::write(path, text)?)
    }

    /// Whether the loader has nothing to do for the program: all of it is in its file.
    ///
    /// # Errors
    /// When it can't be looked at.
    pub fn is_static(&self) -> anyhow::Result<bool> {
        let program = format!("usr/local/bin/{}", self.program);
        let told = said(Command::new("ldd").arg(self.root.join(program)))?;
        Ok(told.trim() == "statically linked")
    }

    /// What is wrong with the files in it.
    ///
    /// # Errors
    /// When the tree can't be read.
    pub fn complaints(&self) -> anyhow::Result<Vec<String>> {
        let program = format!("/usr/local/bin/{}", self.program);
        let files = self.files()?;
        let mut complaints = Vec::new();
        for path in &files {
            let name = path.rsplit('/').next().unwrap_or(path);
            let is_expected = *path == program
                || (self.program != COMMAND_LINE && LIBRARIES.contains(&name))
                || path.starts_with("/usr/share/doc/")
                || path.starts_with("/var/lib/dpkg/status.d/")
                || [
                    "/etc/passwd",
                    "/etc/group",
                    "/etc/nsswitch.conf",
                    "/etc/ssl/certs/ca-certificates.crt",
                ]
                .contains(&path.as_str());
            if !is_expected {
                complaints.push(format!("{} holds {path}", self.program));
            }
        }
        let (libraries, packages) = if self.program == COMMAND_LINE {
            (false, &["libc6-dev", "ca-certificates"][..])
        } else {
            (true, &["libc6", "libgcc-s1", "ca-certificates"][..])
        };
        if self.is_static()? == libraries {
            complaints.push(format!("{} is linked in another way", self.program));
        }
        // Each package that something was taken from is told to whoever scans the image.
        for package in packages {
            let status = format!("/var/lib/dpkg/status.d/{package}");
            if !files.contains(&status) {
                complaints.push(format!("{} lacks {status}", self.program));
            }
        }
        Ok(complaints)
    }
}
