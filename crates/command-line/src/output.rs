//! How results are written: a table for people, or `-f json|yaml|value -c COLUMN` as `openstack` has them.
//!
//! A result is one record or several, each a document; which columns are shown, and in which order, is the command's to say.
//! Columns are named as the documents' keys are. In tables and values nothing is `None`, as there.

use std::io::Write;

use comfy_table::{ContentArrangement, LineStyle, Table, presets};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use crate::arguments::{Format, Output};
use crate::failure::{Exit, Failure};

/// The line below the header, as `openstack` draws it.
const RULE: LineStyle = LineStyle::new('+', '-', '+', '+');

/// One document with the columns of it that are shown.
struct Record<'a>(&'a Value, &'a [String]);

/// Writes several records, a row each.
pub(crate) fn write_list(
    output: &Output,
    known: &[&str],
    shown: &[&str],
    records: &[Value],
) -> Result<(), Failure> {
    let text = list_text(output, known, shown, records)?;
    write(&text)
}

/// Writes one record, a row a column.
pub(crate) fn write_one(output: &Output, known: &[&str], record: &Value) -> Result<(), Failure> {
    let text = one_text(output, known, record)?;
    write(&text)
}

fn list_text(
    output: &Output,
    known: &[&str],
    shown: &[&str],
    records: &[Value],
) -> Result<String, Failure> {
    let columns = columns(output, known, shown)?;
    let rows: Vec<Record<'_>> = records.iter().map(|r| Record(r, &columns)).collect();
    match output.format {
        Format::Json => json(&rows),
        Format::Yaml => yaml(&rows),
        Format::Value => Ok(rows
            .iter()
            .map(|row| row.texts().join(" ") + "\n")
            .collect()),
        Format::Table => {
            let mut table = empty_table();
            table.set_header(&columns);
            table.add_rows(rows.iter().map(Record::texts));
            Ok(format!("{table}\n"))
        }
    }
}

fn one_text(output: &Output, known: &[&str], record: &Value) -> Result<String, Failure> {
    let columns = columns(output, known, known)?;
    let row = Record(record, &columns);
    match output.format {
        Format::Json => json(&row),
        Format::Yaml => yaml(&row),
        Format::Value => Ok(row.texts().join("\n") + "\n"),
        Format::Table => {
            let mut table = empty_table();
            table.set_header(["Field", "Value"]);
            for (column, text) in columns.iter().zip(row.texts()) {
                table.add_row([column, &text]);
            }
            Ok(format!("{table}\n"))
        }
    }
}

fn columns(output: &Output, known: &[&str], shown: &[&str]) -> Result<Vec<String>, Failure> {
    if output.columns.is_empty() {
        return Ok(shown.iter().map(|&column| column.to_owned()).collect());
    }
    match output.columns.iter().find(|c| !known.contains(&c.as_str())) {
        Some(unknown) => Err(
            Failure::usage(format!("--column: there is no column {unknown}"))
                .remedy(format!("There are {}.", known.join(", "))),
        ),
        None => Ok(output.columns.clone()),
    }
}

fn empty_table() -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::ASCII_FULL_CONDENSED.header_separator(RULE))
        .set_content_arrangement(ContentArrangement::Disabled);
    table
}

impl Record<'_> {
    fn texts(&self) -> Vec<String> {
        self.1.iter().map(|column| text(&self.0[column])).collect()
    }
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.1.len()))?;
        for column in self.1 {
            map.serialize_entry(column, &self.0[column])?;
        }
        map.end()
    }
}

fn text(value: &Value) -> String {
    let text = match value {
        Value::Null => "None".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    // Names and errors are others' words: they must not steer a terminal.
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

fn json(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value);
    text.map(|text| text + "\n")
        .map_err(|error| unwritable(&error))
}

fn yaml(value: &impl Serialize) -> Result<String, Failure> {
    yaml_serde::to_string(value).map_err(|error| unwritable(&error))
}

fn unwritable(error: &dyn std::error::Error) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("the result can't be written: {error}"),
    )
}

pub(crate) fn write(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    written.map_err(|error| unwritable(&error))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KNOWN: [&str; 3] = ["job_id", "name", "size"];

    fn records() -> Vec<Value> {
        vec![
            json!({"job_id": "a", "name": "x y", "size": 7, "other": 1}),
            json!({"job_id": "b", "name": null, "size": 8}),
        ]
    }

    fn listed(format: Format, columns: &[&str]) -> Result<String, Failure> {
        let columns = columns.iter().map(|&c| c.to_owned()).collect();
        list_text(&Output { format, columns }, &KNOWN, &KNOWN[..2], &records())
    }

    #[test]
    fn a_list_is_written_in_each_format() {
        let table = "\
+--------+------+
| job_id | name |
+--------+------+
| a      | x y  |
| b      | None |
+--------+------+
";
        assert_eq!(listed(Format::Table, &[]).as_deref(), Ok(table));
        assert_eq!(
            listed(Format::Value, &["size", "name"]).as_deref(),
            Ok("7 x y\n8 None\n")
        );
        assert_eq!(
            listed(Format::Yaml, &["name"]).as_deref(),
            Ok("- name: x y\n- name: null\n")
        );
        let json = listed(Format::Json, &["size", "job_id"]).expect("JSON");
        let size = json.find("size").expect("a key");
        assert!(size < json.find("job_id").expect("a key"), "{json}");
    }

    #[test]
    fn one_is_written_in_each_format() {
        let one = |format| {
            let columns = vec!["job_id".to_owned(), "name".to_owned()];
            one_text(&Output { format, columns }, &KNOWN, &records()[1])
        };
        assert_eq!(one(Format::Value).as_deref(), Ok("b\nNone\n"));
        assert_eq!(one(Format::Yaml).as_deref(), Ok("job_id: b\nname: null\n"));
        assert!(
            one(Format::Table)
                .expect("a table")
                .contains("| Field  | Value |")
        );
    }

    #[test]
    fn a_column_that_is_not_there_is_told_with_those_that_are() {
        let failure = listed(Format::Table, &["color"]).expect_err("no such column");
        assert_eq!(failure.exit, Exit::Usage);
        assert!(
            failure.to_string().contains("job_id, name, size"),
            "{failure}"
        );
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(text(&json!("a\u{1b}[2J")), "a\u{fffd}[2J");
    }
}
