// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rows as a table for people and as CSV for programs. Pure.

use lab_base::{Error, Result};

use crate::rows::{BenchRow, Cost, name};

/// A table in Markdown, as the README has it.
pub fn markdown(rows: &[BenchRow]) -> String {
    let mut text = String::from(
        "| operation | size | by | time | CPU time | per second | ratio | of | at most |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let (time, cpu) = match row.cost {
            Cost::Time { wall_ns, cpu_ns } => (
                nanoseconds(wall_ns),
                cpu_ns.map_or(String::new(), nanoseconds),
            ),
            Cost::Memory(bytes) => (format!("{bytes:.0} bytes"), String::new()),
        };
        let per_second = row.per_second().map_or(String::new(), thousands);
        let limit = row.limit.map_or(String::new(), |limit| {
            let verdict = if row.falls_short() { "missed" } else { "kept" };
            format!("{limit}: {verdict}")
        });
        text += &format!(
            "| {} | {} {} | {} | {time} | {cpu} | {per_second} | {:.2} | {} | {limit} |\n",
            row.operation,
            thousands(row.size as f64),
            row.size_of,
            name(row.way),
            row.ratio,
            row.reference,
        );
    }
    text
}

/// Comma-separated values with a header. Missing values are empty.
///
/// # Errors
/// [`Error::Io`].
pub fn csv(rows: &[BenchRow]) -> Result<String> {
    let failed = |error: csv::Error| Error::io("writing CSV")(error.into());
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record([
        "operation",
        "by",
        "size",
        "size_of",
        "rounds",
        "wall_ns",
        "cpu_ns",
        "bytes",
        "per_second",
        "ratio",
        "reference",
        "limit",
    ])
    .map_err(failed)?;
    let number =
        |number: Option<f64>| number.map_or(String::new(), |number| format!("{number:.3}"));
    for row in rows {
        let (wall_ns, cpu_ns, bytes) = match row.cost {
            Cost::Time { wall_ns, cpu_ns } => (Some(wall_ns), cpu_ns, None),
            Cost::Memory(bytes) => (None, None, Some(bytes)),
        };
        csv.write_record([
            row.operation.to_owned(),
            name(row.way),
            row.size.to_string(),
            row.size_of.to_owned(),
            row.rounds.to_string(),
            number(wall_ns),
            number(cpu_ns),
            number(bytes),
            number(row.per_second()),
            number(Some(row.ratio)),
            row.reference.clone(),
            number(row.limit),
        ])
        .map_err(failed)?;
    }
    let bytes = csv
        .into_inner()
        .map_err(|error| Error::io("writing CSV")(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// With at least three digits, and a suitable unit.
fn nanoseconds(ns: f64) -> String {
    if ns < 1e3 {
        format!("{ns:.0} ns")
    } else {
        format!("{:.2} us", ns / 1e3)
    }
}

/// Rounded, with spaces between groups of three digits.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
