// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ways to fail that many checks share, each with hints of its own: `[[symptom]]` of the rubric.

use lab_base::Result;
use regex::Regex;
use serde::Deserialize;
use toml::Spanned;

use super::{Check, Hints, RubricStage, Source};

/// A way to fail.
#[derive(Clone, Debug)]
pub struct Symptom {
    /// Ids of the checks that can have it.
    checks: Vec<String>,
    /// What the report of such a failure says.
    says: Regex,
    /// Instead of the check's own hints.
    pub hints: Hints,
    /// Ids of the most basic checks. If many checks fail this way, start with the first that is among
    /// them.
    pub start: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SymptomOfFile {
    /// A regular expression.
    says: Spanned<String>,
    /// Names or clauses of checks; without any, all checks.
    #[serde(default)]
    checks: Vec<Spanned<String>>,
    hints: Hints,
    /// Names of checks.
    #[serde(default)]
    start: Vec<Spanned<String>>,
}

/// All ways to fail; those of one stage come first.
#[derive(Clone, Debug, Default)]
pub struct Symptoms(Vec<Symptom>);

impl Symptoms {
    /// The symptom of a failed check: the first one that fits.
    pub fn of(&self, id: &str, expected: &str, got: &str) -> Option<&Symptom> {
        let text = format!("expected: {expected}\ngot: {got}");
        let fits = |symptom: &&Symptom| {
            symptom.checks.iter().any(|other| other == id) && symptom.says.is_match(&text)
        };
        self.0.iter().find(fits)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Symptom> {
        self.0.iter()
    }

    /// Add the symptoms of a file that these stages can have.
    pub(super) fn add(
        &mut self,
        source: &Source<'_>,
        of_file: &[SymptomOfFile],
        stages: &[RubricStage],
    ) -> Result<()> {
        self.0.extend(symptoms(source, of_file, stages)?);
        Ok(())
    }
}

fn symptoms(
    source: &Source<'_>,
    of_file: &[SymptomOfFile],
    stages: &[RubricStage],
) -> Result<Vec<Symptom>> {
    let ids = |named: &dyn Fn(&Check) -> bool| -> Vec<String> {
        let checks = stages.iter().flat_map(|stage| &stage.checks);
        let wanted = checks.filter(|check| named(check));
        wanted.map(|check| check.id.clone()).collect()
    };
    let name = |check: &Check| {
        check
            .id
            .split_once('/')
            .map_or("", |(_, name)| name)
            .to_owned()
    };
    let found = |at: &Spanned<String>, ids: Vec<String>| match ids.is_empty() {
        true => Err(source.error_at(at, format!("there is no check {at}"))),
        false => Ok(ids),
    };
    let symptom = |of_file: &SymptomOfFile| {
        let says = &of_file.says;
        let mut checks = match of_file.checks.is_empty() {
            true => ids(&|_| true),
            false => Vec::new(),
        };
        for wanted in &of_file.checks {
            let is_it = |check: &Check| {
                name(check) == *wanted.get_ref() || check.scenario.clause() == wanted.get_ref()
            };
            checks.extend(found(wanted, ids(&is_it))?);
        }
        let mut start = Vec::new();
        for wanted in &of_file.start {
            start.extend(found(
                wanted,
                ids(&|check| name(check) == *wanted.get_ref()),
            )?);
        }
        Ok(Symptom {
            checks,
            says: Regex::new(says.get_ref())
                .map_err(|error| source.error_at(says, error.to_string()))?,
            hints: of_file.hints.clone(),
            start,
        })
    };
    of_file.iter().map(symptom).collect()
}
