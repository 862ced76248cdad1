// SPDX-License-Identifier: MIT OR Apache-2.0
//! The scenarios of clauses N10 and N11, for every program.

use lab_agent::{Bytes, Call, Exit, Stdin, Stream};
use lab_machine::PATIENCE;
use lab_scene::{
    Outcome, Program, Scene, expect_eq, expect_success, fail,
    peer::{Peer, quiet_request, request},
    transcript::LineKind,
};
use nix::sys::signal::Signal;
use protocol::netlink::{BODY_MAX, Header, PROTO, PortId};

use super::{STUDENT, Told, errno_of, sender};

/// Portids of the sockets on protocol 31 without the kernel's, and whether a message waits there
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

/// A program that prints the module's messages.
pub(crate) trait Printer: Told {
    /// Type of these messages.
    const KIND: u16;
    /// Module parameters whose log lines show that the program listens, if nothing else does.
    const AUDIBLE: &'static str = Self::PARAMS;

    /// Start the program, and wait until it listens.
    ///
    /// # Errors
    /// [`lab_scene::Halt`].
    fn start(scene: &mut Scene<'_>) -> Outcome<Program>;

    /// Its output for each message of this sender's round, in order.
    fn lines(sender: &Peer) -> Vec<String>;

    /// Payload of a message that it would print if the kernel had sent it.
    fn forged() -> Vec<u8> {
        // The attribute of greetings and of events has the same number.
        let mut payload = Vec::new();
        protocol::attributes::put_string(&mut payload, 1, "forged");
        payload
    }
}

pub(crate) fn strangers<M: Printer>(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(M::NAME, M::AUDIBLE)?;
    let program = M::start(scene)?;
    let stranger = scene.actor("stranger", 0)?;
    let [(portid, _)] = sockets(scene)?[..] else {
        return Err(fail("one socket on protocol 31", "another number of them"));
    };
    scene.step(
        "root sends the program a forged message; a real one follows",
        "the program prints the real one only",
        |scene| {
            let stranger = scene.open_socket(&stranger, PortId(0))?;
            let forged = Header {
                kind: M::KIND,
                flags: 0,
                seq: 1,
                portid: PortId::KERNEL,
            };
            let data = Bytes(forged.encode(&M::forged()));
            scene.note("stranger", LineKind::Does, "sends: forged");
            let call = Call::Send {
                fd: stranger.fd,
                portid: portid.0,
                data,
            };
            scene.value(&stranger.program, &call)?;
            expect_read(scene, &program)?;
            // No output is skipped: a forged message would be the next line.
            let sender = sender::<M>(scene, 0)?;
            let (kind, payload) = &M::round()[0];
            let errno = errno_of(scene, &sender, request(*kind, payload))?;
            expect_success(errno)?;
            scene.expect_line(&program, &M::lines(&sender)[0])
        },
    )?;
    kill_it(scene, &program)
}

/// End a program, and expect no further output. N11 checks its exit status.
fn kill_it(scene: &mut Scene<'_>, program: &Program) -> Outcome {
    scene.step("kill -9", "it has printed nothing more", |scene| {
        scene.signal(program, Signal::SIGKILL)?;
        scene.expect_exit(program, Exit::Signal(9))
    })
}

/// Expect that the queue of this program is empty and that it waits for more. A socket whose queue
/// was full accepts no message before that (`netlink_rcv_wake()` in af_netlink.c).
pub(crate) fn expect_read(scene: &mut Scene<'_>, program: &Program) -> Outcome {
    scene.expect_soon("the queue is empty", |scene| {
        let read = sockets(scene)?.iter().all(|&(_, waits)| !waits);
        Ok(read && scene.status(program, "State")?.starts_with('S'))
    })
}

/// More messages than any socket's default receive buffer holds.
const FLOOD: usize = 1000;

/// Send all of these messages repeatedly. They request no acknowledgement, and the module is the
/// lab's own, so there are no replies.
fn flood(scene: &mut Scene<'_>, sender: &Peer, round: &[(u16, Vec<u8>)]) -> Outcome {
    scene.note(
        &sender.program.name,
        LineKind::Does,
        format!("sends {FLOOD} messages"),
    );
    let sends = round
        .iter()
        .map(|(kind, payload)| sender.sends(quiet_request(*kind, payload)));
    let rounds = FLOOD / round.len();
    scene
        .batch(&sender.program, rounds as u64, sends.collect())
        .map(drop)
}

pub(crate) fn overrun<M: Printer>(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(M::NAME, M::AUDIBLE)?;
    let program = M::start(scene)?;
    // Its output before it stops counts, too.
    scene.mute(&program);
    scene.hush(M::NAME)?;
    let sender = sender::<M>(scene, 0)?;
    let round = M::round();
    let lines = M::lines(&sender);
    scene.step(
        "stop the program and send it 1000 messages",
        "the sender does not wait",
        |scene| {
            scene.signal(&program, Signal::SIGSTOP)?;
            flood(scene, &sender, &round)
        },
    )?;
    let lives = scene.step(
        "continue it, and send one more",
        "it prints the messages that its queue held, reports the number of lost ones, and prints the last",
        |scene| {
            scene.signal(&program, Signal::SIGCONT)?;
            // The queue must be empty first, because the kernel drops all messages until then.
            expect_read(scene, &program)?;
            for (kind, payload) in &round {
                let errno = errno_of(scene, &sender, request(*kind, payload))?;
                expect_success(errno)?;
            }
            let complaint = scene.wait_line(&program, Stream::Stderr, PATIENCE)?;
            let complaint = String::from_utf8_lossy(&complaint.unwrap_or_default()).into_owned();
            let lost = complaint
                .split_whitespace()
                .find_map(|word| word.parse::<usize>().ok());
            if lost.is_none() && scene.others_programs() && !complaint.is_empty() {
                // The program need not count lost messages. The check sees that it goes on.
                expect_read(scene, &program)?;
                scene.signal(&program, Signal::SIGKILL)?;
                let printed = scene.expect_end(&program, Exit::Signal(9))?;
                let goes_on = lines.iter().all(|line| printed.contains(line));
                return expect_eq("the program goes on", goes_on, true).map(|()| false);
            }
            let lost = lost.ok_or_else(|| fail("the number of lost messages, on stderr", complaint))?;
            // All messages that were sent and not lost, each unchanged.
            let printed = FLOOD + round.len() - lost;
            for at in 0..printed {
                let line = scene.wait_line(&program, Stream::Stdout, PATIENCE)?;
                let line = line.ok_or_else(|| fail(format!("{printed} lines"), at.to_string()))?;
                let after_gap = at + round.len() >= printed;
                let of_round = if after_gap { at + lost } else { at };
                let expected = &lines[of_round % lines.len()];
                expect_eq("a line", &String::from_utf8_lossy(&line), &expected.into())?;
            }
            if lost == 0 || lost >= FLOOD {
                return Err(fail("some messages are lost, but not all", lost.to_string()));
            }
            Ok(true)
        },
    )?;
    match lives {
        true => kill_it(scene, &program),
        false => Ok(()),
    }
}

/// Start each program, wait until it has begun, and end it with a signal.
pub(crate) fn ends(
    scene: &mut Scene<'_>,
    starts: &[fn(&mut Scene<'_>) -> Outcome<Program>],
) -> Outcome {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        scene.step(
            &format!("{signal} while waiting"),
            "exit status 0",
            |scene| {
                for start in starts {
                    let program = start(scene)?;
                    scene.signal(&program, signal)?;
                    scene.expect_exit(&program, Exit::Status(0))?;
                }
                Ok(())
            },
        )?;
    }
    Ok(())
}

/// A module with a program that sends it each line of its input.
pub(crate) trait Typed: Printer {
    /// Start the program, and wait until it may send. Returns the prefix of each printed line, too.
    ///
    /// # Errors
    /// [`lab_scene::Halt`].
    fn start_typing(scene: &mut Scene<'_>, stdin: Stdin) -> Outcome<(Program, String)>;

    /// As [`Typed::start_typing`], for a program that gets no input.
    ///
    /// # Errors
    /// [`lab_scene::Halt`].
    fn start_silent(scene: &mut Scene<'_>) -> Outcome<Program> {
        Self::start_typing(scene, Stdin::Pipe).map(|(program, _)| program)
    }
}

/// N11, the end of the input.
pub(crate) fn ends_of_input<M: Typed>(scene: &mut Scene<'_>) -> Outcome {
    // Submitted programs need not handle a closed stdin.
    if !scene.others_programs() {
        scene.step(
            "stdin closed from the start",
            "end of input: exit status 0",
            |scene| {
                let (program, _) = M::start_typing(scene, Stdin::Closed)?;
                scene.expect_exit(&program, Exit::Status(0))
            },
        )?;
    }
    scene.step(
        "a last line without a newline",
        "it is published too, before the program ends",
        |scene| {
            let subscriber = M::start(scene)?;
            let (publisher, prefix) = M::start_typing(scene, Stdin::Pipe)?;
            scene.write(&publisher, b"first\nlast")?;
            scene.end_input(&publisher)?;
            scene.expect_line(&subscriber, &format!("{prefix}first"))?;
            scene.expect_line(&subscriber, &format!("{prefix}last"))?;
            scene.expect_exit(&publisher, Exit::Status(0))
        },
    )
}

/// N11, lines of invalid length.
pub(crate) fn long_lines<M: Typed>(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(M::NAME, M::AUDIBLE)?;
    let subscriber = M::start(scene)?;
    for len in [BODY_MAX + 1, 1 << 20] {
        scene.step(
            &format!("a line of {len} bytes"),
            "EMSGSIZE, exit status 1",
            |scene| {
                let (publisher, _) = M::start_typing(scene, Stdin::Pipe)?;
                let mut line = vec![b'x'; len];
                line.push(b'\n');
                // The program may end before it has read the whole line.
                let _ = scene.try_write(&publisher, &line)?;
                scene.expect_worded_complaint(&publisher, &["publish"], &["EMSGSIZE"])?;
                scene.expect_exit(&publisher, Exit::Status(1))
            },
        )?;
    }
    scene.step(
        "a line of 1024 bytes",
        "it arrives whole, before any other line",
        |scene| {
            let (publisher, prefix) = M::start_typing(scene, Stdin::Pipe)?;
            scene.type_line(&publisher, &"y".repeat(BODY_MAX))?;
            let pattern = format!("{}y{{{BODY_MAX}}}", regex::escape(&prefix));
            let expected = regex::Regex::new(&pattern)
                .map_err(|error| lab_base::Error::Unexpected(error.to_string()))?;
            // The length of the line depends on the portid.
            let noted = format!("{prefix}{BODY_MAX} times y");
            scene.expect_line_matching(&subscriber, &expected, &noted)
        },
    )
}

/// N11: without the module, as root and as an ordinary user.
pub(crate) fn no_module(scene: &mut Scene<'_>, commands: &[&[&str]]) -> Outcome {
    for command in commands {
        scene.step(&command.join(" "), "one line, exit status 1", |scene| {
            for (name, uid) in [("root", 0), ("student", STUDENT)] {
                let program = scene.start_as(name, command, uid, Stdin::Pipe)?;
                let parts = ["socket", "EPROTONOSUPPORT", "is the module inserted?"];
                scene.expect_worded_complaint(&program, &[command[0]], &parts)?;
                scene.expect_exit(&program, Exit::Status(1))?;
            }
            Ok(())
        })?;
    }
    Ok(())
}
