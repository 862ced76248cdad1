// SPDX-License-Identifier: MIT OR Apache-2.0
//! The page of the first hints: the first of the three hints in `lab/rubric.toml` for each clause,
//! and for the checks with hints of their own. The other two would give too much away.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::{
    contract::{Clauses, anchor, title},
    markup::{capital, plain},
    read,
};

type Hints = BTreeMap<String, Vec<String>>;

#[derive(Deserialize)]
struct Rubric {
    hints: Hints,
    stage: BTreeMap<String, Stage>,
}

#[derive(Deserialize)]
struct Stage {
    #[serde(default)]
    hints: Hints,
}

pub(crate) fn page(lab: &Path, clauses: &Clauses) -> anyhow::Result<String> {
    let rubric = read(&lab.join("rubric.toml"))?;
    let rubric: Rubric = toml::from_str(&rubric).context("reading lab/rubric.toml")?;
    let mut page = String::from(
        "# First hints\n\nAfter this page you know where to look when a check fails. These are the \
         first of three hints for each clause. `make hint CHECK=` with the id of a check gives the \
         next ones. It also looks at how the check has failed.\n",
    );
    for (stage, clauses) in clauses {
        writeln!(page, "\n## {} {{#{stage}}}\n", title(lab, stage)?)?;
        let own = rubric.stage.get(*stage);
        let own = own.with_context(|| format!("lab/rubric.toml: found no stage.{stage}"))?;
        for (name, _) in clauses {
            let anchor = anchor(stage, name);
            let found = of_clause(name, &own.hints, &rubric.hints);
            ensure!(
                !found.is_empty(),
                "lab/rubric.toml: expected a hint for {stage}/{name}, found none"
            );
            writeln!(page, "### {name} {{#{anchor}}}\n")?;
            for (key, hint) in found {
                // Each hint of a clause begins with its name, which is the heading here.
                let hint = hint
                    .strip_prefix(&format!("Clause {name}: "))
                    .unwrap_or(hint);
                let hint = plain(&capital(hint));
                match key == name {
                    true => writeln!(page, "{hint}\n")?,
                    false => writeln!(page, "- `{stage}/{key}`: {hint}")?,
                }
            }
            writeln!(page, "\n[What the clause says](contract.md#{anchor})\n")?;
        }
    }
    Ok(page)
}

/// The first hint of a clause, and those of its checks. The hints of a stage come before the common
/// ones.
fn of_clause<'a>(clause: &str, own: &'a Hints, common: &'a Hints) -> Vec<(&'a str, &'a str)> {
    let prefix = format!("{clause}-");
    let mut keys: BTreeMap<&str, &str> = BTreeMap::new();
    for (key, hints) in common.iter().chain(own) {
        if (key == clause || key.starts_with(&prefix))
            && let Some(first) = hints.first()
        {
            keys.insert(key, first);
        }
    }
    keys.into_iter().collect()
}
