// SPDX-License-Identifier: MIT OR Apache-2.0
//! The lists and the receivers of messages: clauses L1 and L2, and L5 for lists.

use lab_agent::{Call, Exit};
use lab_scene::{
    Detail, LooksAt, Outcome, Scenario, Scene, expect_eq, expect_success, fail, peer::Peer,
    transcript::LineKind,
};
use nix::{errno::Errno, sys::signal::Signal};
use protocol::{
    netlink::{PROTO, PortId},
    router::{Request, Roles},
};

use super::{
    MODULE, OK, ask, encode, expect_data, member, members, publish, refuse, register, show_list,
};
use crate::netlink::{pass_over, read_dump};

/// A portid that is no pid; pids end at 2^22 (`PID_MAX_LIMIT`).
const NO_PID: PortId = PortId(0x50_0000);

pub(super) const REGISTER: Scenario = Scenario {
    id: "part3/L1-register",
    title: "register, unregister, list",
    looks_at: LooksAt::Module(&[]),
    run: registering,
};

fn registering(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "")?;
    let a = scene.peer("A", 0)?;
    // The kernel gives a process's first socket its pid as portid. This socket must have another
    // one.
    let b = scene.actor("B", 0)?;
    let b = scene.open_socket(&b, NO_PID)?;
    let c = scene.peer("C", 0)?;
    scene.step(
        "the list without members",
        "it is empty, but has an end",
        |scene| expect_eq("members", show_list(scene, &a)?.len(), 0),
    )?;
    scene.step(
        "A publishes, B is both, C listens to A",
        "the list has role, portid and pid of each",
        |scene| {
            let only_a = Some(a.portid);
            register(scene, &a, Roles::PUBLISHER)?;
            register(scene, &b, Roles::BOTH)?;
            let subscribe = Request::Register {
                roles: Roles::SUBSCRIBER,
                from: only_a,
            };
            ask(scene, &c, &subscribe, OK)?;
            let members = show_list(scene, &c)?;
            let names = &scene.transcript.names;
            // The record has names for portids. The portid that is no pid is not counted.
            let process = |pid: u32| {
                let name = names.get(&pid.into()).map(String::as_str);
                name.filter(|_| pid < NO_PID.0)
            };
            let mut found: Vec<_> = members
                .iter()
                .map(|member| (member.role, member.portid, process(member.pid), member.from))
                .collect();
            let mut expected = [
                (Roles::PUBLISHER, a.portid, Some("A"), None),
                (Roles::PUBLISHER, b.portid, Some("B"), None),
                (Roles::SUBSCRIBER, b.portid, Some("B"), None),
                (Roles::SUBSCRIBER, c.portid, Some("C"), only_a),
            ];
            // The module chooses the order.
            for members in [&mut found[..], &mut expected[..]] {
                members.sort_by_key(|&(role, portid, ..)| (role.0, portid));
            }
            expect_eq("role, portid, process, from", &found[..], &expected[..])
        },
    )?;
    let refusals = [
        ("the same role again", Roles::PUBLISHER, Errno::EALREADY),
        (
            "both roles with one registered",
            Roles::BOTH,
            Errno::EALREADY,
        ),
        ("no role", Roles(0), Errno::EINVAL),
        ("an unknown role", Roles(4), Errno::EINVAL),
        ("an unknown role beside it", Roles(6), Errno::EINVAL),
    ];
    scene.step(
        "wrong registrations",
        "refused, and the list does not change",
        |scene| {
            let before = super::list(scene, &a)?;
            for (_, roles, errno) in refusals {
                refuse(scene, &a, &Request::Register { roles, from: None }, errno)?;
            }
            let subscribe = Request::Register {
                roles: Roles::SUBSCRIBER,
                from: Some(PortId::KERNEL),
            };
            if !scene.contract_only() {
                refuse(scene, &a, &subscribe, Errno::ERANGE)?;
                let stranger = scene.peer("stranger", 0)?;
                let publish = Request::Register {
                    roles: Roles::PUBLISHER,
                    from: Some(b.portid),
                };
                refuse(scene, &stranger, &publish, Errno::EINVAL)?;
            }
            expect_eq("the list", super::list(scene, &a)?, before)
        },
    )?;
    scene.step(
        "unregister a role that the socket does not have",
        "ENOENT, and the list does not change",
        |scene| {
            let before = super::list(scene, &a)?;
            for (roles, errno) in [
                (Roles::SUBSCRIBER, Errno::ENOENT),
                (Roles::BOTH, Errno::ENOENT),
                (Roles(0), Errno::EINVAL),
            ] {
                refuse(scene, &a, &Request::Unregister(roles), errno)?;
            }
            expect_eq("the list", super::list(scene, &a)?, before)
        },
    )?;
    scene.step("unregister, register again", "both work", |scene| {
        ask(scene, &b, &Request::Unregister(Roles::PUBLISHER), OK)?;
        ask(scene, &a, &Request::Unregister(Roles::PUBLISHER), OK)?;
        register(scene, &a, Roles::BOTH)?;
        expect_eq("members", show_list(scene, &a)?.len(), 4)
    })?;
    scene.step(
        "900 more sockets register, and their process ends",
        "all of them are listed, then none",
        |scene| {
            scene.hush(MODULE)?;
            let first = scene.peer("crowd", 0)?;
            let request = encode(&Request::Register {
                roles: Roles::PUBLISHER,
                from: None,
            });
            let one_more = |fd| {
                let protocol = PROTO as i32;
                let registers = Peer {
                    fd,
                    ..first.clone()
                }
                .sends(request.clone());
                [Call::Socket { protocol }, registers]
            };
            let calls = (first.fd + 1..=first.fd + CROWD).flat_map(one_more);
            scene.batch(&first.program, 1, calls.collect())?;
            let members = super::list(scene, &a)?.len();
            expect_eq("members", members, 4 + CROWD as usize)?;
            scene.signal(&first.program, Signal::SIGKILL)?;
            scene.expect_exit(&first.program, Exit::Signal(9))?;
            expect_eq("members", super::list(scene, &a)?.len(), 4)
        },
    )
}

/// Sockets of one process. A process may have 1024 open files (`RLIMIT_NOFILE`).
const CROWD: i32 = 900;

/// Sockets in the long list, each in both roles. They do not fit into the first part of a dump,
/// which is a page (`NLMSG_GOODSIZE`) with at least 56 bytes for each member.
const MANY: usize = 60;

/// Members whose list does not fit into one part of a dump.
pub(super) fn many(scene: &mut Scene<'_>) -> Outcome<Vec<Peer>> {
    let crowd = scene.actor("crowd", 0)?;
    let both = Request::Register {
        roles: Roles::BOTH,
        from: None,
    };
    (0..MANY)
        .map(|_| {
            let peer = scene.open_socket(&crowd, PortId(0))?;
            expect_success(scene.ask(&peer, encode(&both))?.errno)?;
            Ok(peer)
        })
        .collect()
}

pub(super) const CHANGES: Scenario = Scenario {
    id: "part3/L1-list-changes",
    title: "a list that changes while it is read",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert(MODULE, "")?;
        let mut stay = many(scene)?;
        let reader = scene.peer("reader", 0)?;
        scene.step(
            "ask for 120 members; before reading, 20 leave and 20 join",
            "a member that stays is listed exactly once",
            |scene| {
                // The kernel makes the first part now, and the others when the list is read.
                scene.send(&reader, encode(&Request::List))?;
                // It has all publishers and the first few subscribers, so the dump has stopped
                // among the members that leave.
                let gone: Vec<Peer> = stay.drain(..20).collect();
                for peer in &gone {
                    ask(scene, peer, &Request::Unregister(Roles::BOTH), OK)?;
                    member(scene, "late", Roles::BOTH)?;
                }
                let found = members(&read_dump(scene, &reader)?)?;
                if scene.contract_only() {
                    // The list has ended.
                    pass_over(scene);
                    return Ok(());
                }
                for peer in &stay {
                    for role in [Roles::PUBLISHER, Roles::SUBSCRIBER] {
                        let times = found
                            .iter()
                            .filter(|member| member.portid == peer.portid && member.role == role)
                            .count();
                        expect_eq("times that a member is listed", times, 1)?;
                    }
                }
                let dead = gone[10..].iter().any(|peer| {
                    found.iter().any(|member| {
                        member.portid == peer.portid && member.role == Roles::SUBSCRIBER
                    })
                });
                if dead {
                    return Err(fail("members that left are not listed", "one is"));
                }
                scene.note(
                    "reader",
                    LineKind::Does,
                    "finds each of the 80 that stayed once",
                );
                Ok(())
            },
        )?;
        scene.step("ask again from another socket", "120 members", |scene| {
            // For a socket that has read a list, the next list comes in one part, as large as its
            // buffer.
            let fresh = scene.peer("fresh", 0)?;
            expect_eq("members", super::list(scene, &fresh)?.len(), 2 * MANY)
        })?;
        scene.step(
            "ask twice without reading",
            "EBUSY: the first list has not ended",
            |scene| {
                let hasty = scene.peer("hasty", 0)?;
                scene.send(&hasty, encode(&Request::List))?;
                scene.send(&hasty, encode(&Request::List))?;
                // The first part of the first list comes before the refusal.
                scene.receive(&hasty, lab_machine::PATIENCE)?;
                expect_eq(
                    "the second answer",
                    scene.expect_ack(&hasty)?.errno,
                    Errno::EBUSY as i32,
                )
            },
        )
    },
};

pub(super) const ROUTING: Scenario = Scenario {
    id: "part3/L2-routing",
    title: "the sender of a message decides on its receivers",
    looks_at: LooksAt::Module(&[Detail::Numbers, Detail::Bytes]),
    run: routing,
};

fn routing(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "")?;
    let a = member(scene, "A", Roles::PUBLISHER)?;
    let b = member(scene, "B", Roles::BOTH)?;
    let all = member(scene, "all", Roles::SUBSCRIBER)?;
    let only_a = scene.peer("only A", 0)?;
    let subscribe = Request::Register {
        roles: Roles::SUBSCRIBER,
        from: Some(a.portid),
    };
    ask(scene, &only_a, &subscribe, OK)?;
    let refused = Request::Publish(b"let me");
    scene.step(
        "publish without being a publisher",
        "EPERM, and no socket gets a message",
        |scene| {
            let stranger = scene.peer("stranger", 0)?;
            ask(scene, &stranger, &refused, Errno::EPERM)?;
            ask(scene, &all, &refused, Errno::EPERM)?;
            for peer in [&b, &all, &only_a] {
                scene.expect_nothing(peer)?;
            }
            Ok(())
        },
    )?;
    scene.step(
        "A publishes bodies of many lengths, arbitrary bytes",
        "all three get exactly these bytes, from A, numbered from 1",
        |scene| {
            for (seq, len) in (1..).zip([0, 1, 2, 3, 4, 5, 7, 64, 1023, 1024]) {
                let body: Vec<u8> = (0..len).map(|_| scene.rng.u8(..)).collect();
                publish(scene, &a, &body)?;
                for peer in [&b, &all, &only_a] {
                    expect_data(scene, peer, seq, &a, &body)?;
                }
            }
            Ok(())
        },
    )?;
    scene.step(
        "B publishes",
        "neither B itself nor the subscriber of A gets it",
        |scene| {
            publish(scene, &b, b"I am B")?;
            expect_data(scene, &all, 11, &b, b"I am B")?;
            scene.expect_nothing(&b)?;
            scene.expect_nothing(&only_a)
        },
    )?;
    scene.step(
        "A publishes again",
        "each has numbers of its own: 12 for one, 11 for the others",
        |scene| {
            publish(scene, &a, b"I am A")?;
            expect_data(scene, &all, 12, &a, b"I am A")?;
            expect_data(scene, &b, 11, &a, b"I am A")?;
            expect_data(scene, &only_a, 11, &a, b"I am A")
        },
    )?;
    scene.step(
        "a subscriber unregisters, a publisher unregisters",
        "the subscriber gets no more messages, the publisher may not publish",
        |scene| {
            ask(scene, &only_a, &Request::Unregister(Roles::SUBSCRIBER), OK)?;
            publish(scene, &a, b"the last of A")?;
            scene.expect_nothing(&only_a)?;
            ask(scene, &a, &Request::Unregister(Roles::PUBLISHER), OK)?;
            ask(scene, &a, &refused, Errno::EPERM)?;
            expect_data(scene, &all, 13, &a, b"the last of A")?;
            scene.expect_nothing(&all)
        },
    )?;
    scene.step(
        "subscribe to A, unsubscribe, subscribe to all; C publishes",
        "the earlier subscription does not count any more, also for a member that stayed a publisher",
        |scene| {
            let fickle = scene.peer("fickle", 0)?;
            let both = Request::Register {
                roles: Roles::BOTH,
                from: Some(a.portid),
            };
            ask(scene, &fickle, &both, OK)?;
            ask(scene, &fickle, &Request::Unregister(Roles::SUBSCRIBER), OK)?;
            register(scene, &fickle, Roles::SUBSCRIBER)?;
            let c = member(scene, "C", Roles::PUBLISHER)?;
            publish(scene, &c, b"I am C")?;
            expect_data(scene, &all, 14, &c, b"I am C")?;
            expect_data(scene, &fickle, 1, &c, b"I am C")?;
            ask(scene, &fickle, &Request::Unregister(Roles::BOTH), OK)
        },
    )?;
    scene.step(
        "a publisher that names itself publishes",
        "others get the message, the publisher does not",
        |scene| {
            let echo = scene.peer("echo", 0)?;
            let both = Request::Register {
                roles: Roles::BOTH,
                from: Some(echo.portid),
            };
            let errno = scene.ask(&echo, encode(&both))?.errno;
            if scene.contract_only() && errno != 0 {
                // The contract does not state that it can.
                pass_over(scene);
                return Ok(());
            }
            expect_success(errno)?;
            scene.note("echo", LineKind::Does, "registers as both, from itself");
            publish(scene, &echo, b"am I heard?")?;
            expect_data(scene, &all, 15, &echo, b"am I heard?")?;
            scene.expect_nothing(&echo)
        },
    )
}
