// SPDX-License-Identifier: MIT OR Apache-2.0
//! How programs and sockets end: the parts of clauses N4 and N11 that are not the same for every
//! module.

use lab_agent::Exit;
use lab_scene::{Detail, LooksAt, Scenario};
use nix::sys::signal::Signal;
use protocol::pubsub::{DATA, Request};

use super::{MODULE, OK, Pubsub, TALKATIVE};
use crate::netlink::{
    life,
    programs::{self, Printer, Typed},
};

pub(super) const KILLED: Scenario = Scenario {
    id: "part2/N4-killed",
    title: "a killed process is removed at once, and its state is not passed on",
    looks_at: LooksAt::Module(&[Detail::Numbers]),
    run: |scene| {
        let (publisher, heir) = life::killed::<Pubsub>(scene)?;
        scene.step(
            "the new socket subscribes",
            "it gets a place, and messages numbered from 1",
            |scene| {
                scene.expect_answer(&heir, &Request::Subscribe.payload(), OK)?;
                scene.expect_answer(&publisher, &Request::Publish(b"again").payload(), OK)?;
                scene.expect_data(&heir, DATA, 1, b"again")
            },
        )?;
        scene.step(
            "kill -9 the publisher",
            "another publisher can take the place at once",
            |scene| {
                scene.signal(&publisher.program, Signal::SIGKILL)?;
                scene.expect_exit(&publisher.program, Exit::Signal(9))?;
                let next = scene.peer("next", 0)?;
                scene.expect_answer(&next, &Request::Claim.payload(), OK)
            },
        )
    },
};

pub(super) const NO_MODULE: Scenario = Scenario {
    id: "part2/N11-no-module",
    title: "without the module the programs name the missing module",
    looks_at: LooksAt::Programs,
    run: |scene| {
        programs::no_module(
            scene,
            &[&["pubsub", "subscriber"], &["pubsub", "publisher"]],
        )?;
        if scene.others_programs() {
            return Ok(());
        }
        scene.step(
            "an unknown role",
            "usage on stderr, exit status 2",
            |scene| {
                let program = scene.start("odd", &["pubsub", "eavesdropper"])?;
                scene.expect_complaint(&program, &["invalid value", "eavesdropper"])?;
                scene.expect_end(&program, Exit::Status(2)).map(drop)
            },
        )
    },
};

pub(super) const ENDS: Scenario = Scenario {
    id: "part2/N11-ends",
    title: "the programs end cleanly",
    looks_at: LooksAt::Programs,
    run: |scene| {
        scene.insert(MODULE, TALKATIVE)?;
        programs::ends(scene, &[Pubsub::start_silent, Pubsub::start])?;
        programs::ends_of_input::<Pubsub>(scene)
    },
};
