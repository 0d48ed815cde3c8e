//! The table of `rights.md`: rows are operations on an object, columns are callers, cells are what the caller gets.

use std::collections::BTreeSet;

use anyhow::ensure;

use crate::request::Api;

const TABLE: &str = include_str!("rights.md");

/// All rows.
pub(crate) struct Table {
    /// The callers, from left to right.
    pub(crate) callers: Vec<String>,
    /// From top to bottom.
    pub(crate) rows: Vec<Row>,
}

/// What everybody gets who asks for one thing.
pub(crate) struct Row {
    /// Ids of operations, each of which is held against the row.
    pub(crate) operations: Vec<String>,
    /// What it is done to, in the words of `objects.rs`.
    pub(crate) object: String,
    /// In the order of the callers: a status; `204 untouched` where nothing has come of a success; `shown` or `omitted` of
    /// a list or stream with or without the object.
    pub(crate) expected: Vec<String>,
}

/// The table.
///
/// # Errors
/// When it can't be read.
pub(crate) fn table() -> anyhow::Result<Table> {
    parse(TABLE)
}

fn parse(text: &str) -> anyhow::Result<Table> {
    let mut callers: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for line in text.lines() {
        let Some(cells) = line
            .strip_prefix('|')
            .and_then(|line| line.strip_suffix('|'))
        else {
            continue;
        };
        let cells: Vec<&str> = cells.split('|').map(str::trim).collect();
        let [operations, object, rest @ ..] = cells.as_slice() else {
            anyhow::bail!("too few cells: {line}");
        };
        if *operations == "operation" {
            let names: Vec<String> = rest.iter().map(|&name| name.to_owned()).collect();
            ensure!(
                callers.is_empty() || callers == names,
                "other callers: {line}"
            );
            callers = names;
        } else if !operations.starts_with("--") {
            let is_whole = rest.len() == callers.len() && rest.iter().all(|cell| is_outcome(cell));
            ensure!(is_whole, "not one outcome a caller: {line}");
            rows.push(Row {
                operations: operations.split(", ").map(str::to_owned).collect(),
                object: (*object).to_owned(),
                expected: rest.iter().map(|&cell| cell.to_owned()).collect(),
            });
        }
    }
    ensure!(!rows.is_empty(), "no rows");
    Ok(Table { callers, rows })
}

fn is_outcome(cell: &str) -> bool {
    let status = cell.strip_suffix(" untouched").unwrap_or(cell);
    matches!(cell, "shown" | "omitted") || status.parse().is_ok_and(|status: u16| status < 600)
}

impl Table {
    /// Every operation of the API has a row, and every row is of an operation that there is.
    ///
    /// # Errors
    /// Names those for which that is not so.
    pub(crate) fn covers(&self, api: &Api) -> anyhow::Result<()> {
        let rows = self.rows.iter().flat_map(|row| row.operations.iter());
        let rows: BTreeSet<&str> = rows.map(String::as_str).collect();
        let operations: BTreeSet<&str> = api.operations().collect();
        ensure!(
            rows == operations,
            "rows without an operation: {:?}; operations without a row: {:?}",
            rows.difference(&operations),
            operations.difference(&rows)
        );
        Ok(())
    }
}

#[test]
fn a_table_with_a_hole_is_refused() {
    let head = "| operation | object | alice | bob |\n|--|--|--|--|\n";
    let table = parse(&format!(
        "{head}| a, b | c | 200 | omitted |\n| d | e | 204 untouched | shown |"
    ));
    let table = table.expect("a good table");
    assert_eq!(table.callers, ["alice", "bob"]);
    assert_eq!(table.rows[0].operations, ["a", "b"]);
    assert_eq!(table.rows[1].expected, ["204 untouched", "shown"]);
    for row in [
        "| a | b | 200 |",
        "| a | b | 200 | yes |",
        "| a | b | 200 | |",
        "",
    ] {
        assert!(parse(&format!("{head}{row}")).is_err(), "{row}");
    }
}
