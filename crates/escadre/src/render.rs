//! What commands print: a table for people, JSON for programs, CSV for spreadsheets.

use std::io::{self, Write};

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns.
    Table,
    /// The API's document as it is.
    Json,
    /// Comma-separated, for lists.
    Csv,
}

/// A column of a list: its head and where its value lies in the document (`a.b` for a field of a field).
pub(crate) type Column = (&'static str, &'static str);

/// Prints a list.
pub(crate) fn list<T: Serialize>(format: Format, items: &[T], columns: &[Column]) -> Result<()> {
    let mut out = io::stdout().lock();
    match format {
        Format::Json => write_json(&mut out, &items),
        Format::Csv => {
            let heads: Vec<String> = columns.iter().map(|(head, _)| csv(head)).collect();
            writeln!(out, "{}", heads.join(","))?;
            for row in rows(items, columns)? {
                let cells: Vec<String> = row.iter().map(|cell| csv(cell)).collect();
                writeln!(out, "{}", cells.join(","))?;
            }
            Ok(())
        }
        Format::Table => write_table(&mut out, &rows(items, columns)?, columns),
    }
}

/// Prints one thing: its fields one a line, or the document.
pub(crate) fn one<T: Serialize>(format: Format, item: &T) -> Result<()> {
    let mut out = io::stdout().lock();
    match format {
        Format::Json => write_json(&mut out, item),
        Format::Table | Format::Csv => {
            let value = serde_json::to_value(item)?;
            write_fields(&mut out, &value, "")
        }
    }
}

/// Prints a sentence (or nothing, when a program reads).
pub(crate) fn say(format: Format, sentence: impl AsRef<str>) -> Result<()> {
    if format == Format::Table {
        writeln!(io::stdout().lock(), "{}", sentence.as_ref())?;
    }
    Ok(())
}

fn write_json<T: Serialize + ?Sized>(out: &mut impl Write, value: &T) -> Result<()> {
    serde_json::to_writer_pretty(&mut *out, value).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

fn rows<T: Serialize>(items: &[T], columns: &[Column]) -> Result<Vec<Vec<String>>> {
    items
        .iter()
        .map(|item| {
            let value = serde_json::to_value(item)?;
            Ok(columns
                .iter()
                .map(|(_, path)| cell(dig(&value, path)))
                .collect())
        })
        .collect()
}

fn dig<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.')
        .fold(value, |value, key| value.get(key).unwrap_or(&Value::Null))
}

/// A value in a cell: control characters of a hostile host never reach the terminal.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| format!("{key} {}", cell(value)))
            .collect::<Vec<_>>()
            .join(", "),
        other => other.to_string(),
    };
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn csv(text: &str) -> String {
    let dangerous = text.starts_with(['=', '+', '-', '@']) && text.parse::<f64>().is_err();
    let text = if dangerous {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

fn write_table(out: &mut impl Write, rows: &[Vec<String>], columns: &[Column]) -> Result<()> {
    let heads: Vec<String> = columns.iter().map(|(head, _)| (*head).to_owned()).collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|i| {
            rows.iter()
                .chain([&heads])
                .map(|row| row[i].chars().count())
                .max()
                .unwrap_or(0)
                .min(60)
        })
        .collect();
    for row in std::iter::once(&heads).chain(rows) {
        let mut line = String::new();
        for (i, text) in row.iter().enumerate() {
            let last = i + 1 == row.len();
            let shown: String = if last || text.chars().count() <= widths[i] {
                text.clone()
            } else {
                text.chars().take(widths[i] - 1).chain(['…']).collect()
            };
            line.push_str(&shown);
            if !last {
                line.extend(std::iter::repeat_n(
                    ' ',
                    widths[i] + 2 - shown.chars().count(),
                ));
            }
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn write_fields(out: &mut impl Write, value: &Value, indent: &str) -> Result<()> {
    let Value::Object(fields) = value else {
        writeln!(out, "{indent}{}", cell(value))?;
        return Ok(());
    };
    for (key, value) in fields {
        let key = key.replace('_', " ");
        match value {
            Value::Object(inner) if inner.is_empty() => {}
            Value::Null => {}
            Value::Array(items) if items.is_empty() => {}
            Value::Object(_) => {
                writeln!(out, "{indent}{key}:")?;
                write_fields(out, value, &format!("{indent}  "))?;
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                writeln!(out, "{indent}{key}:")?;
                for item in items {
                    writeln!(out, "{indent}  - {}", cell(item))?;
                }
            }
            _ => writeln!(out, "{indent}{key}: {}", cell(value))?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tables_line_up_and_are_safe() {
        let rows = rows(
            &[
                json!({"name": "web-1", "tags": ["a", "b"]}),
                json!({"name": "x", "tags": [], "os": "De\u{1b}[31mbian"}),
            ],
            &[("NAME", "name"), ("TAGS", "tags"), ("OS", "os")],
        )
        .expect("plain values");
        let mut out = Vec::new();
        write_table(
            &mut out,
            &rows,
            &[("NAME", "name"), ("TAGS", "tags"), ("OS", "os")],
        )
        .expect("memory");
        assert_eq!(
            String::from_utf8_lossy(&out),
            "NAME   TAGS  OS\nweb-1  a, b\nx            De [31mbian\n"
        );
    }

    #[test]
    fn spreadsheets_run_nothing() {
        assert_eq!(csv("=cmd()"), "'=cmd()");
        assert_eq!(csv("-4.5"), "-4.5");
        assert_eq!(csv("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
