// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 2, step 3: its demonstration and checks.

use lab_agent::Exit;
use lab_scene::{Detail, LooksAt, Outcome, Program, Scenario, Scene};
use nix::sys::signal::Signal;

use super::{MODULE, QUIET, Routes, changes, expiry, watching};
use crate::{
    Step,
    netlink::{
        TALKATIVE,
        alone::module_alone,
        life,
        programs::{self, Printer},
        scenarios::netlink_scenarios,
        slow::{self},
    },
};

pub(crate) const STEP: Step = Step {
    name: "routes",
    modules: &[MODULE],
    demonstration: &DEMONSTRATION,
    module_alone: Some(&MODULE_ALONE),
    checks: CHECKS,
};

static DEMONSTRATION: Scenario = Scenario {
    id: "part2/E3-demonstration",
    title: "a timer deletes R3, and its watchers get an event",
    looks_at: LooksAt::Programs,
    run: demonstration,
};

static MODULE_ALONE: Scenario = module_alone!(
    Routes,
    "part2/E1-module",
    "the module tells the lab's own client of changes"
);

static CHECKS: &[Scenario] = netlink_scenarios! {
    Routes, "part2", "routes-", "acknowledged", "payloads";
    expiry::TIMER,
    expiry::TOLD,
    expiry::DEFAULT,
    expiry::SET,
    expiry::REMOVED_BEFORE,
    changes::LIST_OF_ALL,
    changes::CHANGES,
    changes::RACES,
    changes::PROGRAMS,
    watching::WATCHED,
    watching::NAMES,
    watching::ANOTHER_PORTID,
    Scenario {
        id: "part2/N6-routes-slow-watcher",
        title: "only a socket that does not read loses events",
        looks_at: LooksAt::Module(&[Detail::Numbers]),
        run: slow::reader::<Routes>,
    },
    Scenario {
        id: "part2/N4-routes-killed",
        title: "a killed watcher is removed at once, and its state is not passed on",
        looks_at: LooksAt::Module(&[Detail::Numbers]),
        run: |scene| life::killed::<Routes>(scene).map(drop),
    },
    Scenario {
        id: "part2/N4-routes-inherited",
        title: "a watching socket that a child has inherited lives as long as the child",
        looks_at: LooksAt::Module(&[Detail::Numbers]),
        run: life::inherited::<Routes>,
    },
    Scenario {
        id: "part2/N4-routes-bystanders",
        title: "a closed socket with a watcher's portid or process takes no watcher along",
        looks_at: LooksAt::Module(&[Detail::Numbers]),
        run: life::bystanders::<Routes>,
    },
    Scenario {
        id: "part2/N10-routes-strangers",
        title: "route-watch accepts messages of the kernel only",
        looks_at: LooksAt::Programs,
        run: programs::strangers::<Routes>,
    },
    Scenario {
        id: "part2/N10-routes-overrun",
        title: "route-watch reports how many events it missed and goes on",
        looks_at: LooksAt::Programs,
        run: programs::overrun::<Routes>,
    },
    Scenario {
        id: "part2/N11-routes-ends",
        title: "route-watch ends cleanly",
        looks_at: LooksAt::Programs,
        run: |scene| {
            scene.insert(MODULE, QUIET)?;
            programs::ends(scene, &[Routes::start])
        },
    },
    Scenario {
        id: "part2/N11-routes-no-module",
        title: "without the module the programs name the missing module",
        looks_at: LooksAt::Programs,
        run: |scene| programs::no_module(scene, &[&["route-watch", "R3"], &["route-ctl", "list"]]),
    },
};

fn demonstration(scene: &mut Scene<'_>) -> Outcome {
    scene.step(
        "insert the module",
        "it has three entries, one of which will expire",
        |scene| scene.insert(MODULE, &format!("expire_ms=600000 {TALKATIVE}")),
    )?;
    let [p1, p2, p3] = scene.step(
        "P1 watches R1, P2 and P3 watch R3",
        "three watchers",
        |scene| {
            let mut watch = |name, entry| -> Outcome<Program> {
                let program = scene.start(name, &["route-watch", entry])?;
                scene.expect_log("watches")?;
                Ok(program)
            };
            Ok([watch("P1", "R1")?, watch("P2", "R3")?, watch("P3", "R3")?])
        },
    )?;
    let control = |scene: &mut Scene<'_>, arguments: &[&str]| {
        let command = [&["route-ctl"], arguments].concat();
        let program = scene.start("control", &command)?;
        scene.expect_exit(&program, Exit::Status(0))
    };
    scene.step(
        "let R3 expire in half a second",
        "the kernel's timer deletes it: P2 and P3 get an event, P1 does not",
        |scene| {
            control(scene, &["expire", "R3", "500"])?;
            for watcher in [&p2, &p3] {
                scene.expect_line(watcher, "R3 deleted (expired)")?;
            }
            scene.expect_silent(&p1)
        },
    )?;
    scene.step("list the remaining entries", "R1 and R2", |scene| {
        let program = scene.start("control", &["route-ctl", "list"])?;
        scene.expect_line(&program, "R1")?;
        scene.expect_line(&program, "R2")?;
        scene.expect_exit(&program, Exit::Status(0))
    })?;
    scene.step(
        "add R3 again and delete it",
        "P2 and P3 get both events, P1 does not",
        |scene| {
            control(scene, &["add", "R3"])?;
            control(scene, &["del", "R3"])?;
            for watcher in [&p2, &p3] {
                scene.expect_line(watcher, "R3 added")?;
                scene.expect_line(watcher, "R3 deleted (requested)")?;
            }
            scene.expect_silent(&p1)
        },
    )?;
    scene.step("delete R1", "P1 gets this event, and no other", |scene| {
        control(scene, &["del", "R1"])?;
        // An earlier event would have come before this line.
        scene.expect_line(&p1, "R1 deleted (requested)")?;
        scene.expect_silent(&p2)?;
        scene.expect_silent(&p3)
    })?;
    scene.step(
        "Ctrl-C for all three",
        "they end with exit status 0 and no more output",
        |scene| {
            for watcher in [&p1, &p2, &p3] {
                scene.signal(watcher, Signal::SIGINT)?;
                scene.expect_exit(watcher, Exit::Status(0))?;
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
