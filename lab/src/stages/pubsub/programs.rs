// SPDX-License-Identifier: MIT OR Apache-2.0
//! Users, namespaces and the program `pubsub`: clauses N8-N11.

use lab_agent::{Bytes, Call, Exit, Stdin, Stream};
use nix::{errno::Errno, sys::signal::Signal};
use protocol::{
    netlink::{BODY_MAX, Header, PROTO, PortId},
    pubsub::{DATA, REQUEST, Request},
};

use super::{MODULE, OK, Pubsub, STUDENT, TALKATIVE};
use crate::{
    machine::PATIENCE,
    peer::request,
    scene::{Outcome, Scenario, Scene, expect_eq, fail},
    stages::netlink::users,
    transcript::Kind,
};

pub(super) const ANY_USER: Scenario = Scenario {
    id: "part2/N8-any-user",
    title: "any user may use it, none may send to another's socket",
    run: |scene| {
        scene.insert(MODULE, "")?;
        let publisher = scene.peer("publisher", STUDENT)?;
        let subscriber = scene.peer("subscriber", STUDENT)?;
        scene.step(
            "publish and subscribe as an ordinary user",
            "works",
            |scene| {
                scene.expect_answer(&subscriber, &Request::Subscribe.payload(), OK)?;
                scene.expect_answer(&publisher, &Request::Publish(b"hello").payload(), OK)?;
                scene.expect_data(&subscriber, DATA, 1, b"hello")
            },
        )?;
        scene.step(
            "join a multicast group as an ordinary user",
            "works",
            |scene| {
                let actor = scene.actor("member", STUDENT)?;
                let fd = scene.value(
                    &actor,
                    &Call::Socket {
                        protocol: PROTO as i32,
                    },
                )? as i32;
                scene
                    .value(
                        &actor,
                        &Call::Bind {
                            fd,
                            portid: 0,
                            groups: 1,
                        },
                    )
                    .map(drop)
            },
        )?;
        scene.step(
            "send to another user's socket",
            "EPERM, and nothing arrives",
            |scene| {
                let data = Bytes(request(DATA, b"forged"));
                let call = Call::Send {
                    fd: publisher.fd,
                    portid: subscriber.portid.0,
                    data,
                };
                let refused = scene.call(&publisher.program, &call)?;
                let errno = refused.err().map(|refusal| Errno::from_raw(refusal.errno));
                expect_eq("sendto", errno, Some(Errno::EPERM))?;
                scene.expect_nothing(&subscriber)
            },
        )
    },
};

pub(super) const OTHER_NAMESPACE: Scenario = Scenario {
    id: "part2/N9-other-namespace",
    title: "only the initial network namespace is served",
    run: users::other_namespace::<Pubsub>,
};

/// Portids of the sockets on protocol 31, the kernel's left out (`/proc/net/netlink`).
fn portids(scene: &mut Scene<'_>) -> Outcome<Vec<PortId>> {
    let text = scene.read("/proc/net/netlink")?;
    let row = |line: &str| {
        let words: Vec<u32> = line
            .split_whitespace()
            .skip(1)
            .take(2)
            .filter_map(|word| word.parse().ok())
            .collect();
        (words.len() == 2 && words[0] == PROTO && words[1] != 0).then(|| PortId(words[1]))
    };
    Ok(text.lines().filter_map(row).collect())
}

pub(super) const STRANGERS: Scenario = Scenario {
    id: "part2/N10-strangers",
    title: "the subscriber believes the kernel only",
    run: |scene| {
        scene.insert(MODULE, TALKATIVE)?;
        let subscriber = scene.start("subscriber", &["pubsub", "subscriber"])?;
        scene.expect_log("subscribes")?;
        let [portid] = portids(scene)?[..] else {
            return Err(fail("one socket on protocol 31", "another number of them"));
        };
        scene.step(
            "root sends the subscriber a forged message",
            "it prints nothing",
            |scene| {
                let stranger = scene.peer("stranger", 0)?;
                let forged = Header {
                    kind: DATA,
                    flags: 0,
                    seq: 1,
                    portid: PortId::KERNEL,
                };
                let data = Bytes(forged.encode(b"forged"));
                scene.note("stranger", Kind::Does, "sends: forged");
                scene
                    .value(
                        &stranger.program,
                        &Call::Send {
                            fd: stranger.fd,
                            portid: portid.0,
                            data,
                        },
                    )
                    .map(drop)
            },
        )?;
        scene.step(
            "a real message follows",
            "it is the first that is printed",
            |scene| {
                let publisher = scene.peer("publisher", 0)?;
                scene.expect_answer(&publisher, &Request::Publish(b"genuine").payload(), OK)?;
                scene.expect_line(&subscriber, "genuine")?;
                scene.signal(&subscriber, Signal::SIGTERM)?;
                scene.expect_exit(&subscriber, Exit::Status(0))
            },
        )
    },
};

/// More messages than any socket's default receive buffer has room for.
const FLOOD: usize = 400;

pub(super) const OVERRUN: Scenario =
    Scenario {
        id: "part2/N10-overrun",
        title: "a subscriber that was too slow says so and goes on",
        run: |scene| {
            scene.insert(MODULE, TALKATIVE)?;
            let subscriber = scene.start("subscriber", &["pubsub", "subscriber"])?;
            scene.expect_log("subscribes")?;
            scene.hush(MODULE)?;
            let publisher = scene.peer("publisher", 0)?;
            let body = vec![b'x'; BODY_MAX];
            scene.step(
                "stop it and publish 400 messages",
                "the publisher is not held up",
                |scene| {
                    scene.signal(&subscriber, Signal::SIGSTOP)?;
                    for _ in 0..FLOOD {
                        let data = request(REQUEST, &Request::Publish(&body).payload());
                        expect_eq("errno", scene.ask(&publisher, data)?.errno, 0)?;
                    }
                    Ok(())
                },
            )?;
            scene.step(
            "let it go on, and publish one more",
            "it prints what its queue had room for, says how many were lost, and prints the last",
            |scene| {
                scene.signal(&subscriber, Signal::SIGCONT)?;
                // Not before the queue is empty: until then the kernel drops whatever comes.
                scene.expect_soon("the subscriber has read all there is", |scene| {
                    Ok(!scene.read("/proc/net/netlink")?.lines().any(has_backlog))
                })?;
                scene.expect_answer(&publisher, &Request::Publish(b"the end").payload(), OK)?;
                let mut printed = 0;
                while let Some(line) = scene.wait_line(&subscriber, Stream::Stdout, PATIENCE)? {
                    if line != b"the end" {
                        expect_eq("a line before the last", &line, &body)?;
                        printed += 1;
                        continue;
                    }
                    let complaint = scene.wait_line(&subscriber, Stream::Stderr, PATIENCE)?;
                    let complaint = complaint.unwrap_or_default();
                    let lost = format!("pubsub: {} messages were lost", FLOOD - printed);
                    return expect_eq("stderr", String::from_utf8_lossy(&complaint).as_ref(), &lost);
                }
                Err(fail("the last message is printed", "it is not"))
            },
        )?;
            scene.step("SIGTERM", "exit status 0", |scene| {
                scene.signal(&subscriber, Signal::SIGTERM)?;
                scene.expect_exit(&subscriber, Exit::Status(0))
            })
        },
    };

/// Whether a row of `/proc/net/netlink` is a socket on protocol 31 with unread messages (its
/// fifth column is the memory of its receive queue).
fn has_backlog(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    matches!(words[..], [_, protocol, _, _, memory, ..]
        if protocol == PROTO.to_string() && memory != "0")
}

pub(super) const NO_MODULE: Scenario = Scenario {
    id: "part2/N11-no-module",
    title: "without the module the programs say what is missing",
    run: |scene| {
        for (name, uid) in [("root", 0), ("student", STUDENT)] {
            for role in ["subscriber", "publisher"] {
                scene.step(
                    &format!("{role} as {name}"),
                    "one line, exit status 1",
                    |scene| {
                        let program = scene.start_as(role, &["pubsub", role], uid, Stdin::Pipe)?;
                        let parts = ["socket", "EPROTONOSUPPORT", "is the module inserted?"];
                        scene.expect_complaint(&program, &parts)?;
                        scene.expect_exit(&program, Exit::Status(1))
                    },
                )?;
            }
        }
        scene.step(
            "a role that there is not",
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
    run: |scene| {
        scene.insert(MODULE, TALKATIVE)?;
        for signal in [Signal::SIGINT, Signal::SIGTERM] {
            scene.step(
                &format!("{signal} while waiting"),
                "exit status 0, both",
                |scene| {
                    let publisher = scene.start("publisher", &["pubsub", "publisher"])?;
                    scene.expect_log("is the publisher")?;
                    let subscriber = scene.start("subscriber", &["pubsub", "subscriber"])?;
                    scene.expect_log("subscribes")?;
                    for program in [&publisher, &subscriber] {
                        scene.signal(program, signal)?;
                        scene.expect_exit(program, Exit::Status(0))?;
                    }
                    Ok(())
                },
            )?;
        }
        scene.step(
            "stdin closed from the start",
            "end of input: exit status 0",
            |scene| {
                let publisher =
                    scene.start_as("publisher", &["pubsub", "publisher"], 0, Stdin::Closed)?;
                scene.expect_exit(&publisher, Exit::Status(0))
            },
        )?;
        scene.step(
            "a last line without a newline",
            "is published too",
            |scene| {
                let subscriber = scene.start("subscriber", &["pubsub", "subscriber"])?;
                scene.expect_log("subscribes")?;
                let publisher = scene.start("publisher", &["pubsub", "publisher"])?;
                scene.write(&publisher, b"first\nlast")?;
                scene.end_input(&publisher)?;
                scene.expect_line(&subscriber, "first")?;
                scene.expect_line(&subscriber, "last")?;
                scene.expect_exit(&publisher, Exit::Status(0))
            },
        )
    },
};

pub(super) const LONG_LINES: Scenario = Scenario {
    id: "part2/N11-long-lines",
    title: "a line that is too long is refused, not cut",
    run: |scene| {
        scene.insert(MODULE, TALKATIVE)?;
        let subscriber = scene.start("subscriber", &["pubsub", "subscriber"])?;
        scene.expect_log("subscribes")?;
        for len in [BODY_MAX + 1, 1 << 20] {
            scene.step(
                &format!("a line of {len} bytes"),
                "EMSGSIZE, exit status 1",
                |scene| {
                    let publisher = scene.start("publisher", &["pubsub", "publisher"])?;
                    scene.expect_log("is the publisher")?;
                    let mut line = vec![b'x'; len];
                    line.push(b'\n');
                    // It may end before it has read all of it.
                    let _ = scene.try_write(&publisher, &line)?;
                    scene.expect_complaint(&publisher, &["publish", "EMSGSIZE"])?;
                    scene.expect_exit(&publisher, Exit::Status(1))
                },
            )?;
        }
        scene.step(
            "a line of 1024 bytes",
            "arrives whole, before anything else",
            |scene| {
                let publisher = scene.start("publisher", &["pubsub", "publisher"])?;
                let line = "y".repeat(BODY_MAX);
                scene.type_line(&publisher, &line)?;
                scene.expect_line(&subscriber, &line)
            },
        )
    },
};
