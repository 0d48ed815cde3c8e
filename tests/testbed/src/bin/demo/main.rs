//! `cargo demo`: from nothing to a verified copy between two regions, and how to go on by hand.
//!
//! Ends with 0 only when both sides' bytes are the same.
#![allow(
    clippy::print_stdout,
    reason = "showing what happens is this program's job"
)]

mod bar;
mod copy;
mod hints;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use testbed::{NewImage, Region, TestBed};

/// Size of the image that is copied, in MiB.
const MEBIBYTES: u64 = 256;

/// Copies an image from one region of a private cloud to the other, and leaves the cloud running.
#[derive(Parser)]
#[command(name = "demo", version)]
struct Arguments {
    /// End the cloud after the copy.
    #[arg(long)]
    once: bool,
    /// Keep the cloud's state in this directory, also after the end.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Fails only when the terminal is gone.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 64 } else { 0 });
        }
    };
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(arguments)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            testbed::say(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut builder = TestBed::builder();
    if let Some(directory) = &arguments.state {
        builder = builder.state_directory(directory);
    }
    // Ctrl-C at any time ends the cloud, because the supervisor then sees this process go.
    let bed = builder.start().await?;
    let shown = show(&bed, !arguments.once).await;
    if shown.is_ok() && !arguments.once {
        println!("\nThe cloud goes on until Ctrl-C.");
        tokio::signal::ctrl_c().await?;
    }
    bed.end().await?;
    shown
}

async fn show(bed: &TestBed, explain: bool) -> anyhow::Result<()> {
    let source = bed.cloud("alice", Region::Ot1).await?;
    let destination = bed.cloud("alice", Region::Ot2).await?;
    let what = format!("making an image of {MEBIBYTES} MiB in {}", source.region);
    let image = testbed::timed(
        what,
        source.make_image(&NewImage::named("demo-image", MEBIBYTES)),
    )
    .await?;
    let copied = copy::copy(&source, &image, &destination.project_id).await?;
    let arrived = destination.sha512_of(&copied.image_id).await?;
    println!("sha512 in {}: {}", source.region, image.sha512);
    println!("sha512 in {}: {arrived}", destination.region);
    anyhow::ensure!(arrived == image.sha512, "the copy differs from its source");
    println!(
        "verified: image {} in {} is image {} in {}, copied in {:.1} s",
        copied.image_id, destination.region, image.id, source.region, copied.seconds
    );
    if explain {
        println!(
            "\n{}",
            hints::by_hand(bed, &source, &destination, &image, &copied)
        );
    }
    Ok(())
}
