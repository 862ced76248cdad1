// SPDX-License-Identifier: MIT OR Apache-2.0
//! Clauses T1, T3, T5, T7 and T8, by the output and exit status of the program.

use std::collections::BTreeSet;

use lab_agent::{Exit, Stdin, Stream};
use lab_machine::PATIENCE;
use lab_scene::{
    LooksAt, Outcome, Program, Scenario, Scene, expect_eq, fail, readable, transcript::LineKind,
};
use nix::sys::signal::Signal;

use super::{expect_headline, expect_summary, faults, pattern, start};

const NAMES: [&str; 3] = ["mutex", "crossbeam", "std"];

pub(super) const THREADS: Scenario = Scenario {
    id: "part1/T1-threads",
    title: "producers and consumers are threads of one process",
    looks_at: LooksAt::Programs,
    run: |scene| {
        // More items than it can finish during the check.
        let endless = u64::MAX.to_string();
        for (title, producers, expected) in [
            ("one producer, one consumer", "1", 3),
            ("two producers, one consumer", "2", 4),
        ] {
            scene.step(
                title,
                "the process has a thread for each, and the main thread",
                |scene| {
                    let arguments = ["threads", "--items", &endless, "--producers", producers];
                    let program = scene.start(&format!("{producers} and 1"), &arguments)?;
                    expect_threads(scene, &program, expected)?;
                    scene.signal(&program, Signal::SIGINT)?;
                    scene.expect_exit(&program, Exit::Signal(Signal::SIGINT as i32))
                },
            )?;
        }
        Ok(())
    },
};

/// Wait until a program has this many threads.
fn expect_threads(scene: &mut Scene<'_>, program: &Program, expected: usize) -> Outcome {
    let mut patience = scene.machine.patience(scene.machine.scaled(PATIENCE));
    loop {
        let threads = scene.status(program, "Threads")?;
        if threads == expected.to_string() {
            return Ok(());
        }
        if patience.is_over() {
            return Err(fail(format!("{expected} threads"), threads));
        }
    }
}

pub(super) const MANY: Scenario = Scenario {
    id: "part1/T3-many",
    title: "any number of producers and consumers",
    looks_at: LooksAt::Programs,
    run: |scene| {
        for (producers, consumers) in [(2, 1), (1, 3), (4, 3)] {
            let (sources, sinks) = (producers.to_string(), consumers.to_string());
            scene.step(
                &format!("producers: {producers}, consumers: {consumers}"),
                "each number arrives once, and those of one producer in order",
                |scene| {
                    // T7 checks that the other buffers do the same.
                    let names = if scene.others_programs() {
                        &NAMES[..1]
                    } else {
                        &NAMES
                    };
                    for name in names {
                        let s = |count| if count == 1 { "" } else { "s" };
                        let headline = format!(
                            "5000 items in order, {producers} producer{}, {consumers} consumer{}, ...",
                            s(producers),
                            s(consumers)
                        );
                        let arguments = [
                            "--items", "5000", "--capacity", "8", "--buffer", name,
                            "--producers", &sources, "--consumers", &sinks,
                        ];
                        expect_summary(scene, &arguments, &headline)?;
                    }
                    Ok(())
                },
            )?;
        }
        scene.step(
            "two places in the buffer",
            "each number arrives once, although threads often wait",
            |scene| {
                let arguments = [
                    "--items",
                    "5000",
                    "--capacity",
                    "2",
                    "--producers",
                    "4",
                    "--consumers",
                    "3",
                ];
                expect_summary(scene, &arguments, "5000 items in order, ...")
            },
        )?;
        faults::all_taken(scene)?;
        scene.step(
            "more threads than numbers",
            "some threads have no work, and all end",
            |scene| {
                expect_summary(
                    scene,
                    &["--items", "1", "--producers", "4", "--consumers", "4"],
                    "1 item in order, 4 producers, 4 consumers, ...",
                )?;
                expect_summary(
                    scene,
                    &["--items", "0"],
                    "0 items in order, 1 producer, 1 consumer, ...",
                )
            },
        )
    },
};

pub(super) const CAPACITIES: Scenario = Scenario {
    id: "part1/T5-capacities",
    title: "the capacity is a parameter, at least 1",
    looks_at: LooksAt::Programs,
    run: |scene| {
        let arguments = ["--items", "1000"];
        scene.step("no capacity is given", "it is 1024", |scene| {
            expect_summary(
                scene,
                &arguments,
                "1000 items in order, ..., capacity 1024, ...",
            )
        })?;
        scene.step(
            "1, 2 and more than there are numbers",
            "all come",
            |scene| {
                for name in NAMES {
                    for capacity in ["1", "2", "4096"] {
                        let headline =
                            format!("1000 items in order, ..., capacity {capacity}, ...");
                        let arguments =
                            ["--items", "1000", "--capacity", capacity, "--buffer", name];
                        expect_summary(scene, &arguments, &headline)?;
                    }
                }
                Ok(())
            },
        )
    },
};

pub(super) const ZEROES: Scenario = Scenario {
    id: "part1/T5-zeroes",
    title: "no run starts without a place, a producer or a consumer",
    looks_at: LooksAt::Programs,
    run: |scene| {
        for option in ["--capacity", "--producers", "--consumers"] {
            scene.step(
                &format!("{option} 0"),
                "an error that names the option, and nothing on stdout",
                |scene| {
                    for (value, mode) in [
                        ("0", "--buffer=mutex"),
                        ("0", "--compare"),
                        ("18446744073709551616", "--buffer=mutex"),
                        ("-1", "--buffer=mutex"),
                        ("x", "--buffer=mutex"),
                    ] {
                        let argument = format!("{option}={value}");
                        let program = start(scene, &["--items", "10", mode, &argument])?;
                        if scene.others_programs() {
                            scene.expect_usage_error(&program, option.trim_start_matches('-'))?;
                            continue;
                        }
                        let quoted = format!("'{value}'");
                        scene.expect_complaint(&program, &[option, &quoted, "from 1 to"])?;
                        scene.expect_complaint(&program, &[""])?;
                        scene.expect_complaint(&program, &["--help"])?;
                        scene.expect_exit(&program, Exit::Status(2))?;
                    }
                    Ok(())
                },
            )?;
        }
        Ok(())
    },
};

pub(super) const BUFFERS: Scenario = Scenario {
    id: "part1/T7-buffers",
    title: "the same run over each of three buffers",
    looks_at: LooksAt::Programs,
    run: |scene| {
        scene.step("one at a time", "the same result", |scene| {
            for name in NAMES {
                let headline = format!("20000 items in order, ..., {name}");
                expect_summary(scene, &["--items", "20000", "--buffer", name], &headline)?;
            }
            Ok(())
        })?;
        scene.step(
            "one at a time, with several producers and consumers",
            "the same result",
            |scene| {
                for name in NAMES {
                    let arguments = [
                        "--items",
                        "5000",
                        "--buffer",
                        name,
                        "--producers",
                        "2",
                        "--consumers",
                        "3",
                    ];
                    expect_summary(scene, &arguments, "5000 items in order, ...")?;
                }
                Ok(())
            },
        )?;
        scene.step(
            "an unknown buffer",
            "an error that names the known buffers",
            |scene| {
                let program = start(scene, &["--buffer", "list"])?;
                if scene.others_programs() {
                    return scene.expect_usage_error(&program, "list");
                }
                scene.expect_complaint(&program, &["'list'", "--buffer"])?;
                scene.expect_complaint(&program, &NAMES)?;
                scene.expect_end(&program, Exit::Status(2)).map(drop)
            },
        )
    },
};

pub(super) const COMPARED: Scenario = Scenario {
    id: "part1/T7-compared",
    title: "all three side by side",
    looks_at: LooksAt::Programs,
    run: |scene| {
        scene.step(
            "--compare",
            "a line for each, with items per second",
            |scene| {
                let program = start(scene, &["--items", "20000", "--compare"])?;
                if scene.others_programs() {
                    return expect_speeds(scene, &program);
                }
                let headline = "20000 items in order, ...";
                let like = pattern("^20000 items in order, .*$")?;
                scene.expect_line_matching(&program, &like, headline)?;
                scene.expect_line(&program, "buffer             s      items/s")?;
                for name in NAMES {
                    let row = pattern(&format!("^{name} +[0-9]+[.][0-9]{{3}} +[0-9]+$"))?;
                    scene.expect_line_matching(
                        &program,
                        &row,
                        &format!("{name} (time and speed)"),
                    )?;
                }
                scene.expect_end(&program, Exit::Status(0)).map(drop)
            },
        )
    },
};

/// Expect in the output of a submitted program the names of all three buffers and further numbers,
/// in any form.
fn expect_speeds(scene: &mut Scene<'_>, program: &Program) -> Outcome {
    let said = scene.expect_end(program, Exit::Status(0))?.join("\n");
    let numbers = pattern("[0-9]+")?.find_iter(&said).count();
    if NAMES.iter().all(|name| said.contains(name)) && numbers > NAMES.len() {
        return Ok(());
    }
    let wanted = format!("the speeds of {}", NAMES.join(", "));
    Err(fail(wanted, said))
}

pub(super) const QUIET: Scenario = Scenario {
    id: "part1/T8-quiet",
    title: "progress is shown on a terminal only",
    looks_at: LooksAt::Programs,
    run: |scene| {
        let arguments = ["--items", "500000"];
        let headline = "500000 items in order, ...";
        scene.step(
            "many numbers, with pipes as stdout and stderr",
            "one line at the end, and no other byte",
            |scene| {
                let program = start(scene, &arguments)?;
                expect_headline(scene, &program, headline)?;
                scene.expect_exit(&program, Exit::Status(0))
            },
        )?;
        scene.step(
            "one of the two is a terminal",
            "the same, with either one as the terminal",
            |scene| {
                for outputs in ["stdout", "stderr"] {
                    let program = start_on_terminal(scene, outputs, &arguments)?;
                    expect_headline(scene, &program, headline)?;
                    scene.expect_exit(&program, Exit::Status(0))?;
                }
                Ok(())
            },
        )?;
        scene.step(
            "--compare, with pipes again",
            "not a byte on stderr",
            |scene| {
                let program = start(scene, &["--items", "100000", "--compare"])?;
                scene.mute(&program);
                scene.expect_end(&program, Exit::Status(0))?;
                let said = scene.wait_written(&program, Stream::Stderr, PATIENCE, |_| false)?;
                expect_eq("on stderr", &*said, "")
            },
        )
    },
};

pub(super) const TERMINAL: Scenario = Scenario {
    id: "part1/T8-terminal",
    title: "a long run shows progress on a terminal",
    looks_at: LooksAt::Programs,
    run: |scene| {
        /// Number of different displays without progress: nothing yet, everything done, the result.
        const WITHOUT: usize = 3;
        scene.step(
            "twenty million numbers, on a terminal",
            "the display changes repeatedly during the run",
            |scene| {
                let program = start_on_terminal(scene, "both", &["--items", "20000000"])?;
                scene.mute(&program);
                let colour = pattern("\x1b\\[[0-9;]*m")?;
                let between = pattern("[\r\n]|\x1b\\[[0-9;?]*[A-Za-z]")?;
                let different = |text: &str| {
                    let text = colour.replace_all(text, "");
                    let parts = between.split(&text).map(str::trim);
                    let parts: BTreeSet<_> = parts.filter(|part| !part.is_empty()).collect();
                    parts.len()
                };
                let text = scene.wait_written(&program, Stream::Stdout, 6 * PATIENCE, |text| {
                    different(text) > WITHOUT
                })?;
                if different(&text) <= WITHOUT {
                    let got = format!("nothing but \"{}\"", readable(text.as_bytes()));
                    return Err(fail("progress, while numbers go through", got));
                }
                scene.note("threads", LineKind::Does, "shows progress");
                scene.signal(&program, Signal::SIGINT)?;
                scene.expect_any_end(&program)
            },
        )
    },
};

/// Start the program with these of its outputs on a terminal (the agent's `terminal`).
fn start_on_terminal(scene: &mut Scene<'_>, outputs: &str, arguments: &[&str]) -> Outcome<Program> {
    let path = scene.machine.put(&scene.workshop().program("threads")?)?;
    let command = [&["terminal", outputs, &path], arguments].concat();
    let program = scene.spawn("threads", "/bin/lab-agent", &command, 0, Stdin::Pipe)?;
    let on = match outputs {
        "both" => "its outputs",
        one => one,
    };
    scene.note(
        "threads",
        LineKind::Does,
        format!(
            "starts with a terminal as {on}: threads {}",
            arguments.join(" ")
        ),
    );
    Ok(program)
}
