// SPDX-License-Identifier: MIT OR Apache-2.0
//! Clause T9: every interleaving of the buffer's synchronisation. Loom tries them in the machine
//! (`lab/threads/src/bin/lab-model.rs`) and reports each outcome. This file judges them.

use std::time::Duration;

use lab_agent::{Exit, Stream};
use lab_base::random::draw_key;
use lab_scene::{
    LooksAt, Outcome as Result, Scenario, Scene, fail, readable, transcript::LineKind,
};

#[path = "../../../threads/src/outcome.rs"]
mod outcome;

use outcome::{Explored, FIRST, LATE, Outcome};

/// How long one model may take. The lab's takes some seconds emulated; other buffers have more
/// interleavings.
const LIMIT: Duration = Duration::from_secs(120);

/// A model.
#[derive(Clone, Copy)]
struct Model {
    capacity: usize,
    /// Items of each of the two producers.
    each: u32,
    consumers: usize,
    taking: &'static str,
    preemptions: usize,
}

impl Model {
    /// Try all models, and judge each outcome.
    fn explore(self, scene: &mut Scene<'_>) -> Result {
        let counts = [
            self.capacity,
            self.each as usize,
            self.consumers,
            self.preemptions,
        ]
        .map(|count| count.to_string());
        #[rustfmt::skip]
        let command = [
            "lab-model", "--capacity", &counts[0], "--each", &counts[1],
            "--consumers", &counts[2], "--taking", self.taking, "--preemptions", &counts[3],
        ];
        let program = scene.start("model", &command)?;
        scene.mute(&program);
        let key = draw_key()?;
        scene.write(&program, format!("{key}\n").as_bytes())?;
        let mut outcomes = 0;
        while let Some(line) = scene.wait_line(&program, Stream::Stdout, LIMIT)? {
            // What else is there, the library has printed.
            let Some(line) = line.strip_prefix(key.as_bytes()) else {
                continue;
            };
            if let Ok(outcome) = serde_json::from_slice::<Outcome>(line) {
                self.judge(&outcome)
                    .map_err(|what| fail(what, in_words(&outcome)))?;
                outcomes += 1;
                continue;
            }
            let explored: Explored = serde_json::from_slice(line)
                .map_err(|_| fail("the result of an interleaving", readable(line)))?;
            // Loom cannot vary a buffer that does not use loom's types.
            if explored.interleavings < 2 || outcomes == 0 {
                return Err(fail("several interleavings", readable(line)));
            }
            let text = "all interleavings were tried, and each ends";
            scene.note("model", LineKind::Does, text);
            return scene.expect_exit(&program, Exit::Status(0));
        }
        let wanted = "each interleaving ends";
        match scene.wait_line(&program, Stream::Stderr, Duration::ZERO)? {
            // Loom names its own threads and locks behind this word.
            Some(line) if line.starts_with(b"lab-model: deadlock") => Err(fail(
                wanted,
                "a deadlock: in one order of the threads, each of them waits",
            )),
            Some(line) => Err(fail(wanted, readable(&line))),
            None => Err(fail(wanted, "one does not end, or there are too many")),
        }
    }

    /// The first requirement that an outcome breaks, if any.
    fn judge(self, outcome: &Outcome) -> std::result::Result<(), &'static str> {
        let require = |holds: bool, what| if holds { Ok(()) } else { Err(what) };
        let took = || outcome.took.iter().flatten();
        let mut all: Vec<u32> = took().flatten().copied().collect();
        all.extend(outcome.back.iter().chain(&outcome.left));
        all.sort_unstable();
        let put: Vec<u32> = FIRST
            .iter()
            .flat_map(|first| *first..first + self.each)
            .collect();
        require(
            all == put,
            "each item is taken once, returned, or left in the buffer",
        )?;
        for consumer in &outcome.took {
            for (first, next) in FIRST.into_iter().zip([FIRST[1], u32::MAX]) {
                let items = consumer.iter().flatten();
                let of_one = items.filter(|item| (first..next).contains(item));
                require(
                    of_one.is_sorted(),
                    "the items of each producer arrive in order",
                )?;
            }
        }
        require(
            took().all(|batch| batch.len() <= self.capacity) && outcome.left.len() <= self.capacity,
            "the buffer holds at most its capacity",
        )?;
        require(!outcome.early, "no end before the buffer is closed")?;
        require(
            outcome.late == Some(LATE),
            "a put after the end returns its item",
        )?;
        let all_taken = outcome.left.is_empty() || self.taking == "fill";
        let kept = self.consumers == 0 || outcome.back.is_empty() && all_taken;
        require(kept, "all items are taken before the end")
    }
}

/// An outcome of interleavings, for people: the items by consumer, and what else happened.
fn in_words(outcome: &Outcome) -> String {
    let items = |items: &[u32]| match items {
        [item] => item.to_string(),
        items => format!("{items:?} at once"),
    };
    let mut facts = Vec::new();
    for (number, batches) in (1..).zip(&outcome.took) {
        let batches: Vec<_> = batches.iter().map(|batch| items(batch)).collect();
        let took = match &batches[..] {
            [] => "nothing".to_owned(),
            batches => batches.join(", then "),
        };
        facts.push(format!("consumer {number} took {took}"));
    }
    if outcome.early {
        facts.push("a consumer met the end before the buffer was closed".into());
    }
    for item in &outcome.back {
        facts.push(format!("put returned item {item} to its producer"));
    }
    for item in &outcome.left {
        facts.push(format!("item {item} was left in the buffer"));
    }
    match outcome.late {
        Some(LATE) => {}
        Some(other) => facts.push(format!("a put of {LATE} after the end returned {other}")),
        None => facts.push("a put after the end was accepted".into()),
    }
    format!("in one order of the threads: {}", facts.join("; "))
}

pub(super) const MODEL: Scenario = Scenario {
    id: "part1/T9-model",
    title: "every interleaving of two producers and two consumers",
    looks_at: LooksAt::Programs,
    run: |scene| {
        let small = Model {
            capacity: 1,
            each: 1,
            consumers: 2,
            taking: "one",
            preemptions: 1,
        };
        let more = Model { each: 2, ..small };
        let single = Model {
            consumers: 1,
            ..more
        };
        let two_places = Model {
            capacity: 2,
            ..more
        };
        // With one pre-emption, a wake-up that is lost while two consumers sleep is not found.
        let a_turn = Model {
            capacity: 2,
            preemptions: 2,
            ..small
        };
        let full = Model {
            consumers: 1,
            ..two_places
        };
        // It has so few interleavings that a third pre-emption costs nothing.
        let nobody = Model {
            consumers: 0,
            preemptions: 2,
            ..small
        };
        for (title, model, ways) in [
            ("capacity 1, an item each", small, &["one", "all"][..]),
            (
                "capacity 1, two items each, one consumer",
                single,
                &["one", "all"],
            ),
            ("capacity 2, two items each", two_places, &["one", "all"]),
            (
                "capacity 2, each consumer takes one item",
                a_turn,
                &["once"],
            ),
            (
                "capacity 2, all items are taken at once while both producers wait",
                full,
                &["fill"],
            ),
            (
                "closed while producers put, without consumers",
                nobody,
                &["one"],
            ),
        ] {
            scene.step(title, "no thread waits for ever", |scene| {
                ways.iter()
                    .try_for_each(|taking| Model { taking, ..model }.explore(scene))
            })?;
        }
        Ok(())
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: Model = Model {
        capacity: 1,
        each: 1,
        consumers: 2,
        taking: "one",
        preemptions: 1,
    };

    fn judged(model: Model, line: &str) -> &'static str {
        let outcome = serde_json::from_str(line).unwrap();
        model.judge(&outcome).err().unwrap_or_default()
    }

    #[test]
    fn outcomes_are_told_in_words() {
        let told = |line| in_words(&serde_json::from_str(line).unwrap());
        assert_eq!(
            told(r#"{"took":[[[0],[1,10]],[]],"early":true,"back":[],"left":[],"late":99}"#),
            "in one order of the threads: consumer 1 took 0, then [1, 10] at once; consumer 2 took \
             nothing; a consumer met the end before the buffer was closed"
        );
        assert_eq!(
            told(r#"{"took":[],"early":false,"back":[10],"left":[0],"late":null}"#),
            "in one order of the threads: put returned item 10 to its producer; item 0 was left in \
             the buffer; a put after the end was accepted"
        );
    }

    #[test]
    fn outcomes_are_judged_by_the_host() {
        let right = r#"{"took":[[[10],[0]],[]],"early":false,"back":[],"left":[],"late":99}"#;
        assert_eq!(judged(MODEL, right), "");
        for (old, new, expected) in [
            (
                "[10],",
                "",
                "each item is taken once, returned, or left in the buffer",
            ),
            ("10],[", "10,", "the buffer holds at most its capacity"),
            ("false", "true", "no end before the buffer is closed"),
            ("99", "null", "a put after the end returns its item"),
            ("99", "98", "a put after the end returns its item"),
        ] {
            assert_eq!(judged(MODEL, &right.replace(old, new)), expected);
        }
        let two = Model { each: 2, ..MODEL };
        let order =
            r#"{"took":[[[0],[11],[1],[10]],[]],"early":false,"back":[],"left":[],"late":99}"#;
        assert_eq!(
            judged(two, order),
            "the items of each producer arrive in order"
        );
        let left = r#"{"took":[[],[]],"early":false,"back":[10],"left":[0],"late":99}"#;
        assert_eq!(judged(MODEL, left), "all items are taken before the end");
        let alone = Model {
            consumers: 0,
            ..MODEL
        };
        assert_eq!(judged(alone, left), "");
    }
}
