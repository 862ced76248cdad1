// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checks of one step that fail in the same way, because they probably have one cause. Pure.
//!
//! Two checks fail in the same way if they have the same symptom of the rubric. Without a symptom,
//! their expectations must begin alike. The first lines of their observations must be equal, apart
//! from numbers.

use std::sync::LazyLock;

use lab_stages::step_of;
use regex::Regex;

use crate::symptoms::{Hints, Symptoms};

/// Fewer checks can fail alike by chance.
const CHECKS_MIN: usize = 4;

/// A check that has failed.
#[derive(Clone, Copy, Debug)]
pub struct FailedCheck<'a> {
    /// Its id.
    pub id: &'a str,
    /// The expectation.
    pub expected: &'a str,
    /// The observation.
    pub got: &'a str,
}

/// Several checks that fail in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedFailure {
    /// The observation, of the check to start with. A bare number comes with the expectation.
    pub got: String,
    /// Ids of the checks, in the order in which they were given.
    pub checks: Vec<String>,
    /// Id of the most basic one.
    pub start: String,
}

impl SharedFailure {
    /// For people, without a full stop.
    pub fn in_words(&self) -> String {
        format!(
            "{} checks fail in the same way ({}); start with {}",
            self.checks.len(),
            self.got,
            self.start
        )
    }
}

/// How a check fails.
#[derive(PartialEq, Eq)]
enum Way<'a> {
    /// The hints of the symptom. Each symptom has its own.
    Symptom(&'a Hints),
    /// The beginning of the expectation, and the observation.
    Alike(&'a str, String),
}

impl Symptoms {
    /// The failures that several of these checks share.
    pub fn shared(&self, failed: &[FailedCheck<'_>]) -> Vec<SharedFailure> {
        let mut groups: Vec<(Option<&str>, Way<'_>, Vec<&FailedCheck<'_>>)> = Vec::new();
        for check in failed {
            let step = step_of(check.id).map(|step| step.name);
            let Some(way) = self.way(check) else { continue };
            let known = (groups.iter_mut()).find(|(of, other, _)| *of == step && *other == way);
            match known {
                Some((.., checks)) => checks.push(check),
                None => groups.push((step, way, vec![check])),
            }
        }
        let checks = groups.into_iter().map(|(.., checks)| checks);
        let shared = checks.filter(|checks| checks.len() >= CHECKS_MIN);
        shared.filter_map(|checks| self.told(&checks)).collect()
    }

    fn way<'a>(&'a self, check: &FailedCheck<'a>) -> Option<Way<'a>> {
        if let Some(symptom) = self.of(check.id, check.expected, check.got) {
            return Some(Way::Symptom(&symptom.hints));
        }
        let first = check.got.lines().next().unwrap_or_default();
        let got = without_numbers(first);
        // The difference is in a number or in a payload, so each may have another cause.
        (got != without_numbers(check.expected)).then(|| Way::Alike(beginning(check.expected), got))
    }

    fn told(&self, checks: &[&FailedCheck<'_>]) -> Option<SharedFailure> {
        let first = checks.first()?;
        let symptom = self.of(first.id, first.expected, first.got);
        let basic = symptom.map_or(&[][..], |symptom| &symptom.start);
        let start = basic
            .iter()
            .find_map(|id| checks.iter().find(|check| check.id == id))
            .unwrap_or(first);
        let got = start.got.lines().next().unwrap_or_default();
        let got = got.trim_end_matches([':', ' ']);
        let is_number = !got.contains(char::is_alphabetic);
        Some(SharedFailure {
            got: match is_number {
                true => format!("expected {}, got {got}", start.expected),
                false => got.to_owned(),
            },
            checks: checks.iter().map(|check| check.id.to_owned()).collect(),
            start: start.id.to_owned(),
        })
    }
}

/// An expectation up to its first number, quotation or value.
fn beginning(expected: &str) -> &str {
    let end = expected.find(|c: char| c.is_ascii_digit() || c == '"' || c == ':');
    &expected[..end.unwrap_or(expected.len())]
}

/// A text in which all numbers but 0 are alike: the inputs of each check are drawn at random.
fn without_numbers(text: &str) -> String {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
        #[expect(clippy::expect_used, reason = "a constant that the tests use")]
        Regex::new(r"\b(0x[0-9a-f]+|[1-9][0-9]*)\b").expect("a valid pattern")
    });
    NUMBER.replace_all(text, "N").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rubric::Rubric;

    /// Ids of checks of one step, each with an expectation and an observation.
    fn shared(texts: &[(&str, &str)]) -> Vec<SharedFailure> {
        let ids = [
            "D1-minors",
            "D1-orders",
            "I1-chosen",
            "I4-ids",
            "W1-replaces",
        ];
        let ids = ids.map(|name| format!("message-slot/{name}"));
        let failed: Vec<_> = (ids.iter().zip(texts))
            .map(|(id, &(expected, got))| FailedCheck { id, expected, got })
            .collect();
        Rubric::builtin().unwrap().symptoms.shared(&failed)
    }

    #[test]
    fn equal_observations_share_a_cause_whatever_numbers_they_have() {
        let alike = [
            ("it jumps 8 times", "it sleeps after 3 s"),
            ("it jumps 9 times: \"x\"", "it sleeps after 4 s"),
            ("it jumps", "it falls"),
            ("it jumps \"x\"", "it sleeps after 31 s"),
            ("it jumps 1 time", "it sleeps after 7 s"),
        ];
        let [found] = &shared(&alike)[..] else {
            panic!("{:?}", shared(&alike));
        };
        assert_eq!(found.checks.len(), 4);
        assert_eq!(
            found.in_words(),
            "4 checks fail in the same way (it sleeps after 3 s); start with message-slot/D1-minors"
        );
        assert_eq!(shared(&alike[..4]), []);
    }

    #[test]
    fn zero_is_not_any_number_and_other_values_are_no_symptom() {
        let zero = [("it jumps", "it counts 0"), ("it jumps", "it counts 1")];
        assert_eq!(shared(&[zero[0], zero[0], zero[1], zero[1], zero[1]]), []);
        assert_eq!(shared(&[("it counts 1", "it counts 2"); 5]), []);
    }

    #[test]
    fn checks_of_different_steps_share_nothing() {
        let ids = [
            "part2/H1-bytes",
            "part2/B1-role-byte",
            "part2/E2-list",
            "part2/G2-trigger",
        ];
        let failed = ids.map(|id| FailedCheck {
            id,
            expected: "it jumps",
            got: "it falls",
        });
        assert_eq!(Rubric::builtin().unwrap().symptoms.shared(&failed), []);
    }
}
