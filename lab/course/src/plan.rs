// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is left to do in a starter: its tasks in the order of the walkthroughs.

use std::path::{Path, PathBuf};

use lab_base::Result;
use lab_stages::{Stage, walkthrough};
use serde::{Deserialize, Serialize};

use crate::{order, tasks::Task, tasks::Tasks};

/// A line for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Whether it is the heading of the lines below it.
    pub is_heading: bool,
    /// The line.
    pub text: String,
}

impl Said {
    /// A heading.
    pub fn heading(text: impl Into<String>) -> Self {
        Said {
            is_heading: true,
            text: text.into(),
        }
    }

    /// Another line.
    pub fn text(text: impl Into<String>) -> Self {
        Said {
            is_heading: false,
            text: text.into(),
        }
    }
}

/// A task in its place.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The step in which it is written.
    pub step: &'static str,
    /// The task, as the starter has it.
    pub task: Task,
    /// What to write, in the walkthrough's words.
    pub words: String,
    /// The walkthrough, relative to the checkout, and the line of these words in it.
    pub page: (PathBuf, usize),
    /// The line of its TODO in the present file, from 1, or 0 if the file cannot be read; `None` if
    /// the task is done.
    pub open_at: Option<usize>,
}

impl Planned {
    /// Where it is written, as `file:line`.
    pub fn place(&self) -> String {
        let file = self.task.file.display();
        match self.open_at {
            None | Some(0) => file.to_string(),
            Some(line) => format!("{file}:{line}"),
        }
    }

    /// This task as the next one, with the words of the walkthrough.
    pub fn next(&self) -> [Said; 3] {
        let (page, line) = &self.page;
        [
            Said::heading(format!("Next: {} in {}", self.task.name, self.place())),
            Said::text(format!("  {}", self.words)),
            Said::text(format!("  From {}:{line}", page.display())),
        ]
    }
}

/// The tasks of a stage; none if the starter has the stage solved.
///
/// # Errors
/// As [`order::order`].
pub fn plan(checkout: &Path, tasks: &Tasks, stage: &Stage) -> Result<Vec<Planned>> {
    let page = walkthrough::path_of(stage.name);
    let ordered = order::order(checkout, stage)?.into_iter();
    let planned = ordered.filter_map(|place| {
        let task = tasks.tasks.iter().find(|task| task.name == place.name)?;
        Some(Planned {
            step: place.step,
            task: task.clone(),
            words: place.words,
            page: (page.clone(), place.line),
            open_at: task.line_now(checkout),
        })
    });
    Ok(planned.collect())
}

/// Whether the programs that a step starts are still to be written. The library of a stage's programs
/// belongs to the first step that needs it.
pub fn programs_are_open(plan: &[Planned], stage: &Stage, step: &str) -> bool {
    let steps: Vec<_> = stage.steps.iter().map(|step| step.name).collect();
    let place = |name: &str| steps.iter().position(|known| *known == name);
    plan.iter().any(|planned| {
        let file = &planned.task.file;
        let earlier = place(planned.step) < place(step)
            && !file.starts_with(Path::new(stage.package).join("src/bin"));
        planned.open_at.is_some()
            && file.starts_with(stage.package)
            && (planned.step == step || earlier)
    })
}
