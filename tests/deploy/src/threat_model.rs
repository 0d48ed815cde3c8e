//! The tables of boundaries in `docs/security.md`: what somebody could try, and the tests that hold it.
//!
//! A row is of a boundary when its table's last column is called `held by`; a test is named by a link from its name to its file.

/// One threat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What somebody could try.
    pub threat: String,
    /// The tests that hold it.
    pub held_by: Vec<Held>,
}

/// A test by its name and its file's path from the top of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The function.
    pub test: String,
    /// Where it is.
    pub file: String,
}

/// The rows of every boundary of a page below `docs`.
#[must_use]
pub fn rows(page: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut is_boundary = false;
    for line in page.lines() {
        let Some(cells) = cells(line) else {
            is_boundary = false;
            continue;
        };
        let (Some(first), Some(last)) = (cells.first(), cells.last()) else {
            continue;
        };
        if *last == "held by" {
            is_boundary = true;
        } else if is_boundary && !first.starts_with("--") {
            rows.push(Row {
                threat: (*first).to_owned(),
                held_by: links(last),
            });
        }
    }
    rows
}

/// What a page promises in vain; `read` gives the text of a file, if there is one.
pub fn complaints(rows: &[Row], read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut complaints = Vec::new();
    for Row { threat, held_by } in rows {
        if held_by.is_empty() {
            complaints.push(format!("{threat}: no test is named"));
        }
        for Held { test, file } in held_by {
            match read(file) {
                None => complaints.push(format!("{threat}: there is no {file}")),
                Some(text) if !has_test(&text, test) => {
                    complaints.push(format!("{threat}: {file} has no test `{test}`"));
                }
                Some(_) => {}
            }
        }
    }
    complaints
}

fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}

/// The links to source files in a cell.
fn links(cell: &str) -> Vec<Held> {
    let links = cell.split('[').skip(1).filter_map(|rest| {
        let (test, rest) = rest.split_once("](")?;
        let (path, _) = rest.split_once(')')?;
        let file = path.strip_prefix("../")?;
        file.ends_with(".rs").then(|| Held {
            test: test.to_owned(),
            file: file.to_owned(),
        })
    });
    links.collect()
}

/// Whether a source file has a function of this name that its attributes make a test, and one that is run.
fn has_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let found = lines.iter().position(|line| begins(line, name));
    found.is_some_and(|index| {
        let before = lines[..index].iter().rev();
        let attributes: Vec<_> = before
            .take_while(|line| line.starts_with("#[") || line.starts_with("//"))
            .collect();
        let has = |start: &str| attributes.iter().any(|line| line.starts_with(start));
        (has("#[test]") || has("#[tokio::test")) && !has("#[ignore")
    })
}

/// Whether a function of this name begins on a line.
fn begins(line: &str, name: &str) -> bool {
    let line = line.strip_prefix("async ").unwrap_or(line);
    let named = line.strip_prefix("fn ");
    let rest = named.and_then(|named| named.strip_prefix(name));
    rest.is_some_and(|rest| rest.starts_with('('))
}
