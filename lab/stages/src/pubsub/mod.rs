// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 2, step 4: `nl_pubsub`, clauses N1-N11 and B1-B4.

mod programs;
mod roles;

use lab_agent::{Call, Exit, Stdin};
use nix::{errno::Errno, sys::signal::Signal};
use protocol::{
    netlink::{BODY_MAX, PortId},
    pubsub::{DATA, REQUEST, Request},
};

use super::{
    Step,
    netlink::{
        BadPayload, Module, OK, TALKATIVE, Told, Wish, body, life, netlink_scenarios,
        programs::{Printer, Typed, long_lines, overrun, strangers},
        slow::{self, Counts, dropped, expect_dropped},
    },
};
use lab_scene::{
    Outcome, Program, Scenario, Scene,
    peer::{Peer, request},
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
static CHECKS: &[Scenario] = netlink_scenarios! {
    Pubsub, "part2", "", "acknowledged", "body-lengths";
    roles::ROLE_BYTE,
    roles::PLACES,
    roles::FORWARDED,
    roles::PROMPT,
    programs::KILLED,
    Scenario {
        id: "part2/N4-inherited",
        title: "a socket that a child has inherited lives as long as the child",
        run: life::inherited::<Pubsub>,
    },
    Scenario {
        id: "part2/N6-slow-reader",
        title: "who does not read loses messages, and nobody else does",
        run: slow::reader::<Pubsub>,
    },
    Scenario {
        id: "part2/N10-strangers",
        title: "the subscriber believes the kernel only",
        run: strangers::<Pubsub>,
    },
    Scenario {
        id: "part2/N10-overrun",
        title: "a subscriber that was too slow says so and goes on",
        run: overrun::<Pubsub>,
    },
    programs::NO_MODULE,
    programs::ENDS,
    Scenario {
        id: "part2/N11-long-lines",
        title: "a line that is too long is refused, not cut",
        run: long_lines::<Pubsub>,
    },
};

struct Pubsub;

impl Module for Pubsub {
    const NAME: &'static str = MODULE;

    fn touch() -> (&'static str, Vec<u8>) {
        ("s", request(REQUEST, &Request::Subscribe.payload()))
    }
}

impl Told for Pubsub {
    const REPLIES: &'static [u16] = &[DATA];

    fn request(n: u32) -> (u16, Vec<u8>) {
        (REQUEST, Request::Publish(&body(n)).payload())
    }

    fn bad_payloads() -> Vec<BadPayload> {
        vec![
            ("a header alone", REQUEST, Vec::new(), Errno::EINVAL),
            ("another role", REQUEST, b"x".to_vec(), Errno::EINVAL),
            ("s with a body", REQUEST, b"sp".to_vec(), Errno::EINVAL),
        ]
    }

    fn refused() -> Vec<(u16, Vec<u8>)> {
        vec![(REQUEST, Request::Subscribe.payload())]
    }

    fn long(len: usize) -> (u16, Vec<u8>) {
        (REQUEST, Request::Publish(&vec![b'x'; len]).payload())
    }

    fn junk(len: usize) -> Option<Errno> {
        // The first byte is the role.
        Some(if len > 1 + BODY_MAX {
            Errno::EMSGSIZE
        } else {
            Errno::EINVAL
        })
    }

    fn listener_asks() -> Option<Wish> {
        Some(("s", REQUEST, Request::Subscribe.payload()))
    }

    fn expect_heard(scene: &mut Scene<'_>, _: &Peer, listener: &Peer, n: u32) -> Outcome {
        scene.expect_data(listener, DATA, n, &body(n))
    }

    /// Which places are taken, as a newcomer finds it, and how many messages were lost.
    fn state(scene: &mut Scene<'_>, _: &Peer, _: PortId) -> Outcome<Vec<String>> {
        let mut found = Vec::from_iter(dropped(scene, MODULE)?);
        if scene.contract_only() {
            // That newcomers leave no trace when they go is N4's matter.
            return Ok(found);
        }
        for wish in [Request::Claim, Request::Subscribe] {
            let newcomer = scene.peer("newcomer", 0)?;
            let ack = scene.ask(&newcomer, request(REQUEST, &wish.payload()))?;
            found.push(format!("{wish:?}: errno {}", ack.errno));
            scene.value(&newcomer.program, &Call::Close { fd: newcomer.fd })?;
        }
        Ok(found)
    }
}

impl Counts for Pubsub {
    fn expect_counted(scene: &mut Scene<'_>, _: &Peer, _: &Peer, _: u32, lost: u32) -> Outcome {
        expect_dropped(scene, MODULE, lost)
    }
}

impl Printer for Pubsub {
    const KIND: u16 = DATA;
    const AUDIBLE: &'static str = TALKATIVE;

    fn start(scene: &mut Scene<'_>) -> Outcome<Program> {
        let program = scene.start("subscriber", &["pubsub", "subscriber"])?;
        scene.expect_log("subscribes")?;
        Ok(program)
    }

    fn lines(_: &Peer) -> Vec<String> {
        vec![String::from_utf8_lossy(&body(1)).into_owned()]
    }

    fn forged() -> Vec<u8> {
        b"forged".to_vec()
    }
}

impl Typed for Pubsub {
    fn start_typing(scene: &mut Scene<'_>, stdin: Stdin) -> Outcome<(Program, String)> {
        let program = scene.start_as("publisher", &["pubsub", "publisher"], 0, stdin)?;
        scene.expect_log("is the publisher")?;
        Ok((program, String::new()))
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
