// SPDX-License-Identifier: MIT OR Apache-2.0
//! The catalogue: all stages, and all scenarios by their ids.

use lab_scene::Scenario;

use crate::{
    greeting, hello, pubsub, router, routes, slot,
    stage::{Stage, Step},
    threads,
};

/// All stages.
pub static STAGES: &[Stage] = &[
    Stage {
        name: "part1",
        title: "Part 1: threads of one process",
        package: "part1-threads",
        steps: &[threads::step::STEP],
    },
    Stage {
        name: "part2",
        title: "Part 2: one process and one kernel module",
        package: "part2-netlink",
        steps: &[
            hello::STEP,
            greeting::step::STEP,
            routes::step::STEP,
            pubsub::step::STEP,
        ],
    },
    Stage {
        name: "part3",
        title: "Part 3: kernel lists that route between any number of processes",
        package: "part3-lists",
        steps: &[router::step::STEP],
    },
    Stage {
        name: "message-slot",
        title: "Message slot: a character device with channels",
        package: "message-slot",
        steps: &[slot::step::STEP],
    },
];

/// A stage by its name.
pub fn stage(name: &str) -> Option<&'static Stage> {
    STAGES.iter().find(|stage| stage.name == name)
}

/// All scenarios of all stages.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    STAGES
        .iter()
        .flat_map(|stage| stage.steps)
        .flat_map(|step| std::iter::once(step.demonstration).chain(step.checks))
}

/// The step that a check belongs to, by the check's id.
pub fn step_of(id: &str) -> Option<&'static Step> {
    let mut steps = STAGES.iter().flat_map(|stage| stage.steps);
    steps.find(|step| step.checks.iter().any(|check| check.id == id))
}

/// A scenario by its id.
pub fn find(id: &str) -> Option<&'static Scenario> {
    all().find(|scenario| scenario.id == id)
}
