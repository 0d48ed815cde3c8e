//! In a real terminal: bars are drawn, and Ctrl-C asks.

use anyhow::{Context, ensure};
use rexpect::session::{PtySession, spawn_command};
use scenarios::{Hold, PATIENCE, Turn};

use crate::stage::{command, document, text, turn};

/// Runs a command in a terminal of its own.
fn in_terminal(turn: &Turn, words: &[&str]) -> anyhow::Result<PtySession> {
    let mut command = command(turn, words)?;
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

    let mut terminal = in_terminal(&turn, &["watch", &job])?;
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

    let mut terminal = in_terminal(&turn, &["watch", &job])?;
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

/// A bar of each copy, both begun and neither done, in this order.
const TWO_BARS: &str = "large [^%]+ [1-9][0-9]?%[^%]+other of two [^%]+ [1-9][0-9]?%";

#[tokio::test(flavor = "multi_thread")]
async fn copies_that_are_under_way_at_once_have_a_bar_each() -> anyhow::Result<()> {
    let turn = turn().await?;
    let large = turn.large_image().await?;
    let other = turn.image("other of two", Hold::MEBIBYTES).await?;
    // Neither can end before it is let go.
    let hold = Hold::on(turn.bed)?;
    let words = ["copy", &large.id, &other.id, "--to", "proj-ot2", "--wait"];
    let words = [&words[..], &["-f", "value", "-c", "destination_image_id"]].concat();
    let mut terminal = in_terminal(&turn, &words)?;
    let both = tokio::task::spawn_blocking(move || {
        terminal.exp_regex(TWO_BARS).context("not both bars")?;
        anyhow::Ok(terminal)
    });
    let mut terminal = both.await??;
    hold.release();
    let ended = tokio::task::spawn_blocking(move || {
        let rest = terminal.exp_eof()?;
        anyhow::Ok((terminal, rest))
    });
    let (terminal, rest) = ended.await??;
    let status = terminal.process().wait()?;
    ensure!(
        format!("{status:?}").ends_with(", 0)"),
        "{status:?}: {rest}"
    );
    let list = ["list", "--limit", "2", "-c", "destination_image_id"];
    let list = document(&turn, "one", &list).await?;
    let mut made = Vec::new();
    for place in 0..2 {
        let image = text(&list[place], "destination_image_id")?;
        // The result is below the bars.
        ensure!(rest.contains(&image), "{image}: {rest}");
        made.push(image);
    }
    turn.leave(&made).await
}
