// SPDX-License-Identifier: MIT OR Apache-2.0
//! The program `router-client`: clauses L4 and N11.

use lab_agent::{Exit, Stream};
use lab_machine::PATIENCE;
use lab_scene::{LooksAt, Outcome, Scenario, Scene, expect_eq, expect_success, fail, readable};
use nix::sys::signal::Signal;
use protocol::{
    netlink::BODY_MAX,
    router::{Request, Roles},
};

use super::{MODULE, TALKATIVE, clauses::Router, client, encode, member, registers, say};
use crate::netlink::programs::{self, Printer, Typed, ends_of_input, no_module};

pub(super) const CONVERSATION: Scenario = Scenario {
    id: "part3/L4-conversation",
    title: "two programs with both roles talk to each other",
    looks_at: LooksAt::Programs,
    run: |scene| {
        scene.insert(MODULE, TALKATIVE)?;
        let a = client(scene, "A", "both", None)?;
        let b = client(scene, "B", "both", Some(a.1))?;
        scene.step("look at A", "it has two threads", |scene| {
            let threads = scene.status(&a.0, "Threads")?;
            expect_eq("Threads", &*threads, "2")
        })?;
        scene.step(
            "type into A, into B, into A",
            "each line arrives at the other only",
            |scene| {
                say(scene, &a, "how are you?", &[&b])?;
                say(scene, &b, "größer als 127: ✓", &[&a])?;
                say(scene, &a, "", &[&b])?;
                say(scene, &a, " blanks around \t", &[&b])?;
                say(scene, &b, "portid 0: not from the kernel", &[&a])
            },
        )?;
        scene.step(
            "a third program, to which B does not subscribe",
            "only A prints it",
            |scene| {
                let c = client(scene, "C", "publisher", None)?;
                say(scene, &c, "for A", &[&a])?;
                scene.expect_silent(&b.0)?;
                // A message from C would have come before this line.
                say(scene, &a, "did you hear C?", &[&b])
            },
        )?;
        scene.step(
            "type into a program that is only a subscriber",
            "the module refuses it: EPERM",
            |scene| {
                let (d, _) = client(scene, "D", "subscriber", None)?;
                scene.type_line(&d, "may I?")?;
                scene.expect_complaint(&d, &["publish", "EPERM"])?;
                scene.expect_any_end(&d)
            },
        )
    },
};

/// Lines that have arrived when the input ends, each as long as allowed. Together they are more
/// than a pipe holds (64 KiB), so a program cannot have printed them at once.
const WAITING: usize = 80;

pub(super) const DRAINED: Scenario = Scenario {
    id: "part3/L4-drained",
    title: "at the end of the input, received messages are printed first",
    looks_at: LooksAt::Programs,
    run: |scene| {
        scene.insert(MODULE, TALKATIVE)?;
        let publisher = member(scene, "publisher", Roles::PUBLISHER)?;
        let readers = [
            client(scene, "subscriber", "subscriber", None)?,
            client(scene, "both", "both", None)?,
        ];
        scene.hush(MODULE)?;
        let bodies: Vec<_> = (1..=WAITING)
            .map(|line| format!("{line:x<BODY_MAX$}").into_bytes())
            .collect();
        scene.step(
            "stop a subscriber and a member with both roles, publish 80 lines, end their input",
            "the lines wait in their queues",
            |scene| {
                for (reader, _) in &readers {
                    scene.signal(reader, Signal::SIGSTOP)?;
                }
                for body in &bodies {
                    let ack = scene.ask(&publisher, encode(&Request::Publish(body)))?;
                    expect_success(ack.errno)?;
                }
                readers
                    .iter()
                    .try_for_each(|(reader, _)| scene.end_input(reader))
            },
        )?;
        for (reader, _) in &readers {
            scene.step(
                &format!("continue {}", reader.name),
                "it prints all 80, then ends with exit status 0",
                |scene| {
                    scene.signal(reader, Signal::SIGCONT)?;
                    for body in &bodies {
                        let line = scene.wait_line(reader, Stream::Stdout, PATIENCE)?;
                        let line = line.map(|line| readable(&line));
                        let start = format!("portid {}: ", publisher.portid).into_bytes();
                        let expected = readable(&[&start[..], body].concat());
                        expect_eq("the next line", line, Some(expected))?;
                    }
                    scene.expect_exit(reader, Exit::Status(0))
                },
            )?;
        }
        Ok(())
    },
};

pub(super) const PROMPT: Scenario = Scenario {
    id: "part3/L4-prompt",
    title: "without a role the program asks",
    looks_at: LooksAt::Programs,
    run: |scene| {
        scene.insert(MODULE, TALKATIVE)?;
        let question = "Are you operating as a [p]ublisher, a [s]ubscriber or [b]oth: ";
        let mut found = Vec::new();
        for answer in ["p", "s", "b"] {
            scene.step(&format!("answer {answer}"), "it has its role", |scene| {
                let program = scene.start(&format!("client {answer}"), &["router-client"])?;
                scene.type_line(&program, answer)?;
                let portid = registers(scene, &program)?;
                found.push((program, portid));
                Ok(())
            })?;
        }
        scene.step("type a line into p", "s and b print it", |scene| {
            say(scene, &found[0], "psst", &[&found[1], &found[2]])
        })?;
        for (answer, wanted) in [(Some("x"), "\"x\""), (None, "end of input")] {
            scene.step(
                &format!("answer {}", answer.unwrap_or("nothing")),
                "a reason",
                |scene| {
                    let odd = scene.start("odd", &["router-client"])?;
                    match answer {
                        Some(answer) => scene.type_line(&odd, answer)?,
                        None => scene.end_input(&odd)?,
                    }
                    scene.expect_line(&odd, question)?;
                    scene.expect_worded_complaint(&odd, &["expected p, s or b", wanted], &[])?;
                    scene.expect_any_end(&odd)
                },
            )?;
        }
        Ok(())
    },
};

pub(super) const NO_MODULE: Scenario = Scenario {
    id: "part3/N11-no-module",
    title: "without the module the program names the missing module",
    looks_at: LooksAt::Programs,
    run: |scene| {
        let both = &["router-client", "--role", "both"];
        if scene.others_programs() {
            return no_module(scene, &[both]);
        }
        no_module(scene, &[both, &["router-client", "--list"]])?;
        scene.step(
            "an unknown role, an impossible portid",
            "usage on stderr, exit status 2",
            |scene| {
                for arguments in [["--role", "eavesdropper"], ["--from", "0"]] {
                    let mut command = vec!["router-client"];
                    command.extend(arguments);
                    let program = scene.start("odd", &command)?;
                    scene.expect_complaint(&program, &["invalid value", arguments[1]])?;
                    scene.expect_end(&program, Exit::Status(2))?;
                }
                Ok(())
            },
        )?;
        scene.step(
            "a publisher that names another publisher",
            "the module refuses it: EINVAL, exit status 1",
            |scene| {
                scene.insert(MODULE, TALKATIVE)?;
                let command = ["router-client", "--role", "publisher", "--from", "1"];
                let program = scene.start("odd", &command)?;
                scene.expect_complaint(&program, &["register", "EINVAL"])?;
                scene.expect_end(&program, Exit::Status(1)).map(drop)
            },
        )?;
        scene.step(
            "a subscriber that types a line; a program without a role",
            "exit status 1",
            |scene| {
                let (deaf, _) = client(scene, "deaf", "subscriber", None)?;
                scene.type_line(&deaf, "may I?")?;
                scene.expect_end(&deaf, Exit::Status(1))?;
                let mute = scene.start("mute", &["router-client"])?;
                scene.end_input(&mute)?;
                scene.expect_end(&mute, Exit::Status(1)).map(drop)
            },
        )
    },
};

pub(super) const ENDS: Scenario = Scenario {
    id: "part3/N11-ends",
    title: "the program ends cleanly",
    looks_at: LooksAt::Programs,
    run: ends,
};

fn ends(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, TALKATIVE)?;
    let both: fn(&mut Scene<'_>) -> _ = |scene| Ok(client(scene, "both", "both", None)?.0);
    programs::ends(scene, &[Router::start_silent, Router::start, both])?;
    ends_of_input::<Router>(scene)?;
    scene.step(
        "the module afterwards",
        "one subscriber is the only member",
        |scene| {
            let reader = scene.peer("reader", 0)?;
            match super::list(scene, &reader)?[..] {
                [ref member] if member.role == Roles::SUBSCRIBER => Ok(()),
                ref other => Err(fail("one subscriber", other.len().to_string())),
            }
        },
    )
}
