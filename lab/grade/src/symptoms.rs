// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ways to fail that many checks share, each with hints of its own: `[[symptom]]` of
//! `lab/rubric.toml`. Pure.

use regex::Regex;
use serde::Deserialize;
use toml::Spanned;

/// Where to look; which rule or function it is about; how it is done.
pub type Hints = [String; 3];

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
pub(crate) struct SymptomOfFile {
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
    /// The symptom of a failed check: the first one that fits. Of the observation, the first line
    /// counts.
    pub fn of(&self, id: &str, expected: &str, got: &str) -> Option<&Symptom> {
        let got = got.lines().next().unwrap_or_default();
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

    /// Add the symptoms of a file that these checks can have.
    ///
    /// # Errors
    /// The byte of the file where something is wrong, and a sentence about it.
    pub(crate) fn add(
        &mut self,
        of_file: &[SymptomOfFile],
        ids: &[&str],
    ) -> Result<(), (usize, String)> {
        for symptom in of_file {
            self.0.push(assembled(symptom, ids)?);
        }
        Ok(())
    }
}

fn assembled(of_file: &SymptomOfFile, ids: &[&str]) -> Result<Symptom, (usize, String)> {
    let name = |id: &str| id.split_once('/').map_or("", |(_, name)| name).to_owned();
    let all = |named: &dyn Fn(&str) -> bool| -> Vec<String> {
        let wanted = ids.iter().filter(|id| named(id));
        wanted.map(|&id| id.to_owned()).collect()
    };
    let some = |at: &Spanned<String>, found: Vec<String>| match found.is_empty() {
        true => Err((at.span().start, format!("there is no check {at}"))),
        false => Ok(found),
    };
    let mut checks = match of_file.checks.is_empty() {
        true => all(&|_| true),
        false => Vec::new(),
    };
    for wanted in &of_file.checks {
        let text = wanted.get_ref();
        let is_it = |id: &str| name(id) == *text || lab_scene::clause(id) == text;
        checks.extend(some(wanted, all(&is_it))?);
    }
    let mut start = Vec::new();
    for wanted in &of_file.start {
        let found = all(&|id| name(id) == *wanted.get_ref());
        start.extend(some(wanted, found)?);
    }
    let says = &of_file.says;
    Ok(Symptom {
        checks,
        says: Regex::new(says.get_ref()).map_err(|error| (says.span().start, error.to_string()))?,
        hints: of_file.hints.clone(),
        start,
    })
}
