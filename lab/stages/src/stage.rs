// SPDX-License-Identifier: MIT OR Apache-2.0
//! The parts of a stage.

use lab_base::catalogue::StageRow;
use lab_scene::Scenario;

/// One assignment stage: its row of the catalogue, with its steps.
#[derive(Clone, Copy)]
pub struct Stage {
    /// The name as in `make NAME`.
    pub name: &'static str,
    /// Title for people.
    pub title: &'static str,
    /// The package of its programs.
    pub package: &'static str,
    /// Its steps, in the order in which they are shown.
    pub steps: &'static [Step],
}

impl Stage {
    pub(crate) const fn new(row: StageRow, steps: &'static [Step]) -> Self {
        Stage {
            name: row.name,
            title: row.title,
            package: row.package,
            steps,
        }
    }
}

/// One step of a stage: a demonstration and the clauses behind it.
#[derive(Clone, Copy)]
pub struct Step {
    /// The name as in `STEP=NAME`.
    pub name: &'static str,
    /// The modules of `kernel/` that it needs.
    pub modules: &'static [&'static str],
    /// The demonstration for students.
    pub demonstration: &'static Scenario,
    /// The demonstration of the modules with the lab's own client, for students who have not written
    /// the programs yet; `None` without modules.
    pub module_alone: Option<&'static Scenario>,
    /// The checks of the clauses.
    pub checks: &'static [Scenario],
}
