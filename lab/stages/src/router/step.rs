// SPDX-License-Identifier: MIT OR Apache-2.0
//! The step of part 3: its demonstration and checks.

use lab_agent::Exit;
use lab_scene::{LooksAt, Outcome, Scenario, Scene};
use nix::sys::signal::Signal;

use super::{
    MODULE, clauses, clauses::Router, client, crowd, leaving, lists, load, order, print_lists,
    programs, say,
};
use crate::{
    Step,
    netlink::{
        TALKATIVE,
        alone::module_alone,
        scenarios::{netlink_scenarios, subscriber_scenario},
    },
};

pub(crate) const STEP: Step = Step {
    name: "router",
    modules: &[MODULE],
    demonstration: &DEMONSTRATION,
    module_alone: Some(&MODULE_ALONE),
    checks: CHECKS,
};

/// The demonstration of `make part3`.
static DEMONSTRATION: Scenario = Scenario {
    id: "part3/L1-demonstration",
    title: "three publishers and four subscribers join and leave",
    looks_at: LooksAt::Module(&[]),
    run: demonstration,
};

static MODULE_ALONE: Scenario = module_alone!(
    Router,
    "part3/L2-module",
    "the module routes between two sockets of the lab"
);

/// The checks of the clauses.
static CHECKS: &[Scenario] = netlink_scenarios! {
    Router, "part3", "", "requests", "body-lengths";
    lists::REGISTER,
    lists::CHANGES,
    lists::ROUTING,
    crowd::UNREAD,
    order::ORDER,
    order::CONTENTION,
    order::ACKNOWLEDGED,
    programs::CONVERSATION,
    programs::DRAINED,
    programs::PROMPT,
    crowd::CROWD,
    crowd::RACES,
    clauses::KILLED,
    subscriber_scenario!(inherited, Router, "part3"),
    subscriber_scenario!(bystanders, Router, "part3"),
    leaving::KILLED,
    leaving::SUCCESSOR,
    load::STOPPED,
    load::BUSY,
    subscriber_scenario!(slow_reader, Router, "part3"),
    subscriber_scenario!(strangers, Router, "part3"),
    subscriber_scenario!(overrun, Router, "part3"),
    programs::NO_MODULE,
    programs::ENDS,
    subscriber_scenario!(long_lines, Router, "part3"),
};

fn demonstration(scene: &mut Scene<'_>) -> Outcome {
    scene.step(
        "insert the module",
        "it listens on netlink protocol 31",
        |scene| scene.insert(MODULE, TALKATIVE),
    )?;
    let [a, b, c] = scene.step(
        "start three publishers",
        "each prints its portid and is on the list of publishers",
        |scene| {
            Ok([
                client(scene, "publisher A", "publisher", None)?,
                client(scene, "publisher B", "publisher", None)?,
                client(scene, "publisher C", "publisher", None)?,
            ])
        },
    )?;
    let [one, two, three, four] = scene.step(
        "start four subscribers, the last for publisher A only",
        "each is on the list of subscribers",
        |scene| {
            Ok([
                client(scene, "subscriber 1", "subscriber", None)?,
                client(scene, "subscriber 2", "subscriber", None)?,
                client(scene, "subscriber 3", "subscriber", None)?,
                client(scene, "subscriber 4", "subscriber", Some(a.1))?,
            ])
        },
    )?;
    scene.step("router-client --list", "seven members", |scene| {
        print_lists(scene, 7)
    })?;
    scene.step(
        "type a line into publisher A",
        "all four print it, with its portid",
        |scene| say(scene, &a, "hello from A", &[&one, &two, &three, &four]),
    )?;
    scene.step(
        "type a line into publisher B",
        "three print it; subscriber 4 subscribes to A only",
        |scene| {
            say(scene, &b, "hello from B", &[&one, &two, &three])?;
            scene.expect_silent(&four.0)
        },
    )?;
    scene.step(
        "kill -9 subscriber 2, type a line into publisher C",
        "subscribers 1 and 3 print it, and the killed one is not listed",
        |scene| {
            scene.signal(&two.0, Signal::SIGKILL)?;
            scene.expect_exit(&two.0, Exit::Signal(9))?;
            scene.expect_log("is gone")?;
            say(scene, &c, "one of you is gone", &[&one, &three])?;
            scene.expect_silent(&four.0)
        },
    )?;
    let five = scene.step(
        "a member with both roles joins and publishes",
        "the others print it; it does not get its own message",
        |scene| {
            let five = client(scene, "member 5", "both", None)?;
            say(scene, &five, "I am new here", &[&one, &three])?;
            say(scene, &c, "welcome", &[&one, &three, &five])?;
            Ok(five)
        },
    )?;
    scene.step(
        "publisher B ends, at the end of its input",
        "it ends with exit status 0",
        |scene| {
            scene.end_input(&b.0)?;
            scene.expect_exit(&b.0, Exit::Status(0))
        },
    )?;
    scene.step(
        "router-client --list",
        "seven again: one publisher and one subscriber have left, one with both roles has joined",
        |scene| print_lists(scene, 7),
    )?;
    scene.step(
        "end of input for the publishers and member 5, Ctrl-C for the subscribers",
        "all end with exit status 0",
        |scene| {
            for (program, _) in [&a, &c, &five] {
                scene.end_input(program)?;
                scene.expect_exit(program, Exit::Status(0))?;
            }
            for (program, _) in [&one, &three, &four] {
                scene.signal(program, Signal::SIGINT)?;
                scene.expect_exit(program, Exit::Status(0))?;
            }
            Ok(())
        },
    )?;
    scene.step("router-client --list", "no member", |scene| {
        print_lists(scene, 0)
    })?;
    scene.step("remove the module", "both lists are empty", |scene| {
        scene.remove(MODULE)
    })
}
