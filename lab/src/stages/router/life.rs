// SPDX-License-Identifier: MIT OR Apache-2.0
//! Coming, going and falling behind: clauses N4-N7.

use std::time::Duration;

use lab_agent::{Bytes, Call, Exit};
use nix::{errno::Errno, libc, sys::signal::Signal};
use protocol::{
    netlink::{BODY_MAX, PROTO},
    router::{Request, Roles},
};

use super::{MODULE, TALKATIVE, data, encode, expect_data, list, member, publish, register};
use crate::{
    scene::{Outcome, Scenario, Scene, expect_eq, fail},
    transcript::Kind,
};

pub(super) const KILLED: Scenario = Scenario {
    id: "part3/N4-killed",
    title: "who is killed is gone at once, and leaves nothing to a successor",
    run: killed,
};

fn killed(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, TALKATIVE)?;
    let publisher = member(scene, "publisher", Roles::PUBLISHER)?;
    let victim = member(scene, "victim", Roles::BOTH)?;
    let other = member(scene, "other", Roles::SUBSCRIBER)?;
    let heir = scene.actor("heir", 0)?;
    let heir = scene.step(
        "kill -9 one that is both; a new socket takes its portid",
        "it is on no list, gets no messages, may not publish",
        |scene| {
            scene.signal(&victim.program, Signal::SIGKILL)?;
            scene.expect_exit(&victim.program, Exit::Signal(9))?;
            let heir = scene.open_socket(&heir, victim.portid)?;
            expect_eq("the new socket's portid", heir.portid, victim.portid)?;
            publish(scene, &publisher, b"for the living")?;
            expect_data(scene, &other, 1, &publisher, b"for the living")?;
            scene.expect_nothing(&heir)?;
            super::ask(scene, &heir, &Request::Publish(b"forged"), Errno::EPERM)?;
            expect_eq("members", list(scene, &heir)?.len(), 2)?;
            Ok(heir)
        },
    )?;
    scene.step(
        "the new socket registers",
        "it is a new member, numbered from 1",
        |scene| {
            register(scene, &heir, Roles::BOTH)?;
            publish(scene, &publisher, b"again")?;
            expect_data(scene, &heir, 1, &publisher, b"again")?;
            expect_eq("members", list(scene, &heir)?.len(), 4)
        },
    )?;
    scene.step(
        "close a socket; the process lives on",
        "it is off the list",
        |scene| {
            scene.close(&publisher)?;
            expect_eq("members", list(scene, &heir)?.len(), 3)
        },
    )
}

/// How often each thing is done. More than any cache of the allocator holds back.
const MANY: usize = 300;

pub(super) const BUFFERS: Scenario = Scenario {
    id: "part3/N5-buffers",
    title: "nothing is left over of messages, members and sockets",
    run: |scene| {
        scene.insert(MODULE, "")?;
        let publisher = member(scene, "A", Roles::PUBLISHER)?;
        let listener = member(scene, "B", Roles::SUBSCRIBER)?;
        scene.step(
            "300 requests that are refused, 300 that are not",
            "no buffer is left over, none is freed twice",
            |scene| {
                let before = objects(scene, "skbuff_head_cache")?;
                for (peer, body) in [(&listener, &b"refused"[..]), (&publisher, b"delivered")] {
                    for _ in 0..MANY {
                        scene.ask(peer, encode(&Request::Publish(body)))?;
                        scene.receive(&listener, Duration::ZERO)?;
                    }
                }
                expect_few(scene, "skbuff_head_cache", before)
            },
        )?;
        scene.step(
            "300 sockets that register and are closed",
            "no socket is left over",
            |scene| {
                // A netlink socket has between 1 and 2 KiB.
                let before = objects(scene, "kmalloc-2k")?;
                let visitor = scene.actor("visitor", 0)?;
                let hello = Request::Register {
                    roles: Roles::BOTH,
                    from: None,
                };
                for _ in 0..MANY {
                    let protocol = PROTO as i32;
                    let fd = scene.value(&visitor, &Call::Socket { protocol })? as i32;
                    let data = Bytes(encode(&hello));
                    scene.value(
                        &visitor,
                        &Call::Send {
                            fd,
                            portid: 0,
                            data,
                        },
                    )?;
                    scene.value(&visitor, &Call::Close { fd })?;
                }
                expect_few(scene, "kmalloc-2k", before)
            },
        )
    },
};

/// Expect that a cache has about as many objects as before, at the latest when the last grace
/// period is over.
fn expect_few(scene: &mut Scene<'_>, cache: &str, before: usize) -> Outcome {
    scene.note(
        "host",
        Kind::Does,
        format!("counts {cache} before and after"),
    );
    let mut grown = 0;
    let counted = scene.expect_soon("about as many objects as before", |scene| {
        grown = objects(scene, cache)?.saturating_sub(before);
        Ok(grown < MANY / 2)
    });
    counted.map_err(|_| fail("about as many objects as before", format!("{grown} more")))
}

/// Objects of a cache that are allocated now (slabinfo(5)).
pub(super) fn objects(scene: &mut Scene<'_>, cache: &str) -> Outcome<usize> {
    let text = scene.read("/proc/slabinfo")?;
    text.lines()
        .find_map(|line| {
            let mut words = line.split_whitespace();
            (words.next()? == cache)
                .then(|| words.next()?.parse().ok())
                .flatten()
        })
        .ok_or_else(|| fail(format!("{cache} in /proc/slabinfo"), "no such line"))
}

/// Messages that the slow reader does not read.
const UNREAD: u32 = 50;

pub(super) const SLOW_READER: Scenario = Scenario {
    id: "part3/N6-slow-reader",
    title: "who does not read loses messages, and nobody else does",
    run: slow_reader,
};

fn slow_reader(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "")?;
    let publisher = member(scene, "publisher", Roles::PUBLISHER)?;
    let slow = member(scene, "slow", Roles::SUBSCRIBER)?;
    let fast = member(scene, "fast", Roles::SUBSCRIBER)?;
    let small = Call::SetOption {
        fd: slow.fd,
        level: libc::SOL_SOCKET,
        option: libc::SO_RCVBUF,
        value: 4096,
    };
    scene.value(&slow.program, &small)?;
    let body = vec![b'x'; BODY_MAX];
    let full = encode(&Request::Publish(&body));
    scene.step(
        "50 messages of 1024 bytes, one subscriber reads, one does not",
        "the publisher is never held up, the reader gets all 50",
        |scene| {
            for seq in 1..=UNREAD {
                expect_eq("errno", scene.ask(&publisher, full.clone())?.errno, 0)?;
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
                expect_eq("sequence number", data(&datagram.message()?)?.0, received)?;
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
            publish(scene, &publisher, b"still there?")?;
            expect_data(scene, &slow, UNREAD + 1, &publisher, b"still there?")
        },
    )?;
    scene.step(
        "the list",
        "as many drops as the gap is wide, and none for the other",
        |scene| {
            for (peer, lost) in [(&slow, UNREAD - received), (&fast, 0)] {
                let members = list(scene, &publisher)?;
                let found = members.iter().find(|member| member.portid == peer.portid);
                let counted = found.map(|member| (member.delivered, member.dropped));
                expect_eq("counted", counted, Some((UNREAD + 1 - lost, lost)))?;
            }
            Ok(())
        },
    )
}

pub(super) const IN_AND_OUT: Scenario = Scenario {
    id: "part3/N7-in-and-out",
    title: "in and out any number of times, never while a socket is open",
    run: |scene| {
        for round in ["first", "second"] {
            scene.step(&format!("in and out, {round} time"), "works", |scene| {
                scene.insert(MODULE, "")?;
                let peer = scene.peer(&format!("{round} peer"), 0)?;
                register(scene, &peer, Roles::BOTH)?;
                let refused = scene.try_remove(MODULE)?;
                let errno = refused.err().map(|refusal| Errno::from_raw(refusal.errno));
                if !matches!(errno, Some(Errno::EAGAIN | Errno::EBUSY)) {
                    return Err(fail("rmmod is refused: in use", format!("{errno:?}")));
                }
                scene.close(&peer)?;
                scene.remove(MODULE)
            })?;
        }
        scene.step("out at once after in", "works", |scene| {
            scene.insert(MODULE, "")?;
            scene.remove(MODULE)
        })?;
        scene.step(
            "the protocol afterwards",
            "nobody serves it: EPROTONOSUPPORT",
            |scene| {
                let actor = scene.actor("late", 0)?;
                let protocol = PROTO as i32;
                let refused = scene.call(&actor, &Call::Socket { protocol })?;
                let errno = refused.err().map(|refusal| Errno::from_raw(refusal.errno));
                expect_eq("socket", errno, Some(Errno::EPROTONOSUPPORT))
            },
        )
    },
};

pub(super) const PROTOCOL_TAKEN: Scenario = Scenario {
    id: "part3/N7-protocol-taken",
    title: "a protocol number can be had once",
    run: |scene| {
        scene.step(
            "a number that another module has",
            "EADDRINUSE or EBUSY",
            |scene| {
                scene
                    .try_insert_fixture("nl_squatter", "")?
                    .map_err(|refusal| fail("nl_squatter is inserted", refusal.to_string()))?;
                let refused = scene.try_insert(MODULE, "")?;
                let errno = refused.err().map(|refusal| Errno::from_raw(refusal.errno));
                if matches!(errno, Some(Errno::EADDRINUSE | Errno::EBUSY)) {
                    return Ok(());
                }
                Err(fail("EADDRINUSE or EBUSY", format!("{errno:?}")))
            },
        )?;
        scene.step("another number", "works beside it", |scene| {
            scene.insert(MODULE, "protocol=17")
        })?;
        scene.step("the number when it is free again", "works", |scene| {
            scene.remove("nl_squatter")?;
            scene.remove(MODULE)?;
            scene.insert(MODULE, "")
        })?;
        scene.step("a number that there is not", "EINVAL", |scene| {
            scene.remove(MODULE)?;
            let refused = scene.try_insert(MODULE, "protocol=32")?;
            let errno = refused.err().map(|refusal| Errno::from_raw(refusal.errno));
            expect_eq("insmod", errno, Some(Errno::EINVAL))
        })
    },
};
