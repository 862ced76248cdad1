// SPDX-License-Identifier: MIT OR Apache-2.0
//! Members that leave while messages are sent: clause N4.

use std::time::Duration;

use lab_agent::{Call, Exit, Stream};
use lab_machine::PATIENCE;
use lab_scene::{
    Detail, LooksAt, Outcome, Scenario, Scene, expect_eq, fail,
    peer::{Peer, quiet_request},
};
use nix::{errno::Errno, sys::signal::Signal};
use protocol::{
    netlink::PROTO,
    router::{Request, Roles},
};

use super::{
    MODULE, data, list, member,
    stream::{ROW, Reader, batch, row},
};

/// Number of publishers that are killed, one after the other.
const VICTIMS: usize = 5;

/// Number of rows that each would publish if it were not killed.
const ROWS: u64 = 100;

pub(super) const KILLED: Scenario = Scenario {
    id: "part3/N4-mid-stream",
    title: "a publisher that is killed while it publishes",
    looks_at: LooksAt::Module(&[Detail::Numbers]),
    run: killed,
};

fn killed(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "")?;
    let lister = scene.peer("lister", 0)?;
    let mut readers = ["reader 1", "reader 2", "reader 3"]
        .map(|name| Reader::new(scene, name))
        .into_iter()
        .collect::<Outcome<Vec<_>>>()?;
    let mut cut_short = 0;
    for number in 1..=VICTIMS {
        scene.step(
            &format!("kill -9 publisher {number} while it publishes to three"),
            "acknowledged messages have reached all three, whole and in order; it is not listed",
            |scene| {
                let name = format!("publisher {number}");
                let publisher = member(scene, &name, Roles::PUBLISHER)?;
                let order = batch(ROWS, row(&publisher));
                scene.begin_call(&publisher.program, &order)?;
                for reader in &mut readers {
                    reader.present = 0;
                }
                let some = scene.rng.usize(1..4 * ROW as usize);
                let read = readers[0].read(scene, some, PATIENCE)?;
                expect_eq("messages of the surviving publisher", read, some)?;
                scene.signal(&publisher.program, Signal::SIGKILL)?;
                // It answers only after it has published all.
                let answer = scene.wait_line(&publisher.program, Stream::Stdout, PATIENCE)?;
                cut_short += usize::from(answer.is_none());
                scene.expect_exit(&publisher.program, Exit::Signal(9))?;
                for reader in &mut readers {
                    reader.read_on(scene)?;
                }
                // It sent its last message only after the previous one was acknowledged.
                let counts = || readers.iter().map(|reader| reader.present);
                let acknowledged = counts().max().unwrap_or_default() - 1;
                let lost = counts().any(|count| count < acknowledged);
                expect_eq("an acknowledged message is lost", lost, false)?;
                let members = list(scene, &lister)?;
                let mut listed: Vec<_> = members
                    .iter()
                    .map(|member| (member.portid, member.delivered, member.dropped))
                    .collect();
                let mut expected: Vec<_> = readers
                    .iter()
                    .map(|reader| (reader.peer.portid, reader.read, 0))
                    .collect();
                // The module chooses the order.
                listed.sort();
                expected.sort();
                expect_eq("members, delivered, dropped", listed, expected)
            },
        )?;
    }
    // Otherwise the check has shown nothing.
    expect_eq("some were killed while publishing", cut_short > 0, true)
}

/// Number of changes of a portid's owner, for each of two ways.
const TIMES: usize = 20;

/// More messages than a few instructions can send, on a busy host too.
const IN_BETWEEN: usize = 100;

/// Attempts to bind to an occupied portid. They take longer than closing a socket.
const ATTEMPTS: u64 = 2000;

pub(super) const SUCCESSOR: Scenario = Scenario {
    id: "part3/N4-successor",
    title: "a portid that another socket takes while messages are sent to it",
    looks_at: LooksAt::Module(&[Detail::Numbers]),
    run: successor,
};

fn successor(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "")?;
    let lister = scene.peer("lister", 0)?;
    let publisher = member(scene, "publisher", Roles::PUBLISHER)?;
    // It reads nothing, so the messages sent to it are counted.
    member(scene, "witness", Roles::SUBSCRIBER)?;
    let old = scene.peer("old", 0)?;
    let heir = scene.actor("heir", 0)?;
    let publish = Request::Publish(b"for the old one");
    let endless = Call::Batch {
        rounds: u64::MAX,
        persist: true,
        calls: vec![publisher.sends(quiet_request(publish.kind(), &publish.payload()))],
    };
    scene.begin_call(&publisher.program, &endless)?;
    let socket = Call::Socket {
        protocol: PROTO as i32,
    };
    let bind = |fd| Call::Bind {
        fd,
        portid: old.portid.0,
        groups: 0,
    };
    scene.step(
        "20 times a subscriber closes its socket, and its process takes the portid again",
        "the new socket gets nothing, and when it subscribes it is a new member",
        |scene| {
            for _ in 0..TIMES {
                subscribe(scene, &old)?;
                // The lowest free descriptor is the one that was closed.
                let calls = vec![Call::Close { fd: old.fd }, socket.clone(), bind(old.fd)];
                scene.batch(&old.program, 1, calls)?;
                expect_more(scene, &lister, &publisher)?;
                expect_nothing_sent(scene, &old)?;
            }
            Ok(())
        },
    )?;
    scene.step(
        "20 times a subscriber closes its socket, and another process binds to the portid",
        "it gets nothing after the close has returned, and is no member",
        |scene| {
            for _ in 0..TIMES {
                subscribe(scene, &old)?;
                let fd = scene.value(&heir, &socket)? as i32;
                let attempts = Call::Batch {
                    rounds: ATTEMPTS,
                    persist: true,
                    calls: vec![bind(fd)],
                };
                scene.begin_call(&heir, &attempts)?;
                scene.value(&old.program, &Call::Close { fd: old.fd })?;
                scene.finish_call(&heir, &attempts)?.ok();
                // Binding to the socket's own portid again is no error.
                scene.value(&heir, &bind(fd))?;
                let new = Peer {
                    program: heir.clone(),
                    fd,
                    portid: old.portid,
                };
                // A closing socket gives up its portid before it is marked as dead, and a module
                // cannot see this. Messages sent in between go to the new owner. Here the close has
                // returned.
                for _ in 0..IN_BETWEEN {
                    if scene.try_receive(&new, Duration::ZERO)? == Err(Errno::ETIMEDOUT) {
                        break;
                    }
                }
                expect_more(scene, &lister, &publisher)?;
                expect_nothing_sent(scene, &new)?;
                let members = list(scene, &lister)?;
                let listed = members.iter().any(|member| member.portid == old.portid);
                expect_eq("it is a member", listed, false)?;
                scene.value(&heir, &Call::Close { fd })?;
                scene.batch(&old.program, 1, vec![socket.clone(), bind(old.fd)])?;
            }
            Ok(())
        },
    )?;
    scene.step("kill -9 the publisher", "it ends", |scene| {
        scene.signal(&publisher.program, Signal::SIGKILL)?;
        scene.expect_exit(&publisher.program, Exit::Signal(9))
    })
}

/// Expect that a socket was sent no message, not even one that was dropped.
fn expect_nothing_sent(scene: &mut Scene<'_>, peer: &Peer) -> Outcome {
    let got = match scene.try_receive(peer, Duration::ZERO)? {
        Err(Errno::ETIMEDOUT) => return Ok(()),
        Ok(datagram) => datagram.in_words(),
        Err(errno) => format!("recvmsg: {errno:?}"),
    };
    Err(fail("the new socket gets nothing", got))
}

/// Subscribe while another socket publishes: the first message has number 1.
fn subscribe(scene: &mut Scene<'_>, peer: &Peer) -> Outcome {
    let register = Request::Register {
        roles: Roles::SUBSCRIBER,
        from: None,
    };
    // Without an acknowledgement, which could come before or after the first message.
    scene.send(peer, quiet_request(register.kind(), &register.payload()))?;
    let mut first = scene.try_receive(peer, PATIENCE)?;
    if first == Err(Errno::ENOBUFS) {
        // More messages came than the queue holds; the first one is there.
        first = scene.try_receive(peer, PATIENCE)?;
    }
    let first = first.map_err(|errno| fail("a first message", format!("{errno:?}")))?;
    scene.expect_number(data(&first.message()?)?.0, 1)
}

/// Wait until a publisher has published more.
fn expect_more(scene: &mut Scene<'_>, lister: &Peer, publisher: &Peer) -> Outcome {
    let sent = |scene: &mut Scene<'_>| -> Outcome<u32> {
        let members = list(scene, lister)?;
        let found = members
            .iter()
            .find(|member| member.portid == publisher.portid);
        let found = found.ok_or_else(|| fail("the publisher is a member", "it is not"))?;
        Ok(found.delivered.wrapping_add(found.dropped))
    };
    let before = sent(scene)?;
    scene.expect_soon("it publishes on", |scene| {
        Ok(sent(scene)?.wrapping_sub(before) >= 20)
    })
}
