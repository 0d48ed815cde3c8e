//! The part of `docs/command-line.md` that is generated: every command with its options. The examples there are parsed, so that
//! none can name an option that is not.

use clap::{Command, CommandFactory, Parser};

use crate::arguments::Arguments;
use crate::failure::Exit;

const PAGE: &str = include_str!("../../../docs/command-line.md");
/// What follows is generated.
const HEADING: &str = "## All options\n";

fn reference() -> String {
    let mut command = Arguments::command();
    command.build();
    let mut text = String::new();
    describe(&mut command, &mut text);
    text
}

fn describe(command: &mut Command, text: &mut String) {
    if command.get_name() == "help" {
        return;
    }
    let help = command.render_help().to_string();
    // Defaults that this process's environment gives are no part of it.
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    text.push_str(&format!("```text\n{}\n```\n", lines.join("\n").trim_end()));
    for subcommand in command.get_subcommands_mut() {
        describe(subcommand, text);
    }
}

#[test]
fn the_page_has_every_option() {
    let (written, before) = match PAGE.split_once(HEADING) {
        Some((before, written)) => (written, before),
        None => panic!("the page lacks {HEADING}"),
    };
    let reference = reference();
    if std::env::var_os("UPDATE_COMMAND_LINE").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/command-line.md");
        std::fs::write(path, format!("{before}{HEADING}{reference}")).expect("a checkout");
        return;
    }
    assert_eq!(written, reference, "run it with UPDATE_COMMAND_LINE=1");
}

#[test]
fn the_examples_can_be_typed() {
    let examples: Vec<&str> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with("image-replicator "))
        .map(|line| line.split(" > ").next().unwrap_or(line))
        .collect();
    assert!(examples.len() > 10, "{examples:?}");
    for example in examples {
        let quoted = example.split('"').enumerate();
        let words = quoted.flat_map(|(place, part)| match place % 2 {
            0 => part.split_whitespace().collect(),
            _ => vec![part],
        });
        if let Err(error) = Arguments::try_parse_from(words) {
            panic!("{example}: {error}");
        }
    }
}

#[test]
fn the_page_has_every_exit_code() {
    for exit in Exit::ALL {
        let row = format!("\n| {} | ", exit.code());
        assert!(PAGE.contains(&row), "{exit:?}");
    }
}
