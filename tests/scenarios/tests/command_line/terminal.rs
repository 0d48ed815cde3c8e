//! In a real terminal: bars are drawn, and Ctrl-C asks.

use anyhow::{Context, ensure};
use rexpect::session::{PtySession, spawn_command};
use scenarios::{PATIENCE, Turn};

use crate::stage::{command, turn};

/// Watches a job in a terminal of its own.
fn watch(turn: &Turn, job: &str) -> anyhow::Result<PtySession> {
    let mut command = command(turn, &["watch", job])?;
    command.env("OS_CLOUD", "one").env("TERM", "xterm");
    let patience = u64::try_from(PATIENCE.as_millis())?;
    Ok(spawn_command(command, Some(patience))?)
}

/// Waits for the bar, types Ctrl-C, and answers.
fn answer(terminal: &mut PtySession, answer: &str) -> anyhow::Result<()> {
    terminal.exp_string("large").context("no bar")?;
    terminal.exp_regex("[0-9]+%").context("no percent")?;
    terminal.exp_string("B/s").context("no rate")?;
    terminal.exp_string(" left").context("no time left")?;
    terminal.send_control('c')?;
    terminal
        .exp_string("only stop watching (s)")
        .context("no question")?;
    terminal.send_line(answer)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_asks_and_its_answer_counts() -> anyhow::Result<()> {
    let turn = turn().await?;
    let (hold, job) = turn.hold_a_copy().await?;

    let mut terminal = watch(&turn, &job)?;
    let terminal = tokio::task::spawn_blocking(move || {
        answer(&mut terminal, "s")?;
        terminal
            .exp_string("image-replicator cancel")
            .context("no way to cancel")?;
        anyhow::Ok(terminal)
    });
    let ended = terminal.await??;
    let status = ended.process().wait()?;
    ensure!(format!("{status:?}").ends_with(", 130)"), "{status:?}");
    let document = turn.copies().show(&job).await?;
    ensure!(document["status"] == "replicating", "{document}");

    let mut terminal = watch(&turn, &job)?;
    let terminal = tokio::task::spawn_blocking(move || {
        answer(&mut terminal, "c")?;
        terminal
            .exp_string("cancel")
            .context("no sign of the cancel")?;
        terminal.exp_eof()?;
        anyhow::Ok(terminal)
    });
    let copies = turn.copies();
    let cancel = |job: &serde_json::Value| job["status"] != "replicating";
    copies.until(&job, "being canceled", cancel).await?;
    hold.release();
    let ended = terminal.await??;
    let status = ended.process().wait()?;
    ensure!(format!("{status:?}").ends_with(", 8)"), "{status:?}");
    let document = turn.copies().until_final(&job).await?;
    ensure!(document["status"] == "canceled", "{document}");
    turn.leave(&[]).await
}
