//! Lists as CSV (RFC 4180), for spreadsheets and for people who pipe.
//!
//! Cells that a spreadsheet would take for a formula are disarmed by an apostrophe: names come from hosts.

use serde::Serialize;
use serde_json::Value;

/// The rows with a header line; columns are the keys of all rows in the order of their first appearance.
pub(super) fn text<T: Serialize>(rows: &[T]) -> Result<String, serde_json::Error> {
    let rows: Vec<Value> = rows
        .iter()
        .map(serde_json::to_value)
        .collect::<Result<_, _>>()?;
    let mut columns: Vec<&str> = Vec::new();
    for object in rows.iter().filter_map(Value::as_object) {
        for key in object.keys() {
            if !columns.contains(&key.as_str()) {
                columns.push(key);
            }
        }
    }
    // The name leads, as in every listing.
    columns.sort_by_key(|column| *column != "name");
    let mut out = line(columns.iter().map(|column| cell(column)));
    for row in &rows {
        out.push_str(&line(columns.iter().map(|column| value(&row[*column]))));
    }
    Ok(out)
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let mut line = cells.collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => cell(text),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            cell(&items.join(" "))
        }
        Value::Array(_) | Value::Object(_) => cell(&value.to_string()),
    }
}

fn cell(text: &str) -> String {
    let armed = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if armed {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cells_are_quoted_and_disarmed() {
        let rows = [
            json!({"tags": ["a", "b"], "name": "x,y", "up": true}),
            json!({"name": "=cmd|' /C calc'!A0", "size": -3, "note": "he said \"no\""}),
        ];
        let expected = "name,tags,up,note,size\r\n\
             \"x,y\",a b,true,,\r\n\
             '=cmd|' /C calc'!A0,,,\"he said \"\"no\"\"\",-3\r\n";
        assert_eq!(text(&rows).expect("JSON"), expected);
        assert_eq!(text::<Value>(&[]).expect("JSON"), "\r\n");
    }
}
