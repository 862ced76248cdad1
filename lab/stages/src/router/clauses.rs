// SPDX-License-Identifier: MIT OR Apache-2.0
//! Description of this module for the clauses N1-N11 of every netlink module.

use lab_agent::{Exit, Stdin};
use lab_scene::{
    Detail, LooksAt, Outcome, Program, Scenario, Scene, expect_eq,
    peer::{Peer, request},
};
use nix::{errno::Errno, sys::signal::Signal};
use protocol::{
    attributes::put_u32,
    netlink::PortId,
    router::{A_PORTID, DATA, LIST, MEMBER, PUBLISH, REGISTER, Request, Roles},
};

use super::{
    MODULE, ask, client, expect_data, list, members, payloads, publish, register, registers,
};
use crate::netlink::{
    BadPayload, Module, TALKATIVE, Told, Wish, body, dump, life,
    programs::{Printer, Typed},
    slow::Counts,
};

/// The module, with a publisher that sends, and listeners in both roles.
pub(super) struct Router;

const fn register_as(roles: Roles) -> Request<'static> {
    Request::Register { roles, from: None }
}

impl Module for Router {
    const NAME: &'static str = MODULE;

    fn touch() -> (&'static str, Vec<u8>) {
        let payload = register_as(Roles::BOTH).payload();
        ("register: both", request(REGISTER, &payload))
    }
}

impl Told for Router {
    const REPLIES: &'static [u16] = &[DATA, MEMBER];
    const KEEPS: bool = true;

    fn request(n: u32) -> (u16, Vec<u8>) {
        (PUBLISH, Request::Publish(&body(n)).payload())
    }

    fn bad_payloads() -> Vec<BadPayload> {
        payloads::bad_payloads()
    }

    fn refused() -> Vec<(u16, Vec<u8>)> {
        [
            Request::Register {
                roles: Roles::PUBLISHER,
                from: None,
            },
            Request::Unregister(Roles::SUBSCRIBER),
        ]
        .map(|request| (request.kind(), request.payload()))
        .into()
    }

    fn odd_payloads() -> Vec<BadPayload> {
        payloads::odd_payloads()
    }

    fn long(len: usize) -> (u16, Vec<u8>) {
        (PUBLISH, Request::Publish(&vec![b'x'; len]).payload())
    }

    fn junk(_: usize) -> Option<Errno> {
        Some(Errno::EINVAL)
    }

    fn sender_asks() -> Option<Wish> {
        let payload = register_as(Roles::PUBLISHER).payload();
        Some(("register: publisher", REGISTER, payload))
    }

    fn listener_asks() -> Option<Wish> {
        let payload = register_as(Roles::BOTH).payload();
        Some(("register: both", REGISTER, payload))
    }

    fn expect_heard(scene: &mut Scene<'_>, sender: &Peer, listener: &Peer, n: u32) -> Outcome {
        expect_data(scene, listener, n, sender, &body(n))
    }

    fn state(scene: &mut Scene<'_>, peer: &Peer, claimed: PortId) -> Outcome<Vec<String>> {
        let members = members(&dump(scene, peer, LIST, claimed)?)?;
        Ok(members.iter().map(|member| format!("{member:?}")).collect())
    }
}

impl Counts for Router {
    fn expect_counted(
        scene: &mut Scene<'_>,
        slow: &Peer,
        fast: &Peer,
        sent: u32,
        lost: u32,
    ) -> Outcome {
        let members = list(scene, fast)?;
        for (peer, lost) in [(slow, lost), (fast, 0)] {
            let found = members
                .iter()
                .find(|member| member.portid == peer.portid && member.role == Roles::SUBSCRIBER);
            let counted = found.map(|member| (member.delivered, member.dropped));
            expect_eq("delivered, dropped", counted, Some((sent - lost, lost)))?;
        }
        Ok(())
    }
}

impl Printer for Router {
    const KIND: u16 = DATA;
    const AUDIBLE: &'static str = TALKATIVE;

    fn start(scene: &mut Scene<'_>) -> Outcome<Program> {
        Ok(client(scene, "subscriber", "subscriber", None)?.0)
    }

    fn lines(sender: &Peer) -> Vec<String> {
        let body = body(1);
        let text = String::from_utf8_lossy(&body);
        vec![format!("portid {}: {text}", sender.portid)]
    }

    fn forged() -> Vec<u8> {
        let mut payload = Vec::new();
        put_u32(&mut payload, A_PORTID, 1);
        payload.extend(Request::Publish(b"forged").payload());
        payload
    }
}

impl Typed for Router {
    fn start_typing(scene: &mut Scene<'_>, stdin: Stdin) -> Outcome<(Program, String)> {
        let command = ["router-client", "--role", "publisher"];
        let program = scene.start_as("publisher", &command, 0, stdin)?;
        let portid = registers(scene, &program)?;
        Ok((program, format!("portid {portid}: ")))
    }
}

pub(super) const KILLED: Scenario = Scenario {
    id: "part3/N4-killed",
    title: "a killed process is removed at once, and its state is not passed on",
    looks_at: LooksAt::Module(&[Detail::Numbers]),
    run: |scene| {
        let (publisher, heir) = life::killed::<Router>(scene)?;
        scene.step(
            "the new socket of a member with both roles publishes, and lists",
            "EPERM; the publisher is the only member",
            |scene| {
                ask(scene, &heir, &Request::Publish(b"forged"), Errno::EPERM)?;
                expect_eq("members", list(scene, &heir)?.len(), 1)
            },
        )?;
        scene.step(
            "the new socket registers",
            "it is a new member, numbered from 1",
            |scene| {
                register(scene, &heir, Roles::BOTH)?;
                publish(scene, &publisher, b"again")?;
                expect_data(scene, &heir, 1, &publisher, b"again")?;
                expect_eq("members", list(scene, &heir)?.len(), 3)
            },
        )?;
        scene.step("kill -9 the publisher", "it is not listed", |scene| {
            scene.signal(&publisher.program, Signal::SIGKILL)?;
            scene.expect_exit(&publisher.program, Exit::Signal(9))?;
            expect_eq("members", list(scene, &heir)?.len(), 2)
        })
    },
};
