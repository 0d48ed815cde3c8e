//! Progress: a bar on a terminal, and a line per change where nobody watches (a pipe, a log).

use std::io::IsTerminal;
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};

/// Shows how far a job is, in percent.
pub(crate) enum Bar {
    Terminal(ProgressBar),
    /// What was printed last, so that nothing is printed twice.
    Lines(Mutex<String>),
}

impl Bar {
    pub(crate) fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines(Mutex::default());
        }
        let bar = ProgressBar::new(100);
        let style = ProgressStyle::with_template("{bar:40.cyan} {pos:>3} %  {msg}  {elapsed}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self::Terminal(bar)
    }

    pub(crate) fn show(&self, percent: u64, status: &str) {
        match self {
            Self::Terminal(bar) => {
                bar.set_position(percent);
                bar.set_message(status.to_owned());
            }
            Self::Lines(last) => {
                let line = format!("{percent:>3} %  {status}");
                if let Ok(mut last) = last.lock()
                    && *last != line
                {
                    println!("{line}");
                    *last = line;
                }
            }
        }
    }

    pub(crate) fn finish(&self) {
        if let Self::Terminal(bar) = self {
            bar.abandon();
        }
    }
}
