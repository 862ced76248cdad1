// SPDX-License-Identifier: MIT OR Apache-2.0
//! The page of the contract: each clause of `lab/clauses.toml`, with the titles of its checks. A
//! check's snapshot has its title.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use anyhow::{Context, ensure};

use crate::{STAGES, markup::plain, read};

/// The clauses of each stage in their order: name and text.
pub(crate) type Clauses = Vec<(&'static str, Vec<(String, String)>)>;

pub(crate) fn clauses(lab: &Path) -> anyhow::Result<Clauses> {
    let table: toml::Table =
        toml::from_str(&read(&lab.join("clauses.toml"))?).context("reading lab/clauses.toml")?;
    ensure!(
        table.len() == STAGES.len(),
        "lab/clauses.toml: expected the stages {STAGES:?}, found {:?}",
        table.keys().collect::<Vec<_>>()
    );
    let of = |stage: &'static str| {
        let found = table.get(stage).and_then(|value| value.as_table());
        let found = found.with_context(|| format!("lab/clauses.toml: found no {stage}"))?;
        let text =
            |(name, text): (&String, &toml::Value)| Some((name.clone(), text.as_str()?.to_owned()));
        let all = found.iter().map(text).collect::<Option<_>>();
        let all = all.with_context(|| format!("lab/clauses.toml: {stage}: expected texts"))?;
        Ok((stage, all))
    };
    STAGES.into_iter().map(of).collect()
}

/// The anchor of a clause, on this page and on that of the hints.
pub(crate) fn anchor(stage: &str, clause: &str) -> String {
    format!("{stage}-{}", clause.to_lowercase())
}

/// The title of each check, by `stage-CLAUSE-what`.
fn titles(lab: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let directory = lab.join("tests/snapshots");
    let entries = fs::read_dir(&directory);
    let entries = entries.with_context(|| format!("reading {}", directory.display()))?;
    let mut titles = BTreeMap::new();
    for entry in entries {
        let file = entry.context("reading lab/tests/snapshots")?.path();
        let text = read(&file)?;
        let title = text
            .lines()
            .find_map(|line| line.strip_prefix("description: "))
            .with_context(|| format!("{}: expected a description", file.display()))?;
        let title = title.trim_matches('"').replace("\\\"", "\"");
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        titles.insert(name.into_owned(), title);
    }
    Ok(titles)
}

pub(crate) fn page(lab: &Path, clauses: &Clauses) -> anyhow::Result<String> {
    let titles = titles(lab)?;
    let mut page = String::from(
        "# The contract\n\nAfter this page you know what your code must do. The contract has \
         clauses, and each clause has a short name, such as N2. Below each clause are its checks. \
         A check has an id, and a title that says what it looks at.\n\n`make grade` carries out \
         the checks. The wire formats, limits and errnos are in `protocol/src/`.\n",
    );
    for (stage, clauses) in clauses {
        let title = title(lab, stage)?;
        writeln!(page, "\n## {title} {{#{stage}}}\n")?;
        for (name, text) in clauses {
            let anchor = anchor(stage, name);
            writeln!(page, "### {name} {{#{anchor}}}\n\n{}\n", plain(text))?;
            let prefix = format!("{stage}-{name}-");
            for (id, title) in titles.range(prefix.clone()..) {
                let Some(what) = id.strip_prefix(&prefix) else {
                    break;
                };
                writeln!(page, "- `{stage}/{name}-{what}`: {}", plain(title))?;
            }
            writeln!(page, "\n[First hint](hints.md#{anchor})\n")?;
        }
    }
    Ok(page)
}

/// The title of a stage: the first heading of its walkthrough.
pub(crate) fn title(lab: &Path, stage: &str) -> anyhow::Result<String> {
    let text = read(&lab.join(format!("walkthrough/{stage}.md")))?;
    let first = text.lines().next().unwrap_or_default();
    Ok(first.trim_start_matches('#').trim().to_owned())
}
