// SPDX-License-Identifier: MIT OR Apache-2.0
//! Clauses T2 and T6: runs over a buffer with one mistake (`lab/threads`), their errors, and their
//! end.

use lab_agent::Exit;
use lab_scene::{LooksAt, Outcome, Program, Scenario, Scene};

use super::{ends, expect_headline};

/// More items than can be put before the error is noticed. A run that continues regardless does not
/// end.
const ENDLESS: &str = "18446744073709551615";

/// Start a run of this many items, producers and consumers, with a mistake of the buffer, and its
/// options.
fn start(
    scene: &mut Scene<'_>,
    buffer: &str,
    [items, producers, consumers]: [&str; 3],
    wrong: &[&str],
) -> Outcome<Program> {
    #[rustfmt::skip]
    let command = [
        "lab-threads", "--buffer", buffer, "--capacity", "4",
        "--producers", producers, "--consumers", consumers,
        "run", "--items", items, "--fault",
    ];
    scene.start("run", &[&command, wrong].concat())
}

/// Expect that a run fails, with one line on stderr that contains these words.
fn expect_error(
    scene: &mut Scene<'_>,
    buffer: &str,
    counts: [&str; 3],
    [fault, at]: [&str; 2],
    words: &[&str],
) -> Outcome {
    let program = start(scene, buffer, counts, &[fault, "--at", at])?;
    scene.expect_complaint(&program, words)?;
    scene.expect_exit(&program, Exit::Status(1))
}

/// A correct buffer: without this check, a program that always complains would pass.
fn nothing_wrong(scene: &mut Scene<'_>) -> Outcome {
    scene.step("a correct buffer", "no complaint", |scene| {
        let program = start(scene, "mutex", ["100", "1", "1"], &["none", "--at", "0"])?;
        expect_headline(scene, &program, "100 items in order, ...")?;
        scene.expect_exit(&program, Exit::Status(0))
    })
}

pub(super) const OUT_OF_PLACE: Scenario = Scenario {
    id: "part1/T2-out-of-place",
    title: "the first item out of place is an error",
    looks_at: LooksAt::Programs,
    run: |scene| {
        nothing_wrong(scene)?;
        for (title, items, fault, text) in [
            (
                "two items change places",
                "100",
                ["swap", "6"],
                "ERROR! data 7 should be 6!",
            ),
            (
                "the only two items",
                "2",
                ["swap", "0"],
                "ERROR! data 1 should be 0!",
            ),
            (
                "an item is lost",
                ENDLESS,
                ["lose", "6"],
                "ERROR! data 7 should be 6!",
            ),
            (
                "an item comes twice",
                ENDLESS,
                ["repeat", "6"],
                "ERROR! data 6 should be 7!",
            ),
        ] {
            scene.step(title, "the error, and exit status 1", |scene| {
                expect_error(scene, "mutex", [items, "1", "1"], fault, &[text])
            })?;
        }
        scene.step(
            "an item of several producers and consumers is lost",
            "an error that names it, and exit status 1",
            |scene| {
                let counts = ["1000", "3", "2"];
                expect_error(scene, "mutex", counts, ["lose", "77"], &["ERROR!", "77"])
            },
        )
    },
};

pub(super) const LEFT_OVER: Scenario = Scenario {
    id: "part1/T2-left-over",
    title: "an item left in the buffer is an error",
    looks_at: LooksAt::Programs,
    run: |scene| {
        nothing_wrong(scene)?;
        for (title, items, at) in [
            ("the consumer ends one item early", "10", "9"),
            ("the rest is more than the capacity", "1000", "5"),
        ] {
            scene.step(title, "the error, and exit status 1", |scene| {
                let (counts, fault) = ([items, "1", "1"], ["end-before", at]);
                expect_error(scene, "mutex", counts, fault, &["ERROR! List not empty"])
            })?;
        }
        Ok(())
    },
};

/// Of T3: the items that consumers have really taken, whatever the run reports.
pub(super) fn all_taken(scene: &mut Scene<'_>) -> Outcome {
    scene.step(
        "a number of items that cannot be divided evenly",
        "each item is put and taken once",
        |scene| {
            for (items, producers, consumers) in [(10, "3", "2"), (7, "7", "1"), (100, "7", "3")] {
                let counts = [&*items.to_string(), producers, consumers];
                let program = start(scene, "mutex", counts, &["none", "--list"])?;
                let all: Vec<u64> = (0..items).collect();
                scene.expect_line(&program, &format!("taken: {all:?}"))?;
                scene.expect_exit(&program, Exit::Status(0))?;
            }
            Ok(())
        },
    )
}

pub(super) const PANICS: Scenario = Scenario {
    id: "part1/T6-panics",
    title: "a thread that panics ends the run",
    looks_at: LooksAt::Programs,
    run: |scene| {
        for (kind, fault, said, counts) in [
            (
                "producer",
                "panic-in-put",
                "put 50",
                [["1", "1"], ["2", "1"]],
            ),
            (
                "consumer",
                "panic-in-take",
                "took 50",
                [["1", "1"], ["4", "1"]],
            ),
        ] {
            scene.step(
                &format!("a {kind} panics"),
                "the run names the thread and the panic, and ends with exit status 1",
                |scene| {
                    let name = format!("{kind} 1");
                    for buffer in ["mutex", "crossbeam", "std"] {
                        for [producers, consumers] in counts {
                            let counts = [ENDLESS, producers, consumers];
                            expect_error(scene, buffer, counts, [fault, "50"], &[&name, said])?;
                        }
                    }
                    Ok(())
                },
            )?;
        }
        scene.step(
            "of two waiting consumers, the one that gets an item ends",
            "the other gets the next item",
            ends::one_leaves_with_an_item,
        )
    },
};
