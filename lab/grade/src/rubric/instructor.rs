// SPDX-License-Identifier: MIT OR Apache-2.0
//! An instructor's changes of the rubric, in a file outside the repository:
//!
//! ```toml
//! off = ["part2/N9-other-namespace"]
//!
//! [points]
//! "message-slot/W5-intact" = 12
//!
//! [[hidden]]
//! id = "message-slot/hidden-1"
//! scenario = "message-slot/W5-fuzz"
//! seed = 4711
//! points = 5
//! ```
//!
//! A hidden check is a scenario with inputs that are drawn from a seed of its own. It is blocked by
//! what blocks the check of that scenario.

use std::{collections::BTreeMap, path::Path};

use lab_base::{Error, Result};
use serde::Deserialize;
use toml::Spanned;

use super::{Check, Rubric, Source};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    /// Checks that are not carried out.
    #[serde(default)]
    off: Vec<Spanned<String>>,
    /// What checks are worth instead.
    #[serde(default)]
    points: BTreeMap<Spanned<String>, Spanned<u32>>,
    #[serde(default)]
    hidden: Vec<Hidden>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hidden {
    id: Spanned<String>,
    scenario: Spanned<String>,
    seed: u64,
    points: Spanned<u32>,
}

impl Rubric {
    /// The rubric of the lab with an instructor's changes.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read, [`Error::Rubric`] if it cannot be understood.
    pub fn with(file: &Path) -> Result<Self> {
        let what = || Error::io(format!("reading {}", file.display()));
        let text = std::fs::read_to_string(file).map_err(what())?;
        let source = Source { file, text: &text };
        apply(&source, Self::builtin()?)
    }
}

pub(super) fn apply(source: &Source<'_>, mut rubric: Rubric) -> Result<Rubric> {
    let Changes {
        off,
        points,
        hidden,
    } = source.parse()?;
    for (id, points) in &points {
        find(source, &mut rubric, id)?.points = source.points(points)?;
    }
    // Before any is switched off: only its hidden variant may be wanted.
    for hidden in &hidden {
        add(source, &mut rubric, hidden)?;
    }
    for id in &off {
        let parent = find(source, &mut rubric, id)?.parent.clone();
        for stage in &mut rubric.stages {
            stage.checks.retain(|check| check.id != **id.get_ref());
            for check in &mut stage.checks {
                if check.parent.as_ref() == Some(id.get_ref()) {
                    check.parent.clone_from(&parent);
                }
            }
        }
    }
    rubric.stages.retain(|stage| !stage.checks.is_empty());
    if rubric.stages.is_empty() {
        return Err(source.error(0, "expected a check that is left, found none"));
    }
    Ok(rubric)
}

/// A check by its id.
fn find<'a>(
    source: &Source<'_>,
    rubric: &'a mut Rubric,
    id: &Spanned<String>,
) -> Result<&'a mut Check> {
    let mut checks = rubric.stages.iter_mut().flat_map(|stage| &mut stage.checks);
    checks
        .find(|check| check.id == *id.get_ref())
        .ok_or_else(|| source.error_at(id, format!("there is no check {id}")))
}

fn add(source: &Source<'_>, rubric: &mut Rubric, hidden: &Hidden) -> Result<()> {
    let id = &hidden.id;
    let of = find(source, rubric, &hidden.scenario)?.clone();
    if rubric.checks().any(|check| check.id == *id.get_ref()) {
        return Err(source.error_at(id, format!("there is a check {id} already")));
    }
    // Whatever it is written into, the stage is what stands before the slash.
    let stage = rubric.stages.iter_mut().find(|stage| {
        let what = id.get_ref().strip_prefix(stage.name);
        let what = what.and_then(|rest| rest.strip_prefix('/'));
        let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        of.id.starts_with(&format!("{}/", stage.name))
            && what.is_some_and(|what| !what.is_empty() && what.bytes().all(good))
    });
    let Some(stage) = stage else {
        let (stage, _) = of.id.split_once('/').unwrap_or_default();
        let what = format!("expected an id {stage}/NAME of letters, digits and dashes, found {id}");
        return Err(source.error_at(id, what));
    };
    stage.checks.push(Check {
        id: id.get_ref().clone(),
        points: source.points(&hidden.points)?,
        seed: Some(hidden.seed),
        ..of
    });
    Ok(())
}
