//! What Ctrl-C means while copies are waited for: on a terminal that is asked.

use std::io::{BufRead, IsTerminal, Write};

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Cancel,
    StopWatching,
    GoOn,
}

/// Whether there is somebody to ask.
pub(crate) fn can_be_asked() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Puts the question.
pub(crate) fn put(copies: usize) {
    let what = if copies == 1 {
        "the copy"
    } else {
        "the copies"
    };
    let mut stderr = std::io::stderr();
    // The answer counts, however much of the question is seen.
    let _ = write!(
        stderr,
        "\nCancel {what} (c), only stop watching (s), or go on (Enter)? "
    );
    let _ = stderr.flush();
}

/// Reads the answer. Blocks.
pub(crate) fn read() -> Answer {
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line) {
        Ok(count) if count > 0 => meaning(&line),
        _ => Answer::StopWatching,
    }
}

fn meaning(line: &str) -> Answer {
    match line.trim().to_ascii_lowercase().as_str() {
        "c" | "cancel" => Answer::Cancel,
        "s" | "stop" => Answer::StopWatching,
        _ => Answer::GoOn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_word_cancels() {
        assert_eq!(meaning("C\n"), Answer::Cancel);
        assert_eq!(meaning("s\n"), Answer::StopWatching);
        assert_eq!(meaning("yes\n"), Answer::GoOn);
        assert_eq!(meaning("\n"), Answer::GoOn);
    }
}
