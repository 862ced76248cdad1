// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many members at once, and the memory that they leave behind: clause L5.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use lab_agent::{Exit, Stream};
use lab_machine::PATIENCE;
use lab_scene::{LooksAt, Outcome, Program, Scenario, Scene, expect_eq, fail, readable};
use nix::sys::signal::Signal;

use protocol::router::{Request, Roles};

use super::{MODULE, encode, list, lists::many, member};
use crate::{
    allocations::Count,
    netlink::{
        life,
        races::{at_once, close_and_remove, racers, repeatedly, rounds, sends},
    },
};

/// Number of members and duration.
#[derive(Clone, Copy)]
struct Size {
    /// The title of the first step.
    start: &'static str,
    /// Publishers, and as many subscribers.
    members: usize,
    /// Number of rounds. In each, some members are killed, some end, and others take their places.
    rounds: usize,
    /// Duration after which no new round begins.
    time: Duration,
    /// Lines that each publisher gets in a round.
    lines: usize,
}

pub(super) const CROWD: Scenario = Scenario {
    id: "part3/L5-crowd",
    title: "eight publishers and eight subscribers that start, end and are killed",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        let size = Size {
            start: "start sixteen programs",
            members: 8,
            rounds: 4,
            time: Duration::ZERO,
            lines: 20,
        };
        crowd(scene, size)
    },
};

/// Number of sockets that begin to read a list.
const HASTY: usize = 500;

pub(super) const UNREAD: Scenario = Scenario {
    id: "part3/L5-unread",
    title: "lists that are not read to their end leave no memory behind",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert(MODULE, "")?;
        let _members = many(scene)?;
        let visitor = scene.peer("visitor", 0)?;
        scene.close(&visitor)?;
        scene.step(
            "500 sockets that ask for a list, read its first part and are closed",
            "about as many objects as before",
            |scene| life::visits(scene, &visitor, encode(&Request::List), HASTY),
        )
    },
};

/// Rounds of each process in a race of [`RACES`].
const ROUNDS: u64 = 2000;

pub(super) const RACES: Scenario = Scenario {
    id: "part3/L5-races",
    title: "members that join, publish and leave at the same time",
    looks_at: LooksAt::Module(&[]),
    run: races,
};

fn races(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "")?;
    scene.mute_log();
    let stays = member(scene, "stays", Roles::PUBLISHER)?;
    let racers = racers(scene)?;
    scene.step(
        "four sockets register, publish and unregister 2000 times each, at the same time, again and again",
        "no other member is left each time",
        |scene| {
            repeatedly(scene, |scene| {
                at_once(scene, &racers, |_, racer| {
                    let requests = [
                        Request::Register { roles: Roles::BOTH, from: None },
                        Request::Publish(b"hello"),
                        Request::Unregister(Roles::BOTH),
                    ];
                    let sends = |request: &Request<'_>| sends(racer, request.kind(), &request.payload());
                    rounds(ROUNDS, requests.iter().map(sends).collect())
                })?;
                let members = list(scene, &stays)?;
                let portids: Vec<_> = members.iter().map(|member| member.portid).collect();
                expect_eq("members", portids, vec![stays.portid])
            })
        },
    )?;
    let all = racers.iter().chain([&stays]);
    close_and_remove(scene, MODULE, all)
}

/// For `make soak`: the whole of L5.
pub(crate) const GREAT_CROWD: Scenario = Scenario {
    id: "soak/great-crowd",
    title: "64 publishers and 64 subscribers that start, end and are killed for a minute",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        let size = Size {
            start: "start 128 programs",
            members: 64,
            rounds: 4,
            time: Duration::from_secs(60),
            lines: 2,
        };
        crowd(scene, size)
    },
};

fn crowd(scene: &mut Scene<'_>, size: Size) -> Outcome {
    scene.watch_leaks()?;
    scene.insert(MODULE, "")?;
    let (mut publishers, mut subscribers) = (Vec::new(), Vec::new());
    let before = scene.step(size.start, "all register", |scene| {
        let before = Count::Buffers.now(scene)?;
        for _ in 0..size.members {
            publishers.push(start(scene, "publisher")?);
            subscribers.push(start(scene, "subscriber")?);
        }
        wait_for(scene, 2 * size.members)?;
        Ok(before)
    })?;
    let mut line = 0_u32;
    let begin = Instant::now();
    for round in 1.. {
        if round > size.rounds && begin.elapsed() >= size.time {
            break;
        }
        scene.step(
            &format!("round {round}: all publish, one of each is killed, one of each ends"),
            "those that end print their last line, and others take the places",
            |scene| {
                for publisher in &publishers {
                    let lines: String = (0..size.lines).map(|_| next_line(&mut line)).collect();
                    scene.write(publisher, lines.as_bytes())?;
                }
                // In the middle of the round, without waiting for any member.
                for (role, programs) in [
                    ("publisher", &mut publishers),
                    ("subscriber", &mut subscribers),
                ] {
                    let victim = programs.swap_remove(scene.rng.usize(..programs.len()));
                    scene.signal(&victim, Signal::SIGKILL)?;
                    let quitter = programs.swap_remove(scene.rng.usize(..programs.len()));
                    scene.end_input(&quitter)?;
                    hear_out(scene, &victim, Exit::Signal(9))?;
                    hear_out(scene, &quitter, Exit::Status(0))?;
                    programs.push(start(scene, role)?);
                    programs.push(start(scene, role)?);
                }
                wait_for(scene, 2 * size.members)
            },
        )?;
    }
    scene.step(
        "end of input for half of them, kill -9 for the others",
        "both lists are empty",
        |scene| {
            for (at, program) in publishers.iter().chain(&subscribers).enumerate() {
                if at % 2 == 0 {
                    scene.end_input(program)?;
                    hear_out(scene, program, Exit::Status(0))?;
                } else {
                    scene.signal(program, Signal::SIGKILL)?;
                    hear_out(scene, program, Exit::Signal(9))?;
                }
            }
            let reader = scene.peer("reader", 0)?;
            expect_eq("members", list(scene, &reader)?.len(), 0)?;
            scene.close(&reader)
        },
    )?;
    scene.step(
        "remove the module",
        "it is removed, and no message or member is left",
        |scene| {
            scene.remove(MODULE)?;
            scene.expect_no_leaks()?;
            Count::Buffers.expect_back(scene, &before, size.members * size.lines)
        },
    )
}

/// A new line for a publisher, usually of a length that needs no padding.
fn next_line(line: &mut u32) -> String {
    *line += 1;
    format!("{line:04}\n")
}

/// Start a program. [`hear_out`] reads its output.
fn start(scene: &mut Scene<'_>, role: &str) -> Outcome<Program> {
    let program = scene.start(role, &["router-client", "--role", role])?;
    scene.mute(&program);
    Ok(program)
}

/// Wait until there are this many members.
fn wait_for(scene: &mut Scene<'_>, members: usize) -> Outcome {
    let reader = scene.peer("reader", 0)?;
    scene.expect_soon(&format!("{members} members"), |scene| {
        Ok(list(scene, &reader)?.len() == members)
    })?;
    scene.close(&reader)
}

/// Read the output of a program until it ends. It is not noted, because its length depends on time.
/// The lines of each publisher must come in the order in which they were typed.
fn hear_out(scene: &mut Scene<'_>, program: &Program, expected: Exit) -> Outcome {
    let mut last = HashMap::new();
    while let Some(line) = scene.wait_line(program, Stream::Stdout, PATIENCE)? {
        let line = readable(&line);
        let Some((sender, number)) = line.split_once(": ") else {
            continue;
        };
        let number: u32 = match number.parse() {
            Ok(number) => number,
            // The program was killed in the middle of a line.
            Err(_) if expected != Exit::Status(0) => continue,
            Err(_) => return Err(fail("portid N: number", line)),
        };
        let before = last.insert(sender.to_owned(), number);
        if before.is_some_and(|before| before >= number) {
            return Err(fail(format!("more than {before:?} from {sender}"), line));
        }
    }
    while scene
        .wait_line(program, Stream::Stderr, PATIENCE)?
        .is_some()
    {}
    scene.expect_exit(program, expected)
}
