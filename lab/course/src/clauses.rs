// SPDX-License-Identifier: MIT OR Apache-2.0
//! The clauses of the contract in words, from `lab/clauses.toml`.

use std::collections::BTreeMap;

use lab_base::{Error, Result};

/// The words of each clause: by stage, then by clause, as in `N1`.
pub struct Clauses(BTreeMap<String, BTreeMap<String, String>>);

impl Clauses {
    /// The clauses that this lab was built with.
    ///
    /// # Errors
    /// [`Error::Unexpected`] if the file is no table of clauses.
    pub fn builtin() -> Result<Self> {
        toml::from_str(include_str!("../../clauses.toml"))
            .map(Clauses)
            .map_err(|error| Error::Unexpected(format!("lab/clauses.toml: {error}")))
    }

    /// A clause in words, without the test that covers it.
    pub fn words(&self, stage: &str, clause: &str) -> Option<&str> {
        let words = self.0.get(stage)?.get(clause)?;
        Some(words.split("; test: ").next().unwrap_or(words))
    }
}

/// The task without its clauses, and the clauses: `"read a message (R1-R3, D8)"` has R1, R2, R3 and
/// D8.
pub fn split(task: &str) -> (&str, Vec<String>) {
    let parts = task
        .strip_suffix(')')
        .and_then(|task| task.rsplit_once(" ("));
    let Some((words, list)) = parts else {
        return (task, Vec::new());
    };
    let clauses = list
        .split(", ")
        .flat_map(|part| match part.split_once('-') {
            Some((first, last)) => all_from(first, last),
            None => vec![part.to_owned()],
        });
    (words, clauses.collect())
}

/// The letters and the number of a clause, by which clauses are sorted: N3 comes before N11.
pub fn key(clause: &str) -> (&str, u32) {
    let letters = clause.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = clause[letters.len()..].parse().unwrap_or_default();
    (letters, number)
}

/// The clauses from one to another, as in I1 and I4.
fn all_from(first: &str, last: &str) -> Vec<String> {
    let ((letters, from), (_, to)) = (key(first), key(last));
    (from..=to).map(|n| format!("{letters}{n}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_of_a_task_are_split_off() {
        let (words, clauses) = split("return the message; it stays (R1-R3, D8)");
        assert_eq!(words, "return the message; it stays");
        assert_eq!(clauses, ["R1", "R2", "R3", "D8"]);
        assert_eq!(split("say why"), ("say why", Vec::new()));
    }

    #[test]
    fn a_clause_has_words() {
        let clauses = Clauses::builtin().unwrap();
        let found = clauses.words("part1", "T8");
        assert_eq!(found, Some("progress on a terminal only"));
        assert_eq!(clauses.words("part1", "T99"), None);
    }
}
