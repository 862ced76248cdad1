// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tasks of a starter, and the text that it had when it was made.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use lab_base::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::starter::Region;

/// Where a starter keeps them, relative to its directory. The tree of the solutions has no such file.
pub const FILE: &str = "lab/original.json";

/// What a starter knows about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tasks {
    /// All tasks, by file and then by line.
    pub tasks: Vec<Task>,
    /// Each file with a task, relative to the checkout, with its first text.
    pub files: BTreeMap<PathBuf, String>,
}

/// A task of a student.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its unique name, which stands behind `TODO`.
    pub name: String,
    /// What is to be written, with its clauses in parentheses.
    pub task: String,
    /// Its file, relative to the checkout.
    pub file: PathBuf,
    /// The number of lines that it has in the first text: the TODO, and the stub.
    pub lines: usize,
    /// A solution, if the teacher hands it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solution: Option<Vec<String>>,
}

impl Task {
    pub(crate) fn of(region: &Region, with_solution: bool) -> Self {
        Task {
            name: region.name.clone(),
            task: region.task.clone(),
            file: region.file.clone(),
            lines: 1 + region.stub.lines().count(),
            solution: with_solution.then(|| region.lines.clone()),
        }
    }

    /// Whether a line of code is the TODO of this task.
    fn is_at(&self, line: &str) -> bool {
        let words = line.split_once("TODO ").map(|(_, words)| words);
        words
            .and_then(|words| words.strip_prefix(self.name.as_str()))
            .is_some_and(|rest| rest.starts_with(':'))
    }

    /// The index of the line with its TODO, if the text has it.
    pub fn place_in(&self, text: &str) -> Option<usize> {
        text.lines().position(|line| self.is_at(line))
    }

    /// The number of its line in the present file, from 1. `None` if the TODO is gone, so the task is
    /// done. A file that is missing or cannot be read has the line 0.
    pub fn line_now(&self, checkout: &Path) -> Option<usize> {
        match fs::read(checkout.join(&self.file)) {
            Ok(bytes) => self
                .place_in(&String::from_utf8_lossy(&bytes))
                .map(|at| at + 1),
            Err(_) => Some(0),
        }
    }
}

impl Tasks {
    /// The tasks of this checkout; `None` if it is no starter.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Unexpected`] if the file cannot be read.
    pub fn of(checkout: &Path) -> Result<Option<Self>> {
        let file = checkout.join(FILE);
        match fs::read_to_string(&file) {
            Ok(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|error| Error::Unexpected(format!("{}: {error}", file.display()))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(format!("reading {}", file.display()))(error)),
        }
    }

    /// A task by its name.
    ///
    /// # Errors
    /// [`Error::Unexpected`] with the names that are like it.
    pub fn find(&self, name: &str) -> Result<&Task> {
        if let Some(task) = self.tasks.iter().find(|task| task.name == name) {
            return Ok(task);
        }
        let all = || self.tasks.iter().map(|task| task.name.as_str());
        let mut alike: Vec<_> = all().filter(|known| known.contains(name)).collect();
        let beginning = name.split('-').next().unwrap_or_default();
        if alike.is_empty() {
            alike = all().filter(|known| known.starts_with(beginning)).collect();
        }
        let known = match (name, &alike[..]) {
            ("", _) | (_, []) => "make todo lists the tasks".to_owned(),
            _ => format!("there are {}", alike.join(", ")),
        };
        Err(Error::Unexpected(format!(
            "expected the name of a task, found {name:?}; {known}"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks() -> Tasks {
        let task = |name: &str| Task {
            name: name.to_owned(),
            task: "do it (A1)".to_owned(),
            file: "kernel/a.c".into(),
            lines: 1,
            solution: None,
        };
        Tasks {
            tasks: vec![task("a-read"), task("a-read-all")],
            files: BTreeMap::new(),
        }
    }

    #[test]
    fn a_task_is_open_while_its_todo_is_there() {
        let tasks = tasks();
        let text = "x\n\t/* TODO a-read-all: do it (A1) */\n";
        assert_eq!(tasks.tasks[0].place_in(text), None);
        assert_eq!(tasks.tasks[1].place_in(text), Some(1));
    }

    #[test]
    fn an_unknown_task_is_told_with_those_like_it() {
        let said = |name: &str| tasks().find(name).unwrap_err().to_string();
        assert_eq!(tasks().find("a-read").unwrap().name, "a-read");
        assert!(said("read").ends_with("there are a-read, a-read-all"));
        assert!(said("a-write").ends_with("there are a-read, a-read-all"));
        assert!(said("b").ends_with("make todo lists the tasks"));
        assert!(said("").ends_with("make todo lists the tasks"));
    }
}
