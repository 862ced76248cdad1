// SPDX-License-Identifier: MIT OR Apache-2.0
//! Clauses T1, T4 and T5 inside the process: how buffers wait and close. Threads with one end each
//! (`lab/threads`) follow orders. `/proc` shows whether a thread waits.

use std::{ops::RangeInclusive, time::Duration};

use lab_agent::Stream;
use lab_machine::PATIENCE;
use lab_scene::{
    LooksAt, Outcome, Program, Scenario, Scene, expect_eq, fail, readable, transcript::LineKind,
};

/// The buffer and its ends, both written by the student.
const OWN: [&str; 2] = ["plain", "mutex"];

/// All buffers whose ends must behave alike.
const ALL: [&str; 3] = ["mutex", "crossbeam", "std"];

/// futex(2) on x86-64.
const FUTEX: &str = "202";

/// Threads around a buffer.
struct Ends {
    program: Program,
    /// Their names and ids.
    threads: Vec<(String, String)>,
}

impl Ends {
    fn start(
        scene: &mut Scene<'_>,
        buffer: &str,
        capacity: &str,
        [producers, consumers]: [usize; 2],
    ) -> Outcome<Self> {
        let counts = [producers, consumers].map(|count| count.to_string());
        #[rustfmt::skip]
        let command = [
            "lab-threads", "--buffer", buffer, "--capacity", capacity,
            "--producers", &counts[0], "--consumers", &counts[1], "ends",
        ];
        let program = scene.start(buffer, &command)?;
        scene.mute(&program);
        let mut threads = Vec::new();
        for _ in 0..producers + consumers {
            let line = next_line(scene, &program, PATIENCE)?;
            let (name, id) = line
                .split_once(" is ")
                .ok_or_else(|| fail("a thread says its id", line.clone()))?;
            threads.push((name.to_owned(), id.to_owned()));
        }
        Ok(Ends { program, threads })
    }

    /// Give a thread an order.
    fn order(&self, scene: &mut Scene<'_>, who: &str, what: &str) -> Outcome {
        scene.note(who, LineKind::Types, what);
        scene.write(&self.program, format!("{who}: {what}\n").as_bytes())
    }

    /// Expect that these threads answer, in any order, and no others before them.
    fn expect(&self, scene: &mut Scene<'_>, answers: &[(&str, &str)]) -> Outcome {
        let mut wanted: Vec<_> = answers
            .iter()
            .map(|(who, what)| format!("{who}: {what}"))
            .collect();
        wanted.sort_unstable();
        let mut got = Vec::new();
        while got.len() < wanted.len() {
            let line = next_line(scene, &self.program, PATIENCE).map_err(|_| {
                let answers = got.join(", ");
                fail(
                    wanted.join(", "),
                    format!("\"{answers}\", and nothing more in time"),
                )
            })?;
            got.push(line);
        }
        got.sort_unstable();
        for (who, what) in got.iter().filter_map(|line| line.split_once(": ")) {
            scene.note(who, LineKind::Prints, what);
        }
        if got == wanted {
            Ok(())
        } else {
            Err(fail(wanted.join(", "), got.join(", ")))
        }
    }

    /// Give a thread an order, and expect its result.
    fn ask(&self, scene: &mut Scene<'_>, who: &str, what: &str, answer: &str) -> Outcome {
        self.order(scene, who, what)?;
        self.expect(scene, &[(who, answer)])
    }

    /// Put a number for which consumers wait. Returns the consumer that took it.
    fn hand_over(&self, scene: &mut Scene<'_>, number: u64) -> Outcome<String> {
        let wanted = || format!("a waiting consumer takes {number}");
        self.order(scene, "producer 1", &format!("put {number}"))?;
        let mut taker = None;
        for _ in 0..2 {
            let line = next_line(scene, &self.program, PATIENCE)
                .map_err(|_| fail(wanted(), "none takes it in time"))?;
            if line == "producer 1: put" {
                continue;
            }
            let took = line.strip_suffix(&format!(": took {number}"));
            taker = Some(took.ok_or_else(|| fail(wanted(), line.clone()))?.to_owned());
        }
        scene.note(
            "host",
            LineKind::Does,
            format!("sees that {number} is taken"),
        );
        taker.ok_or_else(|| fail(wanted(), "none does"))
    }

    /// Have the consumer take these numbers.
    fn take_rest(&self, scene: &mut Scene<'_>, numbers: RangeInclusive<u64>) -> Outcome {
        for number in numbers {
            self.ask(scene, "consumer 1", "take", &format!("took {number}"))?;
        }
        Ok(())
    }

    /// Give a thread an order for which it must wait, and check that it waits.
    fn block(&self, scene: &mut Scene<'_>, who: &str, what: &str) -> Outcome {
        self.order(scene, who, what)?;
        let wanted = || format!("{who} waits in futex(2), until a thread wakes it");
        self.waits(scene, who)?.map_err(|got| fail(wanted(), got))
    }

    /// Make a thread put the numbers from 1 on until it must wait. Returns the number with which it
    /// waits. For a submission, T5 checks that the buffer holds at most `capacity`.
    fn fill(&self, scene: &mut Scene<'_>, who: &str, capacity: u64) -> Outcome<u64> {
        /// Additional items that it may hold elsewhere.
        const SPARE: u64 = 4;
        for number in 1..=capacity {
            self.ask(scene, who, &format!("put {number}"), "put")?;
        }
        let spare = if counts(scene, "T5") { 0 } else { SPARE };
        let mut number = capacity + 1;
        loop {
            self.order(scene, who, &format!("put {number}"))?;
            match self.waits(scene, who)? {
                Ok(()) => return Ok(number),
                Err(got) if got == format!("{who}: put") && number <= capacity + spare => {
                    number += 1;
                }
                Err(got) => return Err(fail(format!("{who} waits for a place"), got)),
            }
        }
    }

    /// Fill the buffer, and make the consumer take all. The first take wakes the producer, and no
    /// item is lost.
    fn fill_and_empty(&self, scene: &mut Scene<'_>, capacity: u64) -> Outcome {
        let last = self.fill(scene, "producer 1", capacity)?;
        self.order(scene, "consumer 1", "take")?;
        self.expect(scene, &[("producer 1", "put"), ("consumer 1", "took 1")])?;
        self.take_rest(scene, 2..=last)
    }

    /// Wait until a thread waits in futex(2) without a time limit. `/proc/TID/syscall` has the
    /// call's number and arguments; the fourth is the limit. Otherwise return its answer or its
    /// state. T1 checks how a submission's buffer waits. Elsewhere it must only not answer.
    fn waits(&self, scene: &mut Scene<'_>, who: &str) -> Outcome<Result<(), String>> {
        let mut threads = self.threads.iter();
        let id = threads.find_map(|(name, id)| (name == who).then_some(id));
        let id = id.ok_or_else(|| fail(format!("a thread {who}"), "none"))?;
        let mut patience = scene.machine.patience(scene.machine.scaled(PATIENCE));
        loop {
            let text = scene.read(&format!("/proc/{id}/syscall"))?;
            let words: Vec<_> = text.split_whitespace().collect();
            if let [FUTEX, _, _, _, "0x0", ..] = words[..] {
                scene.note(who, LineKind::Does, "waits in futex");
                return Ok(Ok(()));
            }
            let said = scene.wait_line(&self.program, Stream::Stdout, Duration::ZERO)?;
            if let Some(line) = said {
                return Ok(Err(readable(&line)));
            }
            if patience.is_over() {
                if !counts(scene, "T1") {
                    scene.note(who, LineKind::Does, "does not answer");
                    return Ok(Ok(()));
                }
                let got = match words.first() {
                    Some(&"running") | None => "it runs".to_owned(),
                    Some(call) => {
                        format!("it is in system call {call}, or waits with a time limit")
                    }
                };
                return Ok(Err(got));
            }
        }
    }
}

/// Whether a clause counts in this scenario. For a submitted library, it counts in its own checks
/// only.
fn counts(scene: &Scene<'_>, clause: &str) -> bool {
    !scene.others_programs() || scene.clause() == clause
}

fn next_line(scene: &mut Scene<'_>, program: &Program, limit: Duration) -> Outcome<String> {
    let line = scene.wait_line(program, Stream::Stdout, limit)?;
    line.map(|line| readable(&line))
        .ok_or_else(|| fail("a thread answers", "nothing in time"))
}

pub(super) const WAITING: Scenario = Scenario {
    id: "part1/T1-waiting",
    title: "a waiting thread sleeps until another thread wakes it",
    looks_at: LooksAt::Programs,
    run: |scene| {
        for name in OWN {
            let ends = Ends::start(scene, name, "1", [1, 1])?;
            scene.step("an empty buffer", "a put wakes the consumer", |scene| {
                ends.block(scene, "consumer 1", "take")?;
                ends.order(scene, "producer 1", "put 7")?;
                ends.expect(scene, &[("producer 1", "put"), ("consumer 1", "took 7")])
            })?;
            scene.step("a full buffer", "a take wakes the producer", |scene| {
                ends.fill_and_empty(scene, 1)
            })?;
        }
        Ok(())
    },
};

pub(super) const CLOSE: Scenario = Scenario {
    id: "part1/T4-close",
    title: "a closed buffer gives out its items, and accepts no more",
    looks_at: LooksAt::Programs,
    run: |scene| {
        let ends = Ends::start(scene, "plain", "3", [1, 1])?;
        scene.step("put two items and close", "they stay", |scene| {
            ends.ask(scene, "producer 1", "put 1", "put")?;
            ends.ask(scene, "producer 1", "put 2", "put")?;
            ends.ask(scene, "producer 1", "close", "closed")
        })?;
        scene.step("put another", "it is returned", |scene| {
            ends.ask(scene, "producer 1", "put 3", "3 is back")
        })?;
        scene.step("take", "the two items, and then the end", |scene| {
            for answer in ["took 1", "took 2", "the end", "the end"] {
                ends.ask(scene, "consumer 1", "take", answer)?;
            }
            Ok(())
        })?;
        scene.step("close it again", "nothing changes", |scene| {
            ends.ask(scene, "producer 1", "close", "closed")?;
            ends.ask(scene, "producer 1", "put 4", "4 is back")?;
            ends.ask(scene, "consumer 1", "take", "the end")
        })
    },
};

pub(super) const CLOSE_WAKES: Scenario = Scenario {
    id: "part1/T4-close-wakes",
    title: "closing wakes all waiting threads",
    looks_at: LooksAt::Programs,
    run: |scene| {
        scene.step("two consumers wait", "both see the end", |scene| {
            let ends = Ends::start(scene, "plain", "1", [1, 2])?;
            ends.block(scene, "consumer 1", "take")?;
            ends.block(scene, "consumer 2", "take")?;
            ends.order(scene, "producer 1", "close")?;
            ends.expect(
                scene,
                &[
                    ("producer 1", "closed"),
                    ("consumer 1", "the end"),
                    ("consumer 2", "the end"),
                ],
            )
        })?;
        scene.step("two producers wait", "both get their items back", |scene| {
            let ends = Ends::start(scene, "plain", "1", [3, 1])?;
            let last = ends.fill(scene, "producer 1", 1)?;
            ends.block(scene, "producer 2", "put 1000")?;
            ends.order(scene, "producer 3", "close")?;
            ends.expect(
                scene,
                &[
                    ("producer 1", &format!("{last} is back")),
                    ("producer 2", "1000 is back"),
                    ("producer 3", "closed"),
                ],
            )?;
            ends.take_rest(scene, 1..=last - 1)?;
            ends.ask(scene, "consumer 1", "take", "the end")
        })
    },
};

pub(super) const ENDS: Scenario = Scenario {
    id: "part1/T4-ends",
    title: "the ends of all three buffers close alike",
    looks_at: LooksAt::Programs,
    run: |scene| {
        for name in ALL {
            let what = "the buffer stays open until both are closed";
            scene.step("two producers close", what, |scene| {
                let ends = Ends::start(scene, name, "3", [2, 1])?;
                ends.ask(scene, "producer 1", "put 1", "put")?;
                ends.ask(scene, "producer 1", "close", "closed")?;
                ends.ask(scene, "producer 1", "put 2", "2 is back")?;
                ends.ask(scene, "producer 2", "put 3", "put")?;
                ends.ask(scene, "consumer 1", "take", "took 1")?;
                ends.ask(scene, "consumer 1", "take", "took 3")?;
                ends.block(scene, "consumer 1", "take")?;
                ends.order(scene, "producer 2", "close")?;
                ends.expect(
                    scene,
                    &[("producer 2", "closed"), ("consumer 1", "the end")],
                )
            })?;
            scene.step(
                "two consumers leave",
                "a producer that waits for a place gets its item back",
                |scene| {
                    let ends = Ends::start(scene, name, "2", [1, 2])?;
                    ends.ask(scene, "consumer 1", "leave", "left")?;
                    let last = ends.fill(scene, "producer 1", 2)?;
                    ends.order(scene, "consumer 2", "leave")?;
                    ends.expect(
                        scene,
                        &[
                            ("producer 1", &format!("{last} is back")),
                            ("consumer 2", "left"),
                        ],
                    )?;
                    ends.ask(scene, "producer 1", "put 1000", "1000 is back")
                },
            )?;
        }
        Ok(())
    },
};

/// Of two waiting consumers, the one that gets an item takes no more, as after a panic. The other
/// gets the next item.
pub(super) fn one_leaves_with_an_item(scene: &mut Scene<'_>) -> Outcome {
    // T5 checks buffers with one place.
    let ends = Ends::start(scene, "mutex", "2", [1, 2])?;
    ends.block(scene, "consumer 1", "take")?;
    ends.block(scene, "consumer 2", "take")?;
    let first = ends.hand_over(scene, 1)?;
    ends.ask(scene, &first, "leave", "left")?;
    let second = ends.hand_over(scene, 2)?;
    expect_eq("the other takes 2", second != first, true)
}

pub(super) const FULL: Scenario = Scenario {
    id: "part1/T5-full",
    title: "a buffer holds as many items as its capacity",
    looks_at: LooksAt::Programs,
    run: |scene| {
        for name in OWN {
            // Two, and a number that is no power of two.
            for capacity in [2, 5] {
                scene.step(
                    &format!("a capacity of {capacity}"),
                    "it accepts as many items, and one more after a take",
                    |scene| {
                        let ends = Ends::start(scene, name, &capacity.to_string(), [1, 1])?;
                        if scene.others_programs() {
                            // T1 checks that a take wakes a waiting thread.
                            return ends.fill(scene, "producer 1", capacity).map(drop);
                        }
                        ends.fill_and_empty(scene, capacity)
                    },
                )?;
            }
        }
        Ok(())
    },
};
