// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 2, step 4: its demonstration and checks.

use lab_agent::Exit;
use lab_scene::{LooksAt, Outcome, Scenario, Scene};
use nix::sys::signal::Signal;

use super::{MODULE, Pubsub, programs, roles};
use crate::{
    Step,
    netlink::{
        TALKATIVE,
        alone::module_alone,
        scenarios::{netlink_scenarios, subscriber_scenario},
    },
};

pub(crate) const STEP: Step = Step {
    name: "pubsub",
    modules: &[MODULE],
    demonstration: &DEMONSTRATION,
    module_alone: Some(&MODULE_ALONE),
    checks: CHECKS,
};

/// The demonstration of `make part2`.
static DEMONSTRATION: Scenario = Scenario {
    id: "part2/B4-demonstration",
    title: "one publisher reaches two subscribers",
    looks_at: LooksAt::Programs,
    run: demonstration,
};

static MODULE_ALONE: Scenario = module_alone!(
    Pubsub,
    "part2/B3-module",
    "the module forwards between two sockets of the lab"
);

/// The checks of the clauses.
static CHECKS: &[Scenario] = netlink_scenarios! {
    Pubsub, "part2", "", "acknowledged", "body-lengths";
    roles::ROLE_BYTE,
    roles::PLACES,
    roles::RACES,
    roles::FORWARDED,
    roles::PROMPT,
    programs::KILLED,
    subscriber_scenario!(inherited, Pubsub, "part2"),
    subscriber_scenario!(bystanders, Pubsub, "part2"),
    subscriber_scenario!(slow_reader, Pubsub, "part2"),
    subscriber_scenario!(strangers, Pubsub, "part2"),
    subscriber_scenario!(overrun, Pubsub, "part2"),
    programs::NO_MODULE,
    programs::ENDS,
    subscriber_scenario!(long_lines, Pubsub, "part2"),
};

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
            for subscriber in [&first, &second] {
                scene.expect_line(subscriber, line)?;
                scene.expect_silent(subscriber)?;
            }
            scene.expect_silent(&publisher)
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
        "all end with exit status 0 and free their places",
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
        "it is removed, and no message was lost",
        |scene| scene.remove(MODULE),
    )
}
