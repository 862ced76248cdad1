// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 2, step 1: `nl_hello`, clause H1.

use lab_agent::{Call, Exit};
use lab_scene::{
    LooksAt, Outcome, Scenario, Scene,
    actor::complete,
    expect_eq, expect_success, fail,
    peer::{Peer, request, request_header},
    transcript::LineKind,
};
use nix::errno::Errno;
use protocol::{
    hello::{ANSWER, GREETING, REQUEST, answer},
    netlink::{BODY_MAX, Header},
};

use super::{
    Step,
    netlink::{
        BadPayload, Module, Told, alone::module_alone, body, errno_of, hear_answer, life, programs,
        scenarios::netlink_scenarios, slow,
    },
};

const MODULE: &str = "nl_hello";

pub(super) const STEP: Step = Step {
    name: "hello",
    modules: &[MODULE],
    demonstration: &DEMONSTRATION,
    module_alone: Some(&MODULE_ALONE),
    checks: CHECKS,
};

static DEMONSTRATION: Scenario = Scenario {
    id: "part2/H1-demonstration",
    title: "one process asks, the kernel answers",
    looks_at: LooksAt::Module(&[]),
    run: demonstration,
};

static MODULE_ALONE: Scenario = module_alone!(
    Hello,
    "part2/H1-module",
    "the module answers the lab's own client"
);

static CHECKS: &[Scenario] = netlink_scenarios! {
    Hello, "part2", "hello-", "acknowledged", "payloads";
    PROGRAM,
    BYTES,
    LOGGED,
    LOG_FILLED,
    UNREAD,
    NO_MODULE,
};

struct Hello;

impl Module for Hello {
    const NAME: &'static str = MODULE;

    fn touch() -> (&'static str, Vec<u8>) {
        ("hello", request(REQUEST, b"hello"))
    }
}

impl Told for Hello {
    const SENDER: bool = true;
    const REPLIES: &'static [u16] = &[ANSWER];

    fn request(n: u32) -> (u16, Vec<u8>) {
        (REQUEST, body(n))
    }

    fn bad_payloads() -> Vec<BadPayload> {
        vec![("no text", REQUEST, Vec::new(), Errno::EINVAL)]
    }

    fn junk(len: usize) -> Option<Errno> {
        (len > BODY_MAX).then_some(Errno::EMSGSIZE)
    }

    fn expect_heard(scene: &mut Scene<'_>, sender: &Peer, _: &Peer, n: u32) -> Outcome {
        expect_answered(scene, sender, &body(n))
    }
}

/// Expect the answer to a text whose request had sequence number 1.
fn expect_answered(scene: &mut Scene<'_>, peer: &Peer, text: &[u8]) -> Outcome {
    let (seq, payload) = hear_answer(scene, peer, ANSWER)?;
    let said = payload.escape_ascii().to_string();
    scene.note(
        &peer.program.name,
        LineKind::Does,
        format!("is answered with {} bytes", payload.len()),
    );
    if scene.counts("H1") {
        expect_eq("nlmsg_seq", seq, 1)?;
    }
    expect_eq("the answer", said, answer(text).escape_ascii().to_string())
}

/// A text as the module logs it: bytes that are not ASCII in octal.
fn in_log(text: &[u8]) -> String {
    let escaped = text.iter().map(|&byte| match byte {
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\{byte:03o}"),
    });
    escaped.collect()
}

/// Send a text with the program, which prints the answer.
fn say(scene: &mut Scene<'_>, text: &str) -> Outcome {
    let program = scene.start("asker", &["nl-hello", text])?;
    scene.expect_line(&program, &format!("{GREETING}{text}"))?;
    scene.expect_exit(&program, Exit::Status(0))
}

/// Expect that the module has logged a text. A program can print the answer without asking.
fn logged(scene: &mut Scene<'_>, text: &[u8]) -> Outcome {
    let end = format!("says: {}", in_log(text));
    scene.expect_log_line(&format!("a line that ends with \"{end}\""), |line| {
        line.ends_with(&end)
    })
}

fn demonstration(scene: &mut Scene<'_>) -> Outcome {
    scene.step(
        "insert the module",
        "it listens on netlink protocol 31",
        |scene| scene.insert(MODULE, ""),
    )?;
    for (title, text) in [
        ("send a text to the kernel", "hello from user space"),
        ("a text that is not ASCII", "größer als 127: ✓"),
    ] {
        scene.step(
            title,
            "the kernel logs it and answers, the answer is printed",
            |scene| {
                say(scene, text)?;
                logged(scene, text.as_bytes())
            },
        )?;
    }
    scene.step(
        "send an empty text",
        "refused: one line on stderr, exit status 1",
        |scene| {
            let program = scene.start("silent", &["nl-hello", ""])?;
            scene.expect_complaint(&program, &["hello", "EINVAL"])?;
            scene.expect_exit(&program, Exit::Status(1))
        },
    )?;
    scene.step("remove the module", "it is removed", |scene| {
        scene.remove(MODULE)
    })
}

const PROGRAM: Scenario = Scenario {
    id: "part2/H1-program",
    title: "nl-hello prints the answer",
    looks_at: LooksAt::Programs,
    run: |scene| {
        scene.insert(MODULE, "")?;
        scene.mute_log();
        for text in ["x", "two words", "größer als 127: ✓"] {
            scene.step(
                &format!("send {text:?} to the kernel"),
                "the answer is printed, exit status 0",
                |scene| {
                    say(scene, text)?;
                    logged(scene, text.as_bytes())
                },
            )?;
        }
        scene.step(
            "send bytes that are not UTF-8",
            "exactly these bytes are printed, exit status 0",
            |scene| {
                let program = scene.shell(0, r#"nl-hello "$(printf 'a\377\001\200')""#)?;
                let answer = [GREETING.as_bytes(), b"a\xff\x01\x80\n"].concat();
                scene.expect_output(&program, &answer)?;
                logged(scene, b"a\xff\x01\x80")
            },
        )
    },
};

const BYTES: Scenario = Scenario {
    id: "part2/H1-bytes",
    title: "the answer repeats the text, byte for byte",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert(MODULE, "")?;
        scene.mute_log();
        let peer = scene.peer("A", 0)?;
        scene.step(
            "texts of many lengths, arbitrary bytes",
            "the greeting and exactly these bytes",
            |scene| {
                for len in [1, 2, 3, 4, 5, 7, 64, 1023, BODY_MAX] {
                    let mut text: Vec<u8> = (0..len).map(|_| scene.rng.u8(..)).collect();
                    // No text ends in a NUL.
                    text[len - 1] |= 1;
                    scene.send(&peer, request(REQUEST, &text))?;
                    expect_answered(scene, &peer, &text)?;
                    expect_success(scene.expect_ack(&peer)?.errno)?;
                }
                Ok(())
            },
        )
    },
};

/// Number of texts that are sent to fill the log.
const FLOOD: usize = 200;

const LOGGED: Scenario = Scenario {
    id: "part2/H1-logged",
    title: "the log has the received text",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert(MODULE, "")?;
        let peer = scene.peer("A", 0)?;
        scene.step(
            "a text",
            "a line that has it, and nothing behind its end",
            |scene| {
                let text = format!("word {:08x}", scene.rng.u32(..));
                // The padding behind the message belongs to nobody, and need not be zero.
                let mut data = request(REQUEST, text.as_bytes());
                data.resize(data.len().next_multiple_of(4), b'~');
                let errno = errno_of(scene, &peer, data)?;
                expect_success(errno)?;
                scene.machine.sync_log()?;
                // In a line of any form, because the contract states none.
                let logged = scene.machine.look(|observed| {
                    let mut lines = observed.log.iter();
                    lines.any(|line| line.text.contains(&text))
                });
                expect_eq("a line with the text", logged, true)?;
                let padded = format!("{text}~");
                let beyond = scene.machine.look(|observed| {
                    let mut lines = observed.log.iter();
                    lines.any(|line| line.text.contains(&padded))
                });
                expect_eq("the padding behind the text is logged", beyond, false)
            },
        )
    },
};

const LOG_FILLED: Scenario = Scenario {
    id: "part2/H1-log-filled",
    title: "a text can neither forge a line of the log nor fill the log",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert(MODULE, "")?;
        let peer = scene.peer("A", 0)?;
        scene.step(
            "texts with a newline, with a NUL, and of great length",
            "one line each, escaped and cut",
            |scene| {
                let long = vec![b'x'; BODY_MAX];
                for text in [&b"two\nlines"[..], b"a NUL\0 inside", &long] {
                    let errno = errno_of(scene, &peer, request(REQUEST, text))?;
                    expect_success(errno)?;
                }
                scene.expect_log(r"two\nlines")?;
                scene.expect_log(r"a NUL\0 inside")?;
                scene.expect_log("xxxx...")
            },
        )?;
        scene.mute_log();
        scene.step(
            "200 texts, as fast as possible",
            "some are logged, most are not",
            |scene| {
                for n in 0..FLOOD {
                    let text = format!("flood {n}");
                    errno_of(scene, &peer, request(REQUEST, text.as_bytes()))?;
                }
                scene.machine.sync_log()?;
                let logged = scene.machine.look(|observed| {
                    let says = |line: &str| line.starts_with(MODULE) && line.contains("flood");
                    observed.log.iter().filter(|line| says(&line.text)).count()
                });
                if (1..FLOOD / 2).contains(&logged) {
                    return Ok(());
                }
                Err(fail("between 1 and 99 lines", logged.to_string()))
            },
        )
    },
};

const UNREAD: Scenario = Scenario {
    id: "part2/N6-hello-unread",
    title: "answers without room in the queue are lost, and freed once",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert(MODULE, "")?;
        scene.mute_log();
        let peer = scene.peer("A", 0)?;
        slow::shorten_queue(scene, &peer)?;
        scene.step(
            "200 texts, of which no answer is read",
            "the queue is full, and the module goes on",
            |scene| {
                // With the sender's address, as N2 alone checks requests without it.
                let header = Header {
                    portid: peer.portid,
                    ..request_header(REQUEST)
                };
                let text = header.encode(&[b'x'; 512]);
                let batch = Call::Batch {
                    rounds: FLOOD as u64,
                    persist: true,
                    calls: vec![peer.sends(text)],
                };
                complete(FLOOD as u64, scene.call(&peer.program, &batch)?)?;
                life::drain(scene, &peer)
            },
        )?;
        scene.step("one more text", "it is answered", |scene| {
            scene.send(&peer, request(REQUEST, b"and now?"))?;
            expect_answered(scene, &peer, b"and now?")?;
            expect_success(scene.expect_ack(&peer)?.errno)
        })
    },
};

const NO_MODULE: Scenario = Scenario {
    id: "part2/N11-hello-no-module",
    title: "without the module the program names the missing module",
    looks_at: LooksAt::Programs,
    run: |scene| programs::no_module(scene, &[&["nl-hello", "hello"]]),
};
