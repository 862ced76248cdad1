// SPDX-License-Identifier: MIT OR Apache-2.0
//! A stopped subscriber, and rmmod while messages are sent: clauses N6 and N7.

use std::time::Duration;

use lab_agent::{Answer, Bytes, Call, Op, Stream};
use lab_machine::PATIENCE;
use lab_scene::{
    Datagram, Detail, InWords, LooksAt, Outcome, Program, Scenario, Scene, actor::complete,
    expect_eq, fail, peer::Peer, readable, transcript::LineKind,
};
use nix::{errno::Errno, sys::signal::Signal};
use protocol::{
    netlink::PROTO,
    router::{Request, Roles},
};

use super::{
    MODULE, TALKATIVE, client, encode, list, member,
    stream::{ROW, Reader, batch, row},
};
use crate::netlink::{body, programs::expect_read};

/// Number of rows for a stopped program: more than any socket's default receive buffer holds.
const ROWS: u32 = 20;

pub(super) const STOPPED: Scenario = Scenario {
    id: "part3/N6-stopped",
    title: "only a stopped program loses messages",
    looks_at: LooksAt::Module(&[Detail::Numbers]),
    run: stopped,
};

fn stopped(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, TALKATIVE)?;
    let publisher = member(scene, "publisher", Roles::PUBLISHER)?;
    let (stopped, stopped_portid) = client(scene, "stopped", "subscriber", None)?;
    let (running, running_portid) = client(scene, "running", "subscriber", None)?;
    scene.hush(MODULE)?;
    for program in [&stopped, &running] {
        // The position of the gap depends on the kernel.
        scene.mute(program);
    }
    let sent = ROWS * ROW;
    let mut lost = 0;
    scene.step(
        "stop one of two subscribers and publish 1000 messages",
        "the publisher does not wait, the other subscriber prints all of them",
        |scene| {
            scene.signal(&stopped, Signal::SIGSTOP)?;
            for _ in 0..ROWS {
                publish_row(scene, &publisher)?;
                // Before the queue is full.
                for n in 1..=ROW {
                    expect_printed(scene, &running, &publisher, n)?;
                }
            }
            Ok(())
        },
    )?;
    scene.step(
        "the list",
        "all count as delivered to the one, and some as dropped for the other",
        |scene| {
            let lister = scene.peer("lister", 0)?;
            let members = list(scene, &lister)?;
            let counts = |portid| {
                let found = members.iter().find(|member| member.portid == portid);
                found.map(|member| (member.delivered, member.dropped))
            };
            expect_eq("running", counts(running_portid), Some((sent, 0)))?;
            lost = counts(stopped_portid).unwrap_or_default().1;
            expect_eq("some are lost", (1..sent).contains(&lost), true)?;
            let found = counts(stopped_portid);
            expect_eq("stopped", found, Some((sent - lost, lost)))?;
            if scene.contract_only() {
                // The contract leaves open how a publisher's counters count.
                return Ok(());
            }
            let of_publisher = counts(publisher.portid);
            expect_eq("publisher", of_publisher, Some((2 * sent - lost, lost)))
        },
    )?;
    scene.step(
        "continue it, and publish once more",
        "it prints the messages that its queue held, reports the number of lost ones, and loses no more",
        |scene| {
            scene.signal(&stopped, Signal::SIGCONT)?;
            // The queue must be empty first, because the kernel drops all messages until then.
            expect_read(scene, &stopped)?;
            publish_row(scene, &publisher)?;
            for n in 0..sent - lost {
                expect_printed(scene, &stopped, &publisher, n % ROW + 1)?;
            }
            for program in [&stopped, &running] {
                for n in 1..=ROW {
                    expect_printed(scene, program, &publisher, n)?;
                }
            }
            let said = scene.wait_line(&stopped, Stream::Stderr, PATIENCE)?;
            let said = readable(&said.unwrap_or_default());
            let expected = format!("router-client: {lost} messages were lost");
            expect_eq("stderr", said, expected)?;
            let text = "reports as many lost messages as the module counts";
            scene.note("stopped", LineKind::Does, text);
            scene.expect_silent(&running)?;
            scene.expect_silent(&stopped)
        },
    )
}

/// Publish a row; each message must be acknowledged.
fn publish_row(scene: &mut Scene<'_>, publisher: &Peer) -> Outcome {
    let order = batch(1, row(publisher));
    scene.begin_call(&publisher.program, &order)?;
    finish_row(scene, publisher, &order)
}

fn finish_row(scene: &mut Scene<'_>, publisher: &Peer, order: &Call) -> Outcome {
    let observed = scene.finish_call(&publisher.program, order)?;
    for answer in complete(1, observed)? {
        let Answer::Datagram { data, .. } =
            answer.map_err(|refusal| fail("ok", refusal.to_string()))?
        else {
            // The errno of a send.
            continue;
        };
        let datagram = Datagram {
            data: data.0,
            from: None,
        };
        let ack = datagram.message()?.ack().ok().flatten();
        expect_eq("errno", ack.map(|ack| ack.errno), Some(0))?;
    }
    Ok(())
}

/// Expect message `n` of a row as the next line of a program.
fn expect_printed(scene: &mut Scene<'_>, program: &Program, publisher: &Peer, n: u32) -> Outcome {
    let line = scene.wait_line(program, Stream::Stdout, PATIENCE)?;
    let line = line.map(|line| readable(&line));
    let expected = [
        format!("portid {}: ", publisher.portid).as_bytes(),
        &body(n),
    ]
    .concat();
    expect_eq("the next line", line, Some(readable(&expected)))
}

/// Attempts to remove the module while it is used.
const ATTEMPTS: usize = 20;

/// Rows that are published until this many attempts were made. One row lasts for some of them.
const MOST_ROWS: usize = 20 * ATTEMPTS;

/// Sockets that a process opens and closes while a row is published.
const VISITS: u64 = 30;

pub(super) const BUSY: Scenario = Scenario {
    id: "part3/N7-busy",
    title: "rmmod while messages are sent, and while members join and leave",
    looks_at: LooksAt::Module(&[]),
    run: busy,
};

fn busy(scene: &mut Scene<'_>) -> Outcome {
    scene.watch_leaks()?;
    scene.insert(MODULE, "")?;
    let publisher = member(scene, "publisher", Roles::PUBLISHER)?;
    let mut reader = Reader::new(scene, "reader")?;
    let visitor = scene.actor("visitor", 0)?;
    let visits = visits(scene, &visitor)?;
    scene.step(
        "rmmod, again and again, while one publishes and another opens and closes sockets",
        "refused each time: in use; no message is lost, no registration fails",
        |scene| {
            let publish = batch(1, row(&publisher));
            let (mut attempts, mut rows) = (0, 0);
            while attempts < ATTEMPTS && rows < MOST_ROWS {
                scene.begin_call(&visitor, &visits)?;
                scene.begin_call(&publisher.program, &publish)?;
                loop {
                    expect_in_use(scene)?;
                    // An attempt counts if no process had ended when it was answered.
                    let silent = [&publisher.program, &visitor]
                        .iter()
                        .all(|program| scene.expect_silent(program).is_ok());
                    if !silent {
                        break;
                    }
                    attempts += 1;
                }
                finish_row(scene, &publisher, &publish)?;
                let visited = scene.finish_call(&visitor, &visits)?;
                complete(VISITS, visited)?;
                let read = reader.read(scene, ROW as usize, Duration::ZERO)?;
                expect_eq("messages of a row", read, ROW as usize)?;
                rows += 1;
            }
            scene.note(
                "host",
                LineKind::Does,
                "tries rmmod at least 20 times meanwhile",
            );
            // Otherwise the check has shown nothing.
            expect_eq(
                "attempts while messages are sent",
                attempts >= ATTEMPTS,
                true,
            )
        },
    )?;
    scene.step("close both sockets, rmmod", "it is removed", |scene| {
        scene.close(&publisher)?;
        scene.close(&reader.peer)?;
        scene.remove(MODULE)
    })?;
    scene.step(
        "memory that it has allocated",
        "is freed",
        Scene::expect_no_leaks,
    )
}

/// Open a socket, register, receive the acknowledgement, close it, repeatedly.
fn visits(scene: &mut Scene<'_>, visitor: &Program) -> Outcome<Call> {
    let socket = Call::Socket {
        protocol: PROTO as i32,
    };
    // The lowest free descriptor is the same each time.
    let fd = scene.value(visitor, &socket)? as i32;
    scene.value(visitor, &Call::Close { fd })?;
    let register = Request::Register {
        roles: Roles::PUBLISHER,
        from: None,
    };
    let register = Call::Send {
        fd,
        portid: 0,
        data: Bytes(encode(&register)),
    };
    let receive = Call::Receive { fd, timeout_ms: 0 };
    Ok(batch(
        VISITS,
        vec![socket, register, receive, Call::Close { fd }],
    ))
}

/// Expect that the module cannot be removed.
fn expect_in_use(scene: &mut Scene<'_>) -> Outcome {
    let op = Op::Remove {
        name: MODULE.into(),
    };
    let refused = scene.machine.order("rmmod", op)?;
    let errno = refused.err().map(|refusal| Errno::from_raw(refusal.errno));
    if matches!(errno, Some(Errno::EAGAIN | Errno::EBUSY)) {
        return Ok(());
    }
    Err(fail("rmmod is refused: in use", errno.in_words()))
}
