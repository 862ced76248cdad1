// SPDX-License-Identifier: MIT OR Apache-2.0
//! A report of a recorded console (`lab/tests/consoles/`) as the book shows it: what `lab console`
//! prints, shortened to the lines around those that the page explains.

use std::path::Path;

use anyhow::{Context, ensure};
use lab_console::{Class, first_report};

use crate::{markup::escape, read};

/// Reports of so many lines are not shortened.
const WHOLE: usize = 14;

/// Lines that are always shown at the start of a report.
const HEAD: usize = 2;

/// A report in HTML.
pub(crate) struct Shown {
    pub(crate) class: Class,
    pub(crate) html: String,
}

/// The report in the log `KERNEL-WAY` or `titled/NAME`. `behind` are the lines of the page behind
/// it: the list there explains code that must be in the report.
pub(crate) fn shown<'a>(
    lab: &Path,
    log: &str,
    behind: impl Iterator<Item = &'a str>,
) -> anyhow::Result<Shown> {
    let file = format!("tests/consoles/{log}.log");
    let console = read(&lab.join(&file))?;
    // Class and function, for the tests.
    let skipped = if log.starts_with("titled/") { 2 } else { 0 };
    let console: Vec<&str> = console.lines().skip(skipped).collect();
    let report = first_report(&console.join("\n"));
    let report = report.with_context(|| format!("{log}: expected a report, found none"))?;
    let explained = explained(behind);
    ensure!(
        !explained.is_empty(),
        "{log}: expected a list of what to look for behind it, found none"
    );
    for code in &explained {
        ensure!(
            report.excerpt.contains(code),
            "{log}: expected `{code}` in the report, found none"
        );
    }
    let origin = match skipped {
        0 => format!("The whole log is in <code>lab/{file}</code>."),
        _ => format!(
            "No kernel of the lab makes this report, so <code>lab/{file}</code> has the form that \
             the kernel's source gives it."
        ),
    };
    let html = format!(
        "<pre class=\"report\"><code class=\"nohighlight\"><b>{}</b>\n{}\n\n{}</code></pre>\n<p \
         class=\"origin\">{origin}</p>\n",
        escape(&report.headline(None)),
        escape(report.class.meaning()),
        shortened(&report.excerpt, &explained)
    );
    Ok(Shown {
        class: report.class,
        html,
    })
}

/// The code at the start of each item of the first list in `lines`.
fn explained<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let list = lines
        .skip_while(|line| !line.starts_with("- "))
        .take_while(|line| line.starts_with("- ") || line.starts_with("  "));
    list.filter_map(|line| line.strip_prefix("- `")?.split('`').next())
        .collect()
}

/// The lines of a report around those that have one of `codes`, with each of these marked.
fn shortened(excerpt: &str, codes: &[&str]) -> String {
    let lines: Vec<&str> = excerpt.lines().collect();
    let has = |at: usize| {
        let line = lines.get(at).copied().unwrap_or_default();
        codes.iter().any(|code| line.contains(code))
    };
    let mut text = Vec::new();
    let mut left_out = false;
    for (at, line) in lines.iter().enumerate() {
        let near = at < HEAD || has(at) || has(at + 1) || at.checked_sub(1).is_some_and(has);
        if near || lines.len() <= WHOLE {
            text.push(marked(line, codes));
        } else if !left_out {
            text.push("[...]".to_owned());
        }
        left_out = !near;
    }
    text.join("\n")
}

fn marked(line: &str, codes: &[&str]) -> String {
    let longest = codes
        .iter()
        .filter(|code| line.contains(*code))
        .max_by_key(|code| code.len());
    match longest.and_then(|code| Some((code, line.split_once(code)?))) {
        Some((code, (before, after))) => format!(
            "{}<mark>{}</mark>{}",
            escape(before),
            escape(code),
            escape(after)
        ),
        None => escape(line),
    }
}
