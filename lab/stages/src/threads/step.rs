// SPDX-License-Identifier: MIT OR Apache-2.0
//! The step of part 1: what is shown, and the checks behind it.

use lab_agent::Exit;
use lab_scene::{LooksAt, Outcome, Scenario, Scene};

use super::{checks, ends, expect_summary, faults, model, start};
use crate::Step;

pub(crate) const STEP: Step = Step {
    name: "threads",
    modules: &[],
    demonstration: &DEMONSTRATION,
    checks: CHECKS,
};

/// What `lab demo part1` shows.
static DEMONSTRATION: Scenario = Scenario {
    id: "part1/T1-demonstration",
    title: "numbers go through a bounded buffer",
    looks_at: LooksAt::Programs,
    run: demonstration,
};

/// The clauses, one by one.
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
        "all come, in their order",
        |scene| {
            expect_summary(
                scene,
                &["--items", "100000"],
                "100000 items in order, 1 producer, 1 consumer, capacity 1024, mutex",
            )
        },
    )?;
    scene.step(
        "three producers, two consumers, little room",
        "each comes once, and those of one producer in their order",
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
        "an error, and nothing is started",
        |scene| {
            let program = start(scene, &["--capacity", "0"])?;
            scene.expect_complaint(&program, &["--capacity", "'0'", "from 1"])?;
            scene.expect_end(&program, Exit::Status(2)).map(drop)
        },
    )
}
