// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 2, step 2: `nl_greeting`, clauses G1-G3.

mod programs;
pub(crate) mod step;

use std::time::{Duration, Instant};

use lab_agent::Call;
use lab_machine::PATIENCE;
use lab_scene::{
    LooksAt, Outcome, Program, Scenario, Scene, expect_eq, expect_success, fail,
    peer::{Peer, request},
    transcript::LineKind,
};
use nix::errno::Errno;
use protocol::{
    greeting::{DATA, GROUP, REQUEST, TEXT, text},
    netlink::{BODY_MAX, PROTO, PortId},
};

use super::netlink::{
    BadPayload, Module, Told, errno_of, hear,
    programs::Printer,
    races::{RACERS, at_once, racers, repeatedly, rounds, sends},
    slow::lengthen_queue,
    users::join,
};

const MODULE: &str = "nl_greeting";

/// Output of `nl-recv`: its first line, and the line for each greeting.
const WAITING: &str = "Waiting for message from kernel";
const RECEIVED: &str = "Received message payload: Greeting from kernel!";

struct Greeting;

impl Module for Greeting {
    const NAME: &'static str = MODULE;

    fn touch() -> (&'static str, Vec<u8>) {
        ("greet", request(REQUEST, b""))
    }
}

impl Told for Greeting {
    const BODIES: bool = false;
    const REPLIES: &'static [u16] = &[DATA];

    fn request(_: u32) -> (u16, Vec<u8>) {
        (REQUEST, Vec::new())
    }

    fn bad_payloads() -> Vec<BadPayload> {
        let mut attribute = Vec::new();
        protocol::attributes::put_string(&mut attribute, 1, "Hi!");
        vec![
            ("one byte", REQUEST, vec![0], Errno::EINVAL),
            ("an attribute", REQUEST, attribute, Errno::EINVAL),
            ("1024 bytes", REQUEST, vec![0; BODY_MAX], Errno::EINVAL),
        ]
    }

    fn listen(scene: &mut Scene<'_>, peer: &Peer, _: PortId) -> Outcome {
        join(scene, peer, GROUP)
    }

    fn expect_heard(scene: &mut Scene<'_>, _: &Peer, listener: &Peer, n: u32) -> Outcome {
        expect_numbered(scene, listener, n)
    }
}

impl Printer for Greeting {
    const KIND: u16 = DATA;

    fn start(scene: &mut Scene<'_>) -> Outcome<Program> {
        let program = scene.start("receiver", &["nl-recv"])?;
        scene.expect_line(&program, WAITING)?;
        Ok(program)
    }

    fn lines(_: &Peer) -> Vec<String> {
        vec![RECEIVED.to_owned()]
    }
}

/// Expect greeting number `seq`.
fn expect_numbered(scene: &mut Scene<'_>, peer: &Peer, seq: u32) -> Outcome {
    let got = expect_greeting(scene, peer)?;
    if scene.counts("G2") {
        return expect_eq("nlmsg_seq", got, seq);
    }
    Ok(())
}

/// Expect a greeting with any sequence number, which is returned.
fn expect_greeting(scene: &mut Scene<'_>, peer: &Peer) -> Outcome<u32> {
    let (seq, payload) = hear(scene, peer, DATA)?;
    judge(scene, peer, &payload)?;
    Ok(seq)
}

/// Note the message of a peer, and expect a greeting.
fn judge(scene: &mut Scene<'_>, peer: &Peer, payload: &[u8]) -> Outcome {
    let said = text(payload).map_err(|error| fail("a text", error.to_string()))?;
    scene.note(&peer.program.name, LineKind::Does, format!("hears: {said}"));
    if scene.counts("G1") {
        return expect_eq("the greeting", said, TEXT);
    }
    Ok(())
}

/// Ask for a greeting.
fn greet(scene: &mut Scene<'_>, asker: &Peer) -> Outcome {
    let errno = errno_of(scene, asker, request(REQUEST, b""))?;
    expect_success(errno)
}

const MULTICAST: Scenario = Scenario {
    id: "part2/G1-multicast",
    title: "all members of the group get the greeting, also the sender of the request",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert(MODULE, "")?;
        let [first, second, outside] =
            ["first", "second", "outside"].map(|name| scene.peer(name, 0));
        let (first, second, outside) = (first?, second?, outside?);
        for peer in [&first, &second] {
            join(scene, peer, GROUP)?;
        }
        scene.step(
            "ask from outside the group",
            "both members get the greeting",
            |scene| {
                greet(scene, &outside)?;
                for peer in [&first, &second] {
                    expect_greeting(scene, peer)?;
                }
                Ok(())
            },
        )?;
        scene.step("ask from inside", "both get it again", |scene| {
            scene.send(&first, request(REQUEST, b""))?;
            expect_greeting(scene, &second)?;
            // The answer comes before or after the greeting.
            let (mut answered, mut greeted) = (false, false);
            while !(answered && greeted) {
                let Some(datagram) = scene.receive(&first, PATIENCE)? else {
                    return Err(fail("an answer and the greeting", "nothing in time"));
                };
                let message = datagram.message()?;
                if let Ok(Some(ack)) = message.ack() {
                    expect_success(ack.errno)?;
                    answered = true;
                } else {
                    expect_eq("type of the message", message.header.kind, DATA)?;
                    judge(scene, &first, message.payload)?;
                    greeted = true;
                }
            }
            Ok(())
        })
    },
};

const TRIGGER: Scenario = Scenario {
    id: "part2/G2-trigger",
    title: "the module greets on request, not on insertion",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.step(
            "open a socket before the module is inserted",
            "EPROTONOSUPPORT: no socket could get a greeting",
            |scene| {
                let actor = scene.actor("early", 0)?;
                let protocol = PROTO as i32;
                let refused = scene.call(&actor, &Call::Socket { protocol })?;
                let errno = refused.err().map(|refusal| Errno::from_raw(refusal.errno));
                expect_eq("socket", errno, Some(Errno::EPROTONOSUPPORT))
            },
        )?;
        scene.insert(MODULE, "")?;
        let listener = scene.peer("listener", 0)?;
        join(scene, &listener, GROUP)?;
        let asker = scene.peer("asker", 0)?;
        scene.step(
            "join the group and ask for a greeting",
            "it is number 1, and the only one",
            |scene| {
                greet(scene, &asker)?;
                expect_numbered(scene, &listener, 1)?;
                scene.expect_nothing(&listener)
            },
        )?;
        scene.step(
            "the same with a greeting every ten minutes",
            "the greeting comes now, not after the interval",
            |scene| {
                scene.close(&listener)?;
                scene.close(&asker)?;
                scene.remove(MODULE)?;
                scene.insert(MODULE, "interval_ms=600000")?;
                let listener = scene.peer("listener", 0)?;
                join(scene, &listener, GROUP)?;
                let asker = scene.peer("asker", 0)?;
                greet(scene, &asker)?;
                expect_greeting(scene, &listener).map(drop)
            },
        )
    },
};

/// Requests of each process in a race of [`RACES`].
const REQUESTS: u64 = 1000;

/// Greetings that the member receives in one order.
const ROW: usize = 500;

const RACES: Scenario = Scenario {
    id: "part2/G2-races",
    title: "each greeting has a number of its own, however many processes ask at the same time",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert(MODULE, "")?;
        scene.mute_log();
        let member = scene.peer("member", 0)?;
        lengthen_queue(scene, &member)?;
        join(scene, &member, GROUP)?;
        let racers = racers(scene)?;
        let mut seq = 0;
        scene.step(
            "four processes ask 1000 times each, at the same time, again and again",
            "the member gets all greetings, and their numbers rise by one",
            |scene| {
                repeatedly(scene, |scene| {
                    at_once(scene, &racers, |_, racer| {
                        rounds(REQUESTS, vec![sends(racer, REQUEST, b"")])
                    })?;
                    let mut left = RACERS * REQUESTS as usize;
                    while left > 0 {
                        let row = scene.receive_row(&member, left.min(ROW), Duration::ZERO)?;
                        expect_eq("a greeting for each request", row.is_empty(), false)?;
                        left -= row.len();
                        for datagram in row {
                            seq += 1;
                            let header = datagram.message()?.header;
                            expect_eq("type of the message", header.kind, DATA)?;
                            expect_eq("its number", header.seq, seq)?;
                        }
                    }
                    Ok(())
                })
            },
        )
    },
};

/// Interval of the greetings in [`INTERVAL`].
const EVERY: Duration = Duration::from_millis(500);

/// Number of awaited greetings. With fewer, a module that greets twice as often would pass on a
/// slow machine, where the insertion takes as long as some intervals.
const GREETINGS: u32 = 5;

const INTERVAL: Scenario = Scenario {
    id: "part2/G2-interval",
    title: "with interval_ms= the module also greets periodically",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        let inserted = Instant::now();
        scene.insert(MODULE, &format!("interval_ms={}", EVERY.as_millis()))?;
        let listener = scene.peer("listener", 0)?;
        join(scene, &listener, GROUP)?;
        let seq = scene.step(
            "wait for five greetings",
            "they come without a request, at least 500 ms apart, numbered without a gap",
            |scene| {
                let first = expect_greeting(scene, &listener)?;
                let last = first + GREETINGS - 1;
                for seq in first + 1..=last {
                    expect_numbered(scene, &listener, seq)?;
                }
                // Number n cannot come before n intervals have passed. The contract leaves open
                // whether the first comes at once.
                let intervals = last - u32::from(scene.contract_only());
                if inserted.elapsed() < EVERY * intervals {
                    return Err(fail("500 ms between greetings", "less"));
                }
                Ok(last)
            },
        )?;
        scene.step("ask for one", "it comes, too", |scene| {
            let asker = scene.peer("asker", 0)?;
            greet(scene, &asker)?;
            expect_numbered(scene, &listener, seq + 1)?;
            scene.close(&asker)
        })?;
        scene.step(
            "remove it, insert it again and remove it at once",
            "the module is removed, and the machine lives after the time of its timer",
            |scene| {
                scene.close(&listener)?;
                scene.remove(MODULE)?;
                // Time passes at a socket that gets nothing. Its module is inserted before the timer
                // starts, so that it does not take the memory in which a forgotten timer would run.
                scene.insert_fixture("nl_squatter", "")?;
                let clock = scene.peer("clock", 0)?;
                let interval = EVERY.as_millis();
                scene.insert(MODULE, &format!("protocol=17 interval_ms={interval}"))?;
                scene.remove(MODULE)?;
                let came = scene.receive(&clock, EVERY * 3)?;
                expect_eq("a message at another socket", came.is_some(), false)?;
                scene.machine.sync_log().map(drop).map_err(Into::into)
            },
        )
    },
};

const GROUP_ONLY: Scenario = Scenario {
    id: "part2/G3-group-only",
    title: "only members of the group get a greeting; an empty group is no error",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert(MODULE, "")?;
        let asker = scene.peer("asker", 0)?;
        let outsider = scene.peer("outsider", 0)?;
        let elsewhere = scene.peer("elsewhere", 0)?;
        let member = scene.peer("member", 0)?;
        join(scene, &elsewhere, GROUP + 1)?;
        let greet = |scene: &mut Scene<'_>| {
            scene.expect_answer_to(&asker, request(REQUEST, b""), "greet", super::netlink::OK)
        };
        scene.step("greet an empty group", "no error", |scene| {
            greet(scene)?;
            for peer in [&asker, &outsider, &elsewhere, &member] {
                scene.expect_nothing(peer)?;
            }
            Ok(())
        })?;
        scene.step(
            "greet a group with one member",
            "the member gets it; the sender, and sockets in no group or in another, do not",
            |scene| {
                join(scene, &member, GROUP)?;
                greet(scene)?;
                // The contract leaves open whether a greeting to an empty group is counted.
                expect_numbered(scene, &member, 2)?;
                for peer in [&asker, &outsider, &elsewhere, &member] {
                    scene.expect_nothing(peer)?;
                }
                Ok(())
            },
        )
    },
};
