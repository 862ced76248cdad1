// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 2, step 2: its demonstration and checks.

use lab_agent::Exit;
use lab_scene::{Detail, LooksAt, Outcome, Scenario, Scene};
use nix::sys::signal::Signal;

use super::{
    GROUP_ONLY, Greeting, INTERVAL, MODULE, MULTICAST, RACES, TRIGGER,
    programs::{PROGRAMS, greeted},
};
use crate::{
    Step,
    netlink::{
        TALKATIVE,
        alone::module_alone,
        life,
        programs::{self, Printer},
        scenarios::netlink_scenarios,
    },
};

pub(crate) const STEP: Step = Step {
    name: "greeting",
    modules: &[MODULE],
    demonstration: &DEMONSTRATION,
    module_alone: Some(&MODULE_ALONE),
    checks: CHECKS,
};

static DEMONSTRATION: Scenario = Scenario {
    id: "part2/G1-demonstration",
    title: "the kernel greets all listeners",
    looks_at: LooksAt::Module(&[]),
    run: demonstration,
};

static MODULE_ALONE: Scenario = module_alone!(
    Greeting,
    "part2/G1-module",
    "the module greets the lab's own client"
);

static CHECKS: &[Scenario] = netlink_scenarios! {
    Greeting, "part2", "greeting-", "acknowledged", "payloads";
    PROGRAMS,
    MULTICAST,
    TRIGGER,
    INTERVAL,
    RACES,
    GROUP_ONLY,
    Scenario {
        id: "part2/N4-greeting-killed",
        title: "a killed process leaves the group",
        looks_at: LooksAt::Module(&[Detail::Numbers]),
        run: |scene| life::killed::<Greeting>(scene).map(drop),
    },
    Scenario {
        id: "part2/N10-greeting-strangers",
        title: "nl-recv accepts messages of the kernel only",
        looks_at: LooksAt::Programs,
        run: programs::strangers::<Greeting>,
    },
    Scenario {
        id: "part2/N10-greeting-overrun",
        title: "nl-recv reports how many greetings it missed and goes on",
        looks_at: LooksAt::Programs,
        run: programs::overrun::<Greeting>,
    },
    Scenario {
        id: "part2/N11-greeting-ends",
        title: "nl-recv ends cleanly",
        looks_at: LooksAt::Programs,
        run: |scene| {
            scene.insert(MODULE, "")?;
            programs::ends(scene, &[Greeting::start])
        },
    },
    Scenario {
        id: "part2/N11-greeting-no-module",
        title: "without the module the programs name the missing module",
        looks_at: LooksAt::Programs,
        run: |scene| programs::no_module(scene, &[&["nl-recv"], &["nl-greet"]]),
    },
};

fn demonstration(scene: &mut Scene<'_>) -> Outcome {
    scene.step(
        "insert the module",
        "it listens on netlink protocol 31",
        |scene| scene.insert(MODULE, TALKATIVE),
    )?;
    let receivers = greeted(scene)?;
    scene.step(
        "Ctrl-C for the receivers",
        "both end with exit status 0",
        |scene| {
            for receiver in &receivers {
                scene.signal(receiver, Signal::SIGINT)?;
                scene.expect_exit(receiver, Exit::Status(0))?;
            }
            Ok(())
        },
    )?;
    scene.step(
        "ask while no process listens",
        "that is no error",
        |scene| {
            let asker = scene.start("asker", &["nl-greet"])?;
            scene.expect_exit(&asker, Exit::Status(0))
        },
    )?;
    scene.step("remove the module", "it is removed", |scene| {
        scene.remove(MODULE)
    })
}
