// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 2, step 4: `nl_pubsub`, clauses N1-N11 and B1-B4.

mod programs;
mod roles;
pub(crate) mod step;

use lab_agent::{Call, Stdin};
use lab_scene::{
    Outcome, Program, Scene,
    peer::{Peer, request},
};
use nix::errno::Errno;
use protocol::{
    netlink::{BODY_MAX, PortId},
    pubsub::{DATA, REQUEST, Request},
};

use super::netlink::{
    BadPayload, Module, OK, TALKATIVE, Told, Wish, body,
    programs::{Printer, Typed},
    slow::{Counts, dropped, expect_dropped},
};

const MODULE: &str = "nl_pubsub";

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

    /// The occupied places, as a new socket finds them, and the number of lost messages.
    fn state(scene: &mut Scene<'_>, _: &Peer, _: PortId) -> Outcome<Vec<String>> {
        let mut found = Vec::from_iter(dropped(scene, MODULE)?);
        if scene.contract_only() {
            // N4 checks that new sockets leave no trace when they close.
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
