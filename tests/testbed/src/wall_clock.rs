//! The wall clock of schedulers and workers, to be set while they run: libfaketime answers in the place of the C library. Their monotonic
//! clock stays the machine's.
//!
//! libfaketime leaves something in shared memory when its process is killed; here that is a directory of the process's own.

use anyhow::{Context, ensure};

use crate::bed::TestBed;
use crate::install::faketime;
use crate::own_disk;
use crate::parts::Part;
use crate::site::{Site, write_private};
use crate::supervisor::Launch;

/// Where `shm_open(3)` puts things; a test bed whose clock can be set is elsewhere.
pub(crate) const SHARED_MEMORY: &str = "/dev/shm";
/// Room for one semaphore and a number, in bytes.
const ROOM: u64 = 1 << 20;

/// Whether the clock of this part can be set.
pub(crate) fn is_settable(site: &Site, part: Part) -> bool {
    let has_clock = matches!(part, Part::Scheduler(_) | Part::Worker(..));
    site.options.movable_wall_clock && has_clock
}

/// Starts what `launch` starts with the clock of `site`.
pub(crate) fn behind(site: &Site, mut launch: Launch) -> anyhow::Result<Launch> {
    let file = site.wall_clock();
    if !file.exists() {
        write_private(&file, "+0\n")?;
    }
    let library = faketime().context("libfaketime is not installed")?;
    // env(1), so that nothing but the service itself, and not the shell that mounts, has the library.
    let mut arguments = vec![
        format!("LD_PRELOAD={}", library.display()),
        format!("FAKETIME_TIMESTAMP_FILE={}", file.display()),
        "FAKETIME_NO_CACHE=1".to_owned(),
        "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
        "NO_FAKE_STAT=1".to_owned(),
        launch.program.display().to_string(),
    ];
    arguments.append(&mut launch.arguments);
    launch.program = "env".into();
    launch.arguments = arguments;
    Ok(own_disk::behind(launch, SHARED_MEMORY.as_ref(), ROOM))
}

impl TestBed {
    /// Sets the wall clock of schedulers and workers so many seconds ahead of the machine's, or behind it; at once.
    ///
    /// # Errors
    /// When the test bed was not built with [`crate::Builder::movable_wall_clock`].
    pub fn set_wall_clock(&self, ahead: i64) -> anyhow::Result<()> {
        let site = self.site();
        ensure!(
            site.options.movable_wall_clock,
            "the wall clock cannot be set: build the test bed with movable_wall_clock()"
        );
        write_private(&site.wall_clock(), &format!("{ahead:+}\n"))
    }
}
