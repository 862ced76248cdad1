// SPDX-License-Identifier: MIT OR Apache-2.0
//! The programs of step 2, `nl-greet` and `nl-recv`: clause G1.

use lab_agent::Exit;
use lab_scene::{LooksAt, Outcome, Program, Scenario, Scene};
use protocol::greeting::GROUP;

use super::{MODULE, RECEIVED, WAITING, expect_greeting, greet};
use crate::netlink::users::join;

/// Start two receivers, and greet them twice.
pub(super) fn greeted(scene: &mut Scene<'_>) -> Outcome<Vec<Program>> {
    let receivers = scene.step(
        "start two receivers",
        "each joins the group and waits",
        |scene| {
            let mut receivers = Vec::new();
            for name in ["receiver 1", "receiver 2"] {
                let receiver = scene.start(name, &["nl-recv"])?;
                scene.expect_line(&receiver, WAITING)?;
                receivers.push(receiver);
            }
            Ok(receivers)
        },
    )?;
    for time in ["ask the kernel to greet", "and once more"] {
        scene.step(time, "each receiver prints the greeting once", |scene| {
            let asker = scene.start("asker", &["nl-greet"])?;
            scene.expect_exit(&asker, Exit::Status(0))?;
            scene.expect_silent(&asker)?;
            all_print(scene, &receivers)
        })?;
    }
    Ok(receivers)
}

/// Expect that each receiver prints the greeting, and nothing else.
fn all_print(scene: &mut Scene<'_>, receivers: &[Program]) -> Outcome {
    for receiver in receivers {
        scene.expect_line(receiver, RECEIVED)?;
        scene.expect_silent(receiver)?;
    }
    Ok(())
}

pub(super) const PROGRAMS: Scenario = Scenario {
    id: "part2/G1-programs",
    title: "nl-recv prints that it waits and each greeting, and nothing else",
    looks_at: LooksAt::Programs,
    run: |scene| {
        scene.insert(MODULE, "")?;
        scene.mute_log();
        let receivers = greeted(scene)?;
        // The two programs could also agree through a file.
        let [listener, asker] = ["listener", "a peer"].map(|name| scene.peer(name, 0));
        let (listener, asker) = (listener?, asker?);
        join(scene, &listener, GROUP)?;
        scene.step(
            "ask the kernel without nl-greet",
            "each receiver prints the greeting once",
            |scene| {
                greet(scene, &asker)?;
                expect_greeting(scene, &listener)?;
                all_print(scene, &receivers)
            },
        )?;
        scene.step(
            "ask the kernel with nl-greet",
            "a socket of the lab in the group gets the greeting, too",
            |scene| {
                let program = scene.start("asker", &["nl-greet"])?;
                scene.expect_exit(&program, Exit::Status(0))?;
                expect_greeting(scene, &listener)?;
                all_print(scene, &receivers)
            },
        )
    },
};
