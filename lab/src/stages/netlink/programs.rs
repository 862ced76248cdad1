// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is asked of every program: clauses N10 and N11.

use lab_agent::{Bytes, Call, Exit, Stdin, Stream};
use nix::sys::signal::Signal;
use protocol::netlink::{Header, PROTO, PortId};

use super::{STUDENT, Told, errno_of};
use crate::{
    machine::PATIENCE,
    peer::request,
    scene::{Outcome, Program, Scene, expect_eq, fail},
    transcript::Kind,
};

/// Portids of the sockets on protocol 31, the kernel's left out, and whether something waits there
/// (`/proc/net/netlink`; the fifth column is the memory of the receive queue).
fn sockets(scene: &mut Scene<'_>) -> Outcome<Vec<(PortId, bool)>> {
    let text = scene.read("/proc/net/netlink")?;
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, protocol, portid, _, memory, ..] = words[..] else {
            return None;
        };
        let portid = portid.parse().ok().filter(|&portid| portid != 0)?;
        (protocol == PROTO.to_string()).then_some((PortId(portid), memory != "0"))
    };
    Ok(text.lines().filter_map(row).collect())
}

/// A program that prints what the module sends it.
pub(in crate::stages) trait Printer: Told {
    /// Message type of what it prints.
    const KIND: u16;

    /// Start it, and wait until it listens.
    ///
    /// # Errors
    /// [`crate::scene::Halt`].
    fn start(scene: &mut Scene<'_>) -> Outcome<Program>;

    /// What it prints of each message of a round, in order.
    fn lines() -> Vec<&'static str>;
}

pub(in crate::stages) fn strangers<M: Printer>(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(M::NAME, M::PARAMS)?;
    let program = M::start(scene)?;
    let stranger = scene.actor("stranger", 0)?;
    let [(portid, _)] = sockets(scene)?[..] else {
        return Err(fail("one socket on protocol 31", "another number of them"));
    };
    scene.step(
        "root sends the program a forged message",
        "it reads it and prints nothing",
        |scene| {
            let stranger = scene.open_socket(&stranger, PortId(0))?;
            let forged = Header {
                kind: M::KIND,
                flags: 0,
                seq: 1,
                portid: PortId::KERNEL,
            };
            // The attribute of greetings and of events has the same number.
            let mut payload = Vec::new();
            protocol::attributes::put_string(&mut payload, 1, "forged");
            let data = Bytes(forged.encode(&payload));
            scene.note("stranger", Kind::Does, "sends: forged");
            let call = Call::Send {
                fd: stranger.fd,
                portid: portid.0,
                data,
            };
            scene.value(&stranger.program, &call)?;
            expect_read(scene)
        },
    )?;
    scene.step("SIGTERM", "it ends at once", |scene| {
        scene.signal(&program, Signal::SIGTERM)?;
        scene.expect_exit(&program, Exit::Status(0))
    })
}

/// Expect that nothing waits to be read any more.
fn expect_read(scene: &mut Scene<'_>) -> Outcome {
    scene.expect_soon("all has been read", |scene| {
        Ok(sockets(scene)?.iter().all(|&(_, waits)| !waits))
    })
}

/// More messages than any socket's default receive buffer has room for.
const FLOOD: usize = 1000;

pub(in crate::stages) fn overrun<M: Printer>(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(M::NAME, M::PARAMS)?;
    let program = M::start(scene)?;
    scene.hush(M::NAME)?;
    let sender = scene.peer("sender", 0)?;
    let round = M::round();
    let lines = M::lines();
    scene.step(
        "stop the program and send it 1000 messages",
        "the sender is not held up",
        |scene| {
            scene.signal(&program, Signal::SIGSTOP)?;
            for (kind, payload) in round.iter().cycle().take(FLOOD) {
                let errno = errno_of(scene, &sender, request(*kind, payload))?;
                expect_eq("errno", errno, 0)?;
            }
            Ok(())
        },
    )?;
    scene.step(
        "let it go on, and send one more",
        "it prints what its queue had room for, says how many were lost, and prints the last",
        |scene| {
            scene.signal(&program, Signal::SIGCONT)?;
            // Not before the queue is empty: until then the kernel drops whatever comes.
            expect_read(scene)?;
            for (kind, payload) in &round {
                let errno = errno_of(scene, &sender, request(*kind, payload))?;
                expect_eq("errno", errno, 0)?;
            }
            let complaint = scene.wait_line(&program, Stream::Stderr, PATIENCE)?;
            let complaint = String::from_utf8_lossy(&complaint.unwrap_or_default()).into_owned();
            let lost: usize = complaint
                .split_whitespace()
                .find_map(|word| word.parse().ok())
                .ok_or_else(|| fail("how many were lost, on stderr", complaint.as_str()))?;
            // All that were sent and not lost, each as it was sent.
            let printed = FLOOD + round.len() - lost;
            for at in 0..printed {
                let line = scene.wait_line(&program, Stream::Stdout, PATIENCE)?;
                let line = line.ok_or_else(|| fail(format!("{printed} lines"), at.to_string()))?;
                let after_gap = at + round.len() >= printed;
                let of_round = if after_gap { at + lost } else { at };
                let expected = lines[of_round % lines.len()];
                expect_eq("a line", String::from_utf8_lossy(&line).as_ref(), expected)?;
            }
            if lost == 0 || lost >= FLOOD {
                return Err(fail("some, not all of them are lost", lost.to_string()));
            }
            Ok(())
        },
    )?;
    scene.step("SIGTERM", "it has nothing more to say", |scene| {
        scene.signal(&program, Signal::SIGTERM)?;
        scene.expect_exit(&program, Exit::Status(0))
    })
}

pub(in crate::stages) fn ends<M: Printer>(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(M::NAME, M::PARAMS)?;
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        scene.step(
            &format!("{signal} while waiting"),
            "exit status 0",
            |scene| {
                let program = M::start(scene)?;
                scene.signal(&program, signal)?;
                scene.expect_exit(&program, Exit::Status(0))
            },
        )?;
    }
    Ok(())
}

/// N11: without the module, as root and as an ordinary user.
pub(in crate::stages) fn no_module(scene: &mut Scene<'_>, commands: &[&[&str]]) -> Outcome {
    for command in commands {
        scene.step(&command.join(" "), "one line, exit status 1", |scene| {
            for (name, uid) in [("root", 0), ("student", STUDENT)] {
                let program = scene.start_as(name, command, uid, Stdin::Pipe)?;
                let parts = [
                    command[0],
                    "socket",
                    "EPROTONOSUPPORT",
                    "is the module inserted?",
                ];
                scene.expect_complaint(&program, &parts)?;
                scene.expect_exit(&program, Exit::Status(1))?;
            }
            Ok(())
        })?;
    }
    Ok(())
}
