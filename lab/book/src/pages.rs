// SPDX-License-Identifier: MIT OR Apache-2.0
//! The book's own pages, `lab/book/pages/*.md`. A line `{{picture NAME}}` stands for a picture, and
//! `{{report LOG}}` for the report in a recorded console.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, bail, ensure};
use lab_console::Class;

use crate::{markup, read, report};

/// All of them, by name.
pub(crate) fn of(lab: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let directory = lab.join("book/pages");
    let entries = fs::read_dir(&directory);
    let entries = entries.with_context(|| format!("reading {}", directory.display()))?;
    let mut found = Vec::new();
    let mut missing: BTreeSet<String> = Class::all().map(|class| class.to_string()).collect();
    for entry in entries {
        let file = entry.context("reading lab/book/pages")?.path();
        let name = file.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let text = page(lab, &read(&file)?, &mut missing);
        found.push((
            name.clone(),
            text.with_context(|| format!("lab/book/pages/{name}"))?,
        ));
    }
    ensure!(
        missing.is_empty(),
        "expected a section with a report for each class, found none for {missing:?}"
    );
    Ok(found)
}

/// A page with its pictures and reports. The classes that it shows are taken from `missing`.
fn page(lab: &Path, text: &str, missing: &mut BTreeSet<String>) -> anyhow::Result<String> {
    let mut whole = String::new();
    let mut section = "";
    let all: Vec<_> = markup::lines(text).collect();
    for (at, (line, outside)) in all.iter().enumerate() {
        if let Some((_, title)) = markup::heading(line).filter(|_| *outside) {
            section = title;
        }
        let directive = line
            .strip_prefix("{{")
            .and_then(|rest| rest.strip_suffix("}}"));
        match directive.and_then(|words| words.split_once(' ')) {
            Some(("picture", name)) => whole += &picture(lab, name)?,
            Some(("report", log)) => {
                let behind = all[at + 1..].iter().map(|(line, _)| *line);
                let shown = report::shown(lab, log, behind)?;
                let class = shown.class.to_string();
                let of_class = Class::all().any(|class| class.to_string() == section);
                ensure!(
                    !of_class || class == section,
                    "{section}: expected a report of this class in {log}, found {class}"
                );
                if of_class {
                    missing.remove(&class);
                }
                whole += &shown.html;
            }
            None if directive.is_none() => whole += line,
            _ => bail!("expected {{{{picture NAME}}}} or {{{{report LOG}}}}, found {line}"),
        }
        whole.push('\n');
    }
    markup::fold(&whole)
}

/// A picture as part of a page, so that it has the colours of the theme.
pub(crate) fn picture(lab: &Path, name: &str) -> anyhow::Result<String> {
    let text = read(&lab.join(format!("book/pictures/{name}.svg")))?;
    for part in [
        "role=\"img\"",
        "<title id=",
        "<desc id=",
        "aria-labelledby=",
    ] {
        ensure!(
            text.contains(part),
            "lab/book/pictures/{name}.svg: expected {part}, found none"
        );
    }
    // An empty line would end the HTML in Markdown.
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let lines: Vec<_> = lines.map(str::trim).collect();
    Ok(format!("<figure>\n{}\n</figure>\n", lines.join("\n")))
}
