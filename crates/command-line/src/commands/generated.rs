//! What is generated from the commands themselves: completions and man pages.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::{Shell, generate};
use clap_mangen::Man;

use crate::arguments::Arguments;
use crate::failure::{Exit, Failure};
use crate::output::write;

pub(super) fn completion(shell: Shell) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    generate(
        shell,
        &mut Arguments::command(),
        "image-replicator",
        &mut text,
    );
    write(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Done)
}

pub(super) fn man(directory: Option<&Path>) -> Result<Exit, Failure> {
    let command = Arguments::command();
    let unwritable = |error: std::io::Error| {
        Failure::new(
            Exit::Failed,
            format!("the man page can't be written: {error}"),
        )
    };
    if let Some(directory) = directory {
        clap_mangen::generate_to(command, directory).map_err(|error| {
            let folder = format!("{}: {error}", directory.display());
            Failure::new(Exit::Failed, folder).remedy("Name a folder that is there.")
        })?;
    } else {
        let mut page = Vec::new();
        Man::new(command).render(&mut page).map_err(unwritable)?;
        write(&String::from_utf8_lossy(&page))?;
    }
    Ok(Exit::Done)
}
