// SPDX-License-Identifier: MIT OR Apache-2.0
//! Coming, going and falling behind: clauses N4-N7.

use std::time::Duration;

use lab_agent::{Call, Exit};
use nix::{errno::Errno, libc, sys::signal::Signal};
use protocol::{
    netlink::BODY_MAX,
    pubsub::{DATA, REQUEST, Request},
};

use super::{MODULE, OK, Pubsub, TALKATIVE};
use crate::{
    peer::request,
    scene::{Outcome, Scenario, Scene, expect_eq, fail},
    stages::netlink::life::{self, buffers},
    transcript::Kind,
};

pub(super) const KILLED: Scenario = Scenario {
    id: "part2/N4-killed",
    title: "who is killed is gone at once, and leaves nothing to a successor",
    run: killed,
};

fn killed(scene: &mut Scene<'_>) -> Outcome {
    let subscribe = Request::Subscribe.payload();
    scene.insert(MODULE, TALKATIVE)?;
    let publisher = scene.peer("publisher", 0)?;
    let victim = scene.peer("victim", 0)?;
    let other = scene.peer("other", 0)?;
    let heir = scene.actor("heir", 0)?;
    scene.step("fill all places", "accepted", |scene| {
        scene.expect_answer(&publisher, &Request::Claim.payload(), OK)?;
        scene.expect_answer(&victim, &subscribe, OK)?;
        scene.expect_answer(&other, &subscribe, OK)
    })?;
    let heir = scene.step(
        "kill -9 a subscriber; a new socket takes its portid",
        "it gets none of the victim's messages",
        |scene| {
            scene.signal(&victim.program, Signal::SIGKILL)?;
            scene.expect_exit(&victim.program, Exit::Signal(9))?;
            let heir = scene.open_socket(&heir, victim.portid)?;
            expect_eq("the new socket's portid", heir.portid, victim.portid)?;
            scene.expect_answer(
                &publisher,
                &Request::Publish(b"for the living").payload(),
                OK,
            )?;
            scene.expect_data(&other, DATA, 1, b"for the living")?;
            scene.expect_nothing(&heir)?;
            Ok(heir)
        },
    )?;
    scene.step(
        "the new socket subscribes",
        "there is a place, numbered from 1",
        |scene| {
            scene.expect_answer(&heir, &subscribe, OK)?;
            scene.expect_answer(&publisher, &Request::Publish(b"again").payload(), OK)?;
            scene.expect_data(&heir, DATA, 1, b"again")
        },
    )?;
    scene.step(
        "kill -9 the publisher",
        "another can take the place at once",
        |scene| {
            scene.signal(&publisher.program, Signal::SIGKILL)?;
            scene.expect_exit(&publisher.program, Exit::Signal(9))?;
            let next = scene.peer("next", 0)?;
            scene.expect_answer(&next, &Request::Claim.payload(), OK)
        },
    )
}

/// How often each request is sent. More than any cache of the allocator holds back.
const MANY: usize = 1000;

pub(super) const REFUSED_SENDS: Scenario = Scenario {
    id: "part2/N5-buffers",
    title: "the buffer of a request belongs to the send call",
    run: |scene| {
        scene.insert(MODULE, "")?;
        let peer = scene.peer("A", 0)?;
        let listener = scene.peer("B", 0)?;
        scene.expect_answer(&listener, &Request::Subscribe.payload(), OK)?;
        scene.step(
            "1000 requests that are refused, 1000 that are not",
            "no buffer is left over, none is freed twice",
            |scene| {
                let before = buffers(scene)?;
                for payload in [&b"x"[..], b"phello"] {
                    for _ in 0..MANY {
                        scene.ask(&peer, request(REQUEST, payload))?;
                        scene.receive(&listener, Duration::ZERO)?;
                    }
                }
                let after = buffers(scene)?;
                let grown = after.saturating_sub(before);
                scene.note("host", Kind::Does, "counts socket buffers before and after");
                if grown < MANY / 2 {
                    return Ok(());
                }
                Err(fail(
                    "about as many socket buffers as before",
                    format!("{grown} more"),
                ))
            },
        )
    },
};

/// Messages that the slow reader does not read.
const UNREAD: u32 = 50;

pub(super) const SLOW_READER: Scenario = Scenario {
    id: "part2/N6-slow-reader",
    title: "who does not read loses messages, and nobody else does",
    run: slow_reader,
};

fn slow_reader(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "")?;
    let publisher = scene.peer("publisher", 0)?;
    let slow = scene.peer("slow", 0)?;
    let fast = scene.peer("fast", 0)?;
    let small = Call::SetOption {
        fd: slow.fd,
        level: libc::SOL_SOCKET,
        option: libc::SO_RCVBUF,
        value: 4096,
    };
    scene.value(&slow.program, &small)?;
    scene.expect_answer(&slow, &Request::Subscribe.payload(), OK)?;
    scene.expect_answer(&fast, &Request::Subscribe.payload(), OK)?;
    let body = vec![b'x'; BODY_MAX];
    let publish = request(REQUEST, &Request::Publish(&body).payload());
    scene.step(
        "50 messages of 1024 bytes, one subscriber reads, one does not",
        "the publisher is never held up, the reader gets all 50",
        |scene| {
            for seq in 1..=UNREAD {
                expect_eq("errno", scene.ask(&publisher, publish.clone())?.errno, 0)?;
                let datagram = scene.receive(&fast, Duration::ZERO)?;
                let datagram = datagram.ok_or_else(|| fail("the reader has it", "nothing"))?;
                let got = datagram.message()?.header.seq;
                expect_eq("the reader's sequence number", got, seq)?;
            }
            Ok(())
        },
    )?;
    let received = scene.step(
        "the slow one reads at last",
        "ENOBUFS, then what its queue had room for, from 1 without a gap",
        |scene| {
            let first = scene.try_receive(&slow, Duration::ZERO)?;
            expect_eq("the first recvmsg", first.err(), Some(Errno::ENOBUFS))?;
            let mut received = 0;
            while let Some(datagram) = scene.receive(&slow, Duration::ZERO)? {
                received += 1;
                expect_eq("sequence number", datagram.message()?.header.seq, received)?;
            }
            if received == 0 || received >= UNREAD {
                return Err(fail(
                    "some, not all of the 50 messages",
                    received.to_string(),
                ));
            }
            Ok(received)
        },
    )?;
    scene.step(
        "one more message",
        "shows the gap: it is number 51",
        |scene| {
            scene.expect_answer(&publisher, &Request::Publish(b"still there?").payload(), OK)?;
            scene.expect_data(&slow, DATA, UNREAD + 1, b"still there?")
        },
    )?;
    scene.step(
        "the module's counter",
        "as many drops as the gap is wide",
        |scene| {
            let dropped = scene.read("/sys/module/nl_pubsub/parameters/dropped")?;
            expect_eq(
                "dropped",
                dropped.trim(),
                (UNREAD - received).to_string().as_str(),
            )
        },
    )
}

pub(super) const IN_AND_OUT: Scenario = Scenario {
    id: "part2/N7-in-and-out",
    title: "in and out any number of times, never while a socket is open",
    run: life::in_and_out::<Pubsub>,
};

pub(super) const PROTOCOL_TAKEN: Scenario = Scenario {
    id: "part2/N7-protocol-taken",
    title: "a protocol number can be had once",
    run: life::protocol_taken::<Pubsub>,
};
