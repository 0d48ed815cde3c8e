//! The Python files of the checked-in `wsgi` folder, carried inside the program so that it runs from anywhere.

use std::fs;
use std::path::Path;

const FILES: [(&str, &str); 5] = [
    (
        "glance_on_sqlite.py",
        include_str!("../wsgi/glance_on_sqlite.py"),
    ),
    (
        "keystone_on_sqlite.py",
        include_str!("../wsgi/keystone_on_sqlite.py"),
    ),
    (
        "immediate_transactions.py",
        include_str!("../wsgi/immediate_transactions.py"),
    ),
    (SAVING_IMAGES, include_str!("../wsgi/saving_images.py")),
    (FORK_DATABASE, include_str!("../wsgi/fork_database.py")),
];

/// The script that names the images which a Glance's database has in `saving`.
pub(crate) const SAVING_IMAGES: &str = "saving_images.py";

/// The script that copies a database template to its place.
pub(crate) const FORK_DATABASE: &str = "fork_database.py";

/// Writes the files into `directory`.
///
/// # Errors
/// When the directory cannot be written.
pub(crate) fn write_to(directory: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(directory)?;
    for (name, text) in FILES {
        fs::write(directory.join(name), text)?;
    }
    Ok(())
}
