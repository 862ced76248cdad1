// SPDX-License-Identifier: MIT OR Apache-2.0
//! All stages with their steps, and all scenarios by their ids.

use lab_base::{
    Error, Result,
    catalogue::{MESSAGE_SLOT, PART1, PART2, PART3},
};
use lab_scene::Scenario;

use crate::{
    greeting, hello, pubsub, router, routes, slot,
    stage::{Stage, Step},
    threads,
};

/// All stages, as [`lab_base::catalogue::ROWS`].
pub static STAGES: &[Stage] = &[
    Stage::new(PART1, &[threads::step::STEP]),
    Stage::new(
        PART2,
        &[
            hello::STEP,
            greeting::step::STEP,
            routes::step::STEP,
            pubsub::step::STEP,
        ],
    ),
    Stage::new(PART3, &[router::step::STEP]),
    Stage::new(MESSAGE_SLOT, &[slot::step::STEP]),
];

/// A stage by its name.
pub fn stage(name: &str) -> Option<&'static Stage> {
    STAGES.iter().find(|stage| stage.name == name)
}

/// A stage that somebody has named.
///
/// # Errors
/// [`Error::Unexpected`] with the names that there are.
pub fn stage_named(name: &str) -> Result<&'static Stage> {
    stage(name).ok_or_else(|| {
        let names: Vec<_> = STAGES.iter().map(|stage| stage.name).collect();
        Error::Unexpected(format!(
            "expected a stage, one of {}, found {name}",
            names.join(", ")
        ))
    })
}

/// All scenarios of all stages.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    STAGES.iter().flat_map(all_of)
}

fn all_of(stage: &'static Stage) -> impl Iterator<Item = &'static Scenario> {
    let steps = stage.steps.iter();
    steps.flat_map(|step| {
        let shown = std::iter::once(step.demonstration).chain(step.module_alone);
        shown.chain(step.checks)
    })
}

/// The step of a check, by the check's id.
pub fn step_of(id: &str) -> Option<&'static Step> {
    let mut steps = STAGES.iter().flat_map(|stage| stage.steps);
    steps.find(|step| step.checks.iter().any(|check| check.id == id))
}

/// A scenario by its id.
pub fn find(id: &str) -> Option<&'static Scenario> {
    all().find(|scenario| scenario.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lab_base::catalogue::ROWS;

    use super::*;

    #[test]
    fn each_row_has_its_steps_and_each_scenario_its_row() {
        let names: Vec<_> = STAGES.iter().map(|stage| stage.name).collect();
        assert_eq!(names, ROWS.map(|row| row.name));
        for (stage, row) in STAGES.iter().zip(&ROWS) {
            let of_steps = stage.steps.iter().flat_map(|step| step.modules);
            let of_steps: BTreeSet<_> = of_steps.copied().collect();
            assert_eq!(of_steps, row.modules.iter().copied().collect());
            for scenario in all_of(stage) {
                let (of, _) = scenario.id.split_once('/').unwrap();
                assert_eq!(of, row.name, "{}", scenario.id);
            }
        }
    }
}
