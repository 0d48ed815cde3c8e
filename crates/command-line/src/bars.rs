//! How copies go, on stderr: a bar for each on a terminal, else a line for each step that is worth one.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};

use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressStyle};

use crate::gateway::JobState;

/// Off a terminal a line is written each time that so many percent more are done.
const STEP: u64 = 10;

/// Bars or lines, one a copy.
pub(crate) struct Bars {
    bars: Option<MultiProgress>,
    copies: HashMap<String, Shown>,
}

struct Shown {
    bar: Option<ProgressBar>,
    status: String,
    step: u64,
}

impl Bars {
    pub(crate) fn new() -> Self {
        let on_terminal = std::io::stderr().is_terminal();
        Self {
            bars: on_terminal.then(MultiProgress::new),
            copies: HashMap::new(),
        }
    }

    /// Shows a copy as it is now.
    pub(crate) fn show(&mut self, state: &JobState) {
        let bars = self.bars.as_ref();
        let shown = self
            .copies
            .entry(state.job_id.clone())
            .or_insert_with(|| Shown {
                bar: bars.map(|bars| bars.add(new_bar(state))),
                status: String::new(),
                step: 0,
            });
        let step = state.copy_progress / STEP;
        let is_news = shown.status != state.status || shown.step != step;
        match &shown.bar {
            Some(bar) => draw(bar, state),
            None if is_news => say(&line(state)),
            None => {}
        }
        shown.status.clone_from(&state.status);
        shown.step = step;
    }

    /// Runs something that writes to the terminal itself.
    pub(crate) fn beside<T>(&self, run: impl FnOnce() -> T) -> T {
        match &self.bars {
            Some(bars) => bars.suspend(run),
            None => run(),
        }
    }
}

/// Writes a line to stderr. When nobody reads it any more, there is nobody to tell.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn new_bar(state: &JobState) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{prefix:24!} {bar:24} {percent:>3}% {bytes:>10}/{total_bytes} {bytes_per_sec} {msg}",
    );
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(state.bytes_total)
        .with_style(style)
        .with_prefix(plain(state.title()))
}

fn draw(bar: &ProgressBar, state: &JobState) {
    bar.set_length(state.bytes_total);
    bar.set_position(state.bytes_copied);
    if state.is_final() {
        bar.abandon_with_message(words(state));
    } else if state.status == "replicating" && state.bytes_copied > 0 {
        bar.set_message(format!("{} left", HumanDuration(bar.eta())));
    } else {
        bar.set_message(words(state));
    }
}

fn line(state: &JobState) -> String {
    format!(
        "{} {}: {} {}%",
        state.job_id,
        plain(state.title()),
        words(state),
        state.copy_progress
    )
}

fn words(state: &JobState) -> String {
    match &state.error {
        Some(error) => format!(
            "{}: {} ({})",
            state.status,
            plain(&error.message),
            error.code
        ),
        None => state.status.clone(),
    }
}

/// Others' words must not steer the terminal.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::JobState;

    #[test]
    fn a_line_tells_what_failed_and_steers_nothing() {
        let document = serde_json::json!({"job_id": "j", "source_image_name": "a\u{1b}b",
            "source_image_id": "i", "status": "error", "copy_progress": 40,
            "error": {"code": "source_changed", "message": "it is gone"}});
        let state: JobState = serde_json::from_value(document).expect("a job");
        assert_eq!(line(&state), "j ab: error: it is gone (source_changed) 40%");
    }
}
