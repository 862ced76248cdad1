// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 2, step 4: `nl_pubsub`, clauses N1-N11 and B1-B4.

mod frames;
mod life;
mod programs;
mod roles;

use lab_agent::Exit;
use nix::sys::signal::Signal;
use protocol::pubsub::{REQUEST, Request};

use super::{
    Step,
    netlink::{Module, OK, STUDENT, TALKATIVE},
};
use crate::{
    peer::request,
    scene::{Outcome, Scenario, Scene},
};

const MODULE: &str = "nl_pubsub";

pub(super) const STEP: Step = Step {
    name: "pubsub",
    modules: &[MODULE],
    demonstration: &DEMONSTRATION,
    checks: CHECKS,
};

/// What `make part2` shows.
static DEMONSTRATION: Scenario = Scenario {
    id: "part2/B4-demonstration",
    title: "one publisher reaches two subscribers",
    run: demonstration,
};

/// The clauses, one by one.
static CHECKS: &[Scenario] = &[
    roles::ROLE_BYTE,
    roles::PLACES,
    roles::FORWARDED,
    roles::PROMPT,
    frames::ACKNOWLEDGED,
    frames::REPLY_ADDRESS,
    frames::LENGTHS,
    frames::BODY_LENGTHS,
    life::KILLED,
    life::REFUSED_SENDS,
    life::SLOW_READER,
    life::IN_AND_OUT,
    life::PROTOCOL_TAKEN,
    programs::ANY_USER,
    programs::OTHER_NAMESPACE,
    programs::STRANGERS,
    programs::OVERRUN,
    programs::NO_MODULE,
    programs::ENDS,
    programs::LONG_LINES,
];

struct Pubsub;

impl Module for Pubsub {
    const NAME: &'static str = MODULE;

    fn touch() -> (&'static str, Vec<u8>) {
        ("s", request(REQUEST, &Request::Subscribe.payload()))
    }
}

fn demonstration(scene: &mut Scene<'_>) -> Outcome {
    scene.step(
        "insert the module",
        "it listens on netlink protocol 31",
        |scene| scene.insert(MODULE, TALKATIVE),
    )?;
    let [first, second] = scene.step(
        "start two subscribers",
        "each gets one of the two places",
        |scene| {
            let first = scene.start("subscriber 1", &["pubsub", "subscriber"])?;
            scene.expect_log("subscribes")?;
            let second = scene.start("subscriber 2", &["pubsub", "subscriber"])?;
            scene.expect_log("subscribes")?;
            Ok([first, second])
        },
    )?;
    let publisher = scene.step(
        "start a publisher",
        "it gets the publisher's place",
        |scene| {
            let publisher = scene.start("publisher", &["pubsub", "publisher"])?;
            scene.expect_log("is the publisher")?;
            Ok(publisher)
        },
    )?;
    for (title, line) in [
        ("type a line into the publisher", "hello from user space"),
        (
            "a line that begins with a role letter",
            "publish or subscribe?",
        ),
        ("a line that is not ASCII", "größer als 127: ✓"),
    ] {
        scene.step(title, "both subscribers print exactly that line", |scene| {
            scene.type_line(&publisher, line)?;
            scene.expect_line(&first, line)?;
            scene.expect_line(&second, line)
        })?;
    }
    scene.step(
        "a third subscriber, a second publisher",
        "both are refused, each with one line on stderr and exit status 1",
        |scene| {
            let third = scene.start("subscriber 3", &["pubsub", "subscriber"])?;
            scene.expect_complaint(&third, &["subscribe", "ENOSPC"])?;
            scene.expect_exit(&third, Exit::Status(1))?;
            let rival = scene.start("publisher 2", &["pubsub", "publisher"])?;
            scene.expect_complaint(&rival, &["claim", "EBUSY"])?;
            scene.expect_exit(&rival, Exit::Status(1))
        },
    )?;
    scene.step(
        "end of input for the publisher, Ctrl-C for the subscribers",
        "all end with exit status 0 and leave their places",
        |scene| {
            scene.end_input(&publisher)?;
            scene.expect_exit(&publisher, Exit::Status(0))?;
            for subscriber in [&first, &second] {
                scene.signal(subscriber, Signal::SIGINT)?;
                scene.expect_exit(subscriber, Exit::Status(0))?;
            }
            Ok(())
        },
    )?;
    scene.step(
        "remove the module",
        "it goes, and nothing was lost",
        |scene| scene.remove(MODULE),
    )
}
