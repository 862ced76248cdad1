// SPDX-License-Identifier: MIT OR Apache-2.0
//! The step of part 1: its demonstration and checks.

use lab_agent::Exit;
use lab_scene::{LooksAt, Outcome, Scenario, Scene};

use super::{checks, ends, expect_summary, faults, model, start};
use crate::Step;

pub(crate) const STEP: Step = Step {
    name: "threads",
    modules: &[],
    demonstration: &DEMONSTRATION,
    module_alone: None,
    checks: CHECKS,
};

/// The demonstration of `lab demo part1`.
static DEMONSTRATION: Scenario = Scenario {
    id: "part1/T1-demonstration",
    title: "numbers pass through a bounded buffer",
    looks_at: LooksAt::Programs,
    run: demonstration,
};

/// The checks of the clauses.
static CHECKS: &[Scenario] = &[
    checks::THREADS,
    ends::WAITING,
    faults::OUT_OF_PLACE,
    faults::LEFT_OVER,
    checks::MANY,
    ends::CLOSE,
    ends::CLOSE_WAKES,
    ends::ENDS,
    checks::CAPACITIES,
    ends::FULL,
    checks::ZEROES,
    faults::PANICS,
    checks::BUFFERS,
    checks::COMPARED,
    checks::QUIET,
    checks::TERMINAL,
    model::MODEL,
];

fn demonstration(scene: &mut Scene<'_>) -> Outcome {
    scene.step(
        "one producer, one consumer",
        "all arrive in order",
        |scene| {
            expect_summary(
                scene,
                &["--items", "100000"],
                "100000 items in order, 1 producer, 1 consumer, capacity 1024, mutex",
            )
        },
    )?;
    scene.step(
        "three producers, two consumers, a small buffer",
        "each number arrives once, and those of one producer in order",
        |scene| {
            expect_summary(
                scene,
                &[
                    "--items",
                    "10000",
                    "--producers",
                    "3",
                    "--consumers",
                    "2",
                    "--capacity",
                    "4",
                ],
                "10000 items in order, 3 producers, 2 consumers, capacity 4, mutex",
            )
        },
    )?;
    scene.step(
        "a buffer without a place",
        "an error, and no thread is started",
        |scene| {
            let program = start(scene, &["--capacity", "0"])?;
            scene.expect_complaint(&program, &["--capacity", "'0'", "from 1"])?;
            scene.expect_end(&program, Exit::Status(2)).map(drop)
        },
    )
}
