// SPDX-License-Identifier: MIT OR Apache-2.0
//! The points of each check: `lab/rubric.toml`, verified against the scenarios.
//!
//! What an instructor changes in it is in [`instructor`].

mod instructor;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::Path,
};

use lab_base::{Error, Result};
use lab_scene::Scenario;
use lab_stages::STAGES;
use serde::{Deserialize, de::DeserializeOwned};
use toml::Spanned;

use crate::symptoms::{Hints, SymptomOfFile, Symptoms};

const FILE: &str = "lab/rubric.toml";
const TEXT: &str = include_str!("../../rubric.toml");

/// The points of all checks of a stage together.
const STAGE_POINTS: u32 = 100;

/// Most that one check, or one kind of crash, may be about: a mistyped number shows.
const POINTS_MAX: u32 = 1000;

/// The checks, and their points.
#[derive(Clone)]
pub struct Rubric {
    /// Points that each kind of crash costs, besides those of the check.
    pub crash_deduction: u32,
    /// In the order of [`STAGES`]; each has a check at least.
    pub stages: Vec<RubricStage>,
    /// Ways to fail that have hints of their own.
    pub symptoms: Symptoms,
}

/// The checks of a stage.
#[derive(Clone)]
pub struct RubricStage {
    /// As in `make NAME`.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// In the order of the report; a parent comes before its children.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Clone)]
pub struct Check {
    /// `stage/CLAUSE-what`.
    pub id: String,
    /// The scenario.
    pub scenario: &'static Scenario,
    /// Its points.
    pub points: u32,
    /// Id of the check without which this one cannot be observed.
    pub parent: Option<String>,
    /// In three levels, for failures without a [`Symptom`] of their own.
    pub hints: Hints,
    /// Of a hidden check: the seed that nobody else has.
    pub seed: Option<u64>,
}

impl Check {
    /// Whether the report says nothing of it but how it ended and what it is worth.
    pub fn hidden(&self) -> bool {
        self.seed.is_some()
    }
}

impl Rubric {
    /// The rubric of the lab.
    ///
    /// # Errors
    /// [`Error::Rubric`], if it does not fit the scenarios.
    pub fn builtin() -> Result<Self> {
        let file = Path::new(FILE);
        assemble(&Source { file, text: TEXT })
    }

    /// Keep only what `wanted` says yes to, by stage and check.
    pub fn keep(&mut self, wanted: impl Fn(&str, &Check) -> bool) {
        for stage in &mut self.stages {
            stage.checks.retain(|check| wanted(stage.name, check));
        }
        self.stages.retain(|stage| !stage.checks.is_empty());
    }

    /// Have no check wait for another.
    pub fn without_parents(&mut self) {
        for stage in &mut self.stages {
            for check in &mut stage.checks {
                check.parent = None;
            }
        }
    }

    /// All checks, in the order of the report.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        self.stages.iter().flat_map(|stage| &stage.checks)
    }
}

/// A file that is being read, to say where something is wrong.
struct Source<'a> {
    file: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        toml::from_str(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            self.error(at, error.message())
        })
    }

    /// Something is wrong at this byte.
    fn error(&self, at: usize, what: impl Into<String>) -> Error {
        let before = self.text.bytes().take(at);
        Error::Rubric {
            file: self.file.to_owned(),
            line: 1 + before.filter(|&byte| byte == b'\n').count(),
            what: what.into(),
        }
    }

    fn error_at<T>(&self, place: &Spanned<T>, what: impl Into<String>) -> Error {
        self.error(place.span().start, what)
    }

    fn points(&self, points: &Spanned<u32>) -> Result<u32> {
        match *points.get_ref() {
            points @ 1..=POINTS_MAX => Ok(points),
            other => Err(self.error_at(
                points,
                format!("expected 1 to {POINTS_MAX} points, found {other}"),
            )),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    crash_deduction: Spanned<u32>,
    stage: BTreeMap<Spanned<String>, StageOfFile>,
    /// For clauses that several stages have.
    #[serde(default)]
    hints: BTreeMap<Spanned<String>, Hints>,
    /// Of all stages.
    #[serde(default)]
    symptom: Vec<SymptomOfFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StageOfFile {
    checks: Spanned<Vec<CheckOfFile>>,
    /// Scenarios of the stage that are worth nothing: the contract does not have what they observe.
    #[serde(default)]
    ungraded: Vec<Spanned<String>>,
    /// By clause, or by check.
    #[serde(default)]
    hints: BTreeMap<Spanned<String>, Hints>,
    #[serde(default)]
    symptom: Vec<SymptomOfFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckOfFile {
    /// Without the stage.
    id: Spanned<String>,
    points: Spanned<u32>,
    parent: Option<Spanned<String>>,
}

/// The checks that a stage has; demonstrations are none.
fn scenarios(stage: &lab_stages::Stage) -> impl Iterator<Item = &'static Scenario> {
    stage.steps.iter().flat_map(|step| step.checks)
}

fn assemble(source: &Source<'_>) -> Result<Rubric> {
    let file: File = source.parse()?;
    let known = |name: &str| STAGES.iter().any(|stage| stage.name == name);
    if let Some(name) = file.stage.keys().find(|name| !known(name.get_ref())) {
        return Err(source.error_at(name, format!("there is no stage {name}")));
    }
    let mut hints_used = HashSet::new();
    let mut stages = Vec::new();
    for stage in STAGES {
        let Some(of_file) = file.stage.get(stage.name) else {
            return Err(source.error(0, format!("expected [stage.{}], found none", stage.name)));
        };
        let checks = checks(source, stage, of_file, |id| {
            let clause = id.split('-').next().unwrap_or_default();
            [id, clause]
                .into_iter()
                .find_map(|key| {
                    [&of_file.hints, &file.hints]
                        .into_iter()
                        .find_map(|hints| hints.get_key_value(key))
                })
                .map(|(key, hints)| {
                    hints_used.insert(key.span().start);
                    hints
                })
        })?;
        stages.push(RubricStage {
            name: stage.name,
            title: stage.title,
            checks,
        });
    }
    let all_hints = file.stage.values().map(|stage| &stage.hints);
    for key in all_hints.chain([&file.hints]).flat_map(BTreeMap::keys) {
        if !hints_used.contains(&key.span().start) {
            return Err(source.error_at(key, format!("no check has the hints of {key}")));
        }
    }
    let ids = |stages: &[RubricStage]| -> Vec<String> {
        let checks = stages.iter().flat_map(|stage| &stage.checks);
        checks.map(|check| check.id.clone()).collect()
    };
    let mut symptoms = Symptoms::default();
    let mut add = |of_file: &[SymptomOfFile], stages: &[RubricStage]| {
        let ids = ids(stages);
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let added = symptoms.add(of_file, &ids);
        added.map_err(|(at, what)| source.error(at, what))
    };
    for stage in &stages {
        if let Some(of_file) = file.stage.get(stage.name) {
            add(&of_file.symptom, std::slice::from_ref(stage))?;
        }
    }
    add(&file.symptom, &stages)?;
    Ok(Rubric {
        crash_deduction: source.points(&file.crash_deduction)?,
        stages,
        symptoms,
    })
}

/// The checks of a stage: each that there is exactly once, and worth 100 together.
fn checks<'a>(
    source: &Source<'_>,
    stage: &lab_stages::Stage,
    of_file: &StageOfFile,
    mut hints: impl FnMut(&str) -> Option<&'a Hints>,
) -> Result<Vec<Check>> {
    let mut missing: BTreeSet<&str> = scenarios(stage).map(|scenario| scenario.id).collect();
    for name in &of_file.ungraded {
        let id = format!("{}/{name}", stage.name);
        if !missing.remove(&*id) {
            return Err(source.error_at(name, format!("there is no check {id}")));
        }
    }
    let mut checks: Vec<Check> = Vec::new();
    for row in of_file.checks.get_ref() {
        let id = format!("{}/{}", stage.name, row.id);
        let scenario = scenarios(stage).find(|scenario| scenario.id == id);
        let Some(scenario) = scenario else {
            return Err(source.error_at(&row.id, format!("there is no check {id}")));
        };
        if !missing.remove(scenario.id) {
            return Err(source.error_at(&row.id, format!("{id} is here twice, or ungraded")));
        }
        let parent = row.parent.as_ref().map(|parent| {
            let id = format!("{}/{parent}", stage.name);
            if checks.iter().any(|check| check.id == id) {
                return Ok(id);
            }
            Err(source.error_at(parent, format!("there is no check {id} above this one")))
        });
        let hints = hints(row.id.get_ref())
            .ok_or_else(|| source.error_at(&row.id, format!("there are no hints for {id}")))?;
        checks.push(Check {
            id,
            scenario,
            points: source.points(&row.points)?,
            parent: parent.transpose()?,
            hints: hints.clone(),
            seed: None,
        });
    }
    if !missing.is_empty() {
        let missing: Vec<&str> = missing.into_iter().collect();
        let what = format!("these checks are missing: {}", missing.join(", "));
        return Err(source.error_at(&of_file.checks, what));
    }
    let total: u32 = checks.iter().map(|check| check.points).sum();
    if total != STAGE_POINTS {
        let what = format!(
            "expected {STAGE_POINTS} points in {}, found {total}",
            stage.name
        );
        return Err(source.error_at(&of_file.checks, what));
    }
    Ok(checks)
}
