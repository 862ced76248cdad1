// SPDX-License-Identifier: MIT OR Apache-2.0
//! The rights of each role: clauses B1-B4.

use std::time::Duration;

use lab_agent::Call;
use lab_scene::{
    Detail, LooksAt, Outcome, Scenario, Scene, expect_success,
    peer::{Peer, request},
};
use nix::{errno::Errno, sys::signal::Signal};
use protocol::{
    netlink::PROTO,
    pubsub::{DATA, REQUEST, Request},
};

use super::{MODULE, OK, TALKATIVE};
use crate::netlink::races::{
    asks, at_once, close_and_remove, errnos, racers, repeatedly, rounds, sends,
};

pub(super) const ROLE_BYTE: Scenario = Scenario {
    id: "part2/B1-role-byte",
    title: "the first byte of a request is the role",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert(MODULE, "")?;
        let peer = scene.peer("A", 0)?;
        scene.step(
            "no role, another role",
            "EINVAL, and nothing changes",
            |scene| {
                for payload in [&b""[..], b"x", b"x hello", b"P", b"\0s", b"\xff"] {
                    scene.expect_answer(&peer, payload, Errno::EINVAL)?;
                }
                Ok(())
            },
        )?;
        scene.step(
            "s with a body",
            "EINVAL: it is not a subscription",
            |scene| match scene.contract_only() {
                true => scene.expect_refused(&peer, request(REQUEST, b"sp"), "sp"),
                false => scene.expect_answer(&peer, b"sp", Errno::EINVAL),
            },
        )?;
        scene.step(
            "p alone, twice",
            "it claims the place; claiming it again is no error",
            |scene| {
                scene.expect_answer(&peer, &Request::Claim.payload(), OK)?;
                scene.expect_answer(&peer, &Request::Claim.payload(), OK)
            },
        )?;
        scene.step(
            "s alone from another socket",
            "it subscribes; a single p sent it nothing",
            |scene| {
                let other = scene.peer("B", 0)?;
                scene.expect_answer(&other, &Request::Subscribe.payload(), OK)?;
                scene.expect_answer(&peer, &Request::Claim.payload(), OK)?;
                scene.expect_nothing(&other)
            },
        )
    },
};

pub(super) const PLACES: Scenario = Scenario {
    id: "part2/B2-places",
    title: "one publisher, two subscribers, one role each",
    looks_at: LooksAt::Module(&[]),
    run: places,
};

fn places(scene: &mut Scene<'_>) -> Outcome {
    let subscribe = Request::Subscribe.payload();
    let publish = Request::Publish(b"hello").payload();
    scene.insert(MODULE, TALKATIVE)?;
    let publisher = scene.peer("publisher", 0)?;
    let rival = scene.peer("rival", 0)?;
    let first = scene.peer("first", 0)?;
    let second = scene.peer("second", 0)?;
    let third = scene.peer("third", 0)?;
    scene.step(
        "the first socket to publish",
        "it is the publisher; another one gets EBUSY",
        |scene| {
            // A request that is refused takes no place. Another clause checks its answer.
            scene.send(&rival, request(REQUEST + 1, &publish))?;
            scene.receive(&rival, Duration::ZERO)?;
            scene.expect_answer(&publisher, &publish, OK)?;
            scene.expect_answer(&rival, &publish, Errno::EBUSY)?;
            scene.expect_answer(&rival, &Request::Claim.payload(), Errno::EBUSY)
        },
    )?;
    scene.step(
        "three subscribers",
        "two get a place, the third ENOSPC; EALREADY for a second try, EPERM for the publisher",
        |scene| {
            scene.expect_answer(&first, &subscribe, OK)?;
            // While a place is free, so that there is only one reason to refuse it.
            scene.expect_answer(&publisher, &subscribe, Errno::EPERM)?;
            scene.expect_answer(&first, &subscribe, Errno::EALREADY)?;
            scene.expect_answer(&second, &subscribe, OK)?;
            scene.expect_answer(&third, &subscribe, Errno::ENOSPC)?;
            // Both places are taken. This socket needs none of them, because it has one.
            scene.expect_answer(&second, &subscribe, Errno::EALREADY)
        },
    )?;
    scene.step(
        "the rival publishes while both listen",
        "EBUSY, and no subscriber gets it",
        |scene| {
            scene.expect_answer(&rival, &publish, Errno::EBUSY)?;
            scene.expect_nothing(&first)?;
            scene.expect_nothing(&second)
        },
    )?;
    scene.step(
        "the publisher closes",
        "the place is free for the rival, but not for a subscriber",
        |scene| {
            scene.close(&publisher)?;
            scene.expect_answer(&first, &publish, Errno::EPERM)?;
            scene.expect_answer(&rival, &publish, OK)?;
            scene.expect_data(&first, DATA, 1, b"hello")?;
            scene.expect_data(&second, DATA, 1, b"hello")
        },
    )?;
    scene.step(
        "a subscriber closes",
        "the place is free for the third",
        |scene| {
            scene.close(&first)?;
            scene.expect_answer(&third, &subscribe, OK)
        },
    )?;
    scene.hush(MODULE)?;
    scene.step(
        "all close; a publisher and two subscribers come in each order, and at the same time",
        "each gets its place, and both subscribers get the first message",
        |scene| {
            for peer in [&rival, &second, &third] {
                scene.close(peer)?;
            }
            let wishes = [Request::Claim, Request::Subscribe, Request::Subscribe];
            for order in [Some([0, 1, 2]), Some([1, 0, 2]), Some([1, 2, 0]), None] {
                let peers = ["publisher", "first", "second"].map(|name| scene.peer(name, 0));
                let peers = peers.into_iter().collect::<Outcome<Vec<_>>>()?;
                for at in order.into_iter().flatten() {
                    scene.expect_answer(&peers[at], &wishes[at].payload(), OK)?;
                }
                if order.is_none() {
                    let results = at_once(scene, &peers, |scene, peer| {
                        let subscribes = peer.portid != peers[0].portid;
                        let wish = &wishes[usize::from(subscribes)];
                        rounds(1, asks(scene, peer, REQUEST, &wish.payload()).into())
                    })?;
                    for result in results {
                        errnos(result)?.into_iter().try_for_each(expect_success)?;
                    }
                }
                scene.expect_answer(&peers[0], &publish, OK)?;
                for peer in &peers[1..] {
                    scene.expect_data(peer, DATA, 1, b"hello")?;
                }
                peers.iter().try_for_each(|peer| scene.close(peer))?;
            }
            Ok(())
        },
    )
}

/// Sockets of each process in a race of [`RACES`].
const SOCKETS: u64 = 1000;

pub(super) const RACES: Scenario = Scenario {
    id: "part2/B2-races",
    title: "places that many sockets take and free at the same time",
    looks_at: LooksAt::Module(&[]),
    run: races,
};

fn races(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "")?;
    scene.mute_log();
    let racers = racers(scene)?;
    let newcomers = [
        (scene.peer("publisher", 0)?, Request::Claim),
        (scene.peer("first", 0)?, Request::Subscribe),
        (scene.peer("second", 0)?, Request::Subscribe),
    ];
    let reopen = |peer: &Peer| {
        let (fd, portid) = (peer.fd, peer.portid.0);
        let (protocol, groups) = (PROTO as i32, 0);
        // The socket gets the descriptor that was just closed.
        [
            Call::Close { fd },
            Call::Socket { protocol },
            Call::Bind { fd, portid, groups },
        ]
    };
    scene.step(
        "four processes open 1000 sockets each, at the same time, again and again; each wants both roles",
        "afterwards a publisher and two subscribers find their places free",
        |scene| {
            repeatedly(scene, |scene| {
                at_once(scene, &racers, |_, racer| {
                    let wishes = [Request::Subscribe, Request::Claim];
                    let asks = wishes.map(|wish| sends(racer, REQUEST, &wish.payload()));
                    rounds(SOCKETS, [&reopen(racer)[..], &asks].concat())
                })?;
                for racer in &racers {
                    scene.batch(&racer.program, 1, reopen(racer).into())?;
                }
                for (peer, wish) in &newcomers {
                    let ack = scene.ask(peer, request(REQUEST, &wish.payload()))?;
                    expect_success(ack.errno)?;
                }
                for (peer, _) in &newcomers {
                    scene.batch(&peer.program, 1, reopen(peer).into())?;
                }
                Ok(())
            })
        },
    )?;
    let all = newcomers.iter().map(|(peer, _)| peer).chain(&racers);
    close_and_remove(scene, MODULE, all)
}

pub(super) const FORWARDED: Scenario = Scenario {
    id: "part2/B3-forwarded",
    title: "each body reaches each subscriber, byte for byte",
    looks_at: LooksAt::Module(&[
        Detail::KernelHeader,
        Detail::Numbers,
        Detail::Bytes,
        Detail::RoleByte,
    ]),
    run: |scene| {
        scene.insert(MODULE, "")?;
        let publisher = scene.peer("publisher", 0)?;
        let first = scene.peer("first", 0)?;
        let second = scene.peer("second", 0)?;
        scene.step("publish without subscribers", "no error", |scene| {
            scene.expect_answer(
                &publisher,
                &Request::Publish(b"into the void").payload(),
                OK,
            )
        })?;
        scene.expect_answer(&first, &Request::Subscribe.payload(), OK)?;
        scene.step(
            "bodies of many lengths, arbitrary bytes",
            "exact bytes and length, from the kernel, numbered from 1",
            |scene| {
                for (seq, len) in (1..).zip([1, 2, 3, 4, 5, 7, 64, 1023, 1024]) {
                    let body: Vec<u8> = (0..len).map(|_| scene.rng.u8(..)).collect();
                    scene.expect_answer(&publisher, &Request::Publish(&body).payload(), OK)?;
                    scene.expect_data(&first, DATA, seq, &body)?;
                }
                Ok(())
            },
        )?;
        scene.step(
            "a second subscriber",
            "it has numbers of its own, from 1",
            |scene| {
                scene.expect_answer(&second, &Request::Subscribe.payload(), OK)?;
                for body in [&b"p"[..], b"s", b"with\0NUL\0"] {
                    scene.expect_answer(&publisher, &Request::Publish(body).payload(), OK)?;
                }
                let expect = |scene: &mut Scene<'_>, peer: &Peer, seq: u32| {
                    scene.expect_data(peer, DATA, seq, b"p")?;
                    scene.expect_data(peer, DATA, seq + 1, b"s")?;
                    scene.expect_data(peer, DATA, seq + 2, b"with\0NUL\0")
                };
                expect(scene, &first, 10)?;
                expect(scene, &second, 1)
            },
        )
    },
};

/// What the module logs of each line. Two programs could also pass lines through a file.
const FORWARDS: &str = "to portid";

pub(super) const PROMPT: Scenario = Scenario {
    id: "part2/B4-prompt",
    title: "without a role the program asks",
    looks_at: LooksAt::Programs,
    run: |scene| {
        scene.insert(MODULE, TALKATIVE)?;
        scene.step(
            "a publisher that starts before its subscriber",
            "the subscriber prints the line",
            |scene| {
                let publisher = scene.start("early", &["pubsub", "publisher"])?;
                if !scene.others_programs() {
                    scene.expect_log("is the publisher")?;
                }
                let subscriber = scene.start("late", &["pubsub", "subscriber"])?;
                scene.expect_log("subscribes")?;
                scene.type_line(&publisher, "hello")?;
                scene.expect_line(&subscriber, "hello")?;
                scene.end_input(&publisher)?;
                scene.expect_any_end(&publisher)?;
                scene.signal(&subscriber, Signal::SIGINT)?;
                scene.expect_any_end(&subscriber)?;
                scene.expect_log(FORWARDS)
            },
        )?;
        let question = "Are you operating as a [p]ublisher or a [s]ubscriber: ";
        let (subscriber, publisher) =
            scene.step("answer s, answer p", "each has its role", |scene| {
                let subscriber = scene.start("subscriber", &["pubsub"])?;
                scene.type_line(&subscriber, "s")?;
                scene.expect_log("subscribes")?;
                let publisher = scene.start("publisher", &["pubsub"])?;
                scene.type_line(&publisher, "p")?;
                // A submitted program may claim its place with its first message.
                if !scene.others_programs() {
                    scene.expect_log("is the publisher")?;
                }
                Ok((subscriber, publisher))
            })?;
        scene.step("type a line", "it arrives after the question", |scene| {
            scene.type_line(&publisher, "psst")?;
            scene.expect_line(&subscriber, &format!("{question}psst"))?;
            scene.expect_log(FORWARDS)
        })?;
        scene.step("type more", "each arrives as one line", |scene| {
            let lines = ["spare", " blanks around \t", "last"];
            for line in lines {
                scene.type_line(&publisher, line)?;
                scene.expect_line(&subscriber, line)?;
            }
            lines.iter().try_for_each(|_| scene.expect_log(FORWARDS))
        })?;
        scene.step(
            "answer x, answer nothing",
            "exit status 1 and a reason",
            |scene| {
                let odd = scene.start("odd", &["pubsub"])?;
                scene.type_line(&odd, "x")?;
                scene.expect_line(&odd, question)?;
                scene.expect_worded_complaint(&odd, &["expected p or s", "\"x\""], &[])?;
                scene.expect_exit(&odd, lab_agent::Exit::Status(1))?;
                let silent = scene.start("silent", &["pubsub"])?;
                scene.end_input(&silent)?;
                scene.expect_line(&silent, question)?;
                if scene.others_programs() {
                    // N11 also allows a clean end.
                    return scene.expect_any_end(&silent);
                }
                scene.expect_complaint(&silent, &["expected p or s", "end of input"])?;
                scene.expect_exit(&silent, lab_agent::Exit::Status(1))
            },
        )
    },
};
