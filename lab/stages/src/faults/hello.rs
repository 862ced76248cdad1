// SPDX-License-Identifier: MIT OR Apache-2.0
//! `nl_hello` and `nl_greeting` without memory: clause N5.

use lab_agent::Call;
use lab_machine::PATIENCE;
use lab_scene::{LooksAt, Outcome, Scenario, Scene, expect_eq, fail, peer::Peer};
use nix::libc;
use protocol::{
    greeting,
    hello::{ANSWER, REQUEST, answer},
};

use super::{
    finish::finish,
    inject::{allocations, confine_to_modules, recover, run_out, still_to_fail},
    requests::{Audience, Reply, as_it_is, carry_out, each_request, quietly_close},
};

pub(super) const HELLO: Scenario = Scenario {
    id: "part2/N5-hello-no-memory",
    title: "a failed allocation is an errno",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.watch_leaks()?;
        scene.insert("nl_hello", "")?;
        // The program prints the text of each request.
        scene.mute_log();
        let actor = scene.actor("actor", 0)?;
        confine_to_modules(scene)?;
        scene.step("ask", "an answer or an errno, never both", |scene| {
            let text = b"is there any?";
            // Head and data of the answer, and of the acknowledgement.
            let sites = allocations(4);
            let request = (REQUEST, &text[..]);
            let answered =
                |_: &mut Scene<'_>, _: &Peer, reply: &Reply| match &reply
                    .waiting
                    .told[..]
                {
                    [] => Ok(false),
                    [(header, payload)] if header.kind == ANSWER && *payload == answer(text) => {
                        Ok(true)
                    }
                    other => Err(fail("the answer or nothing", format!("{other:?}"))),
                };
            each_request(scene, &actor, ("ask", sites), request, as_it_is, answered)
        })?;
        finish(scene, "nl_hello")
    },
};

pub(super) const GREETING: Scenario = Scenario {
    id: "part2/N5-greeting-no-memory",
    title: "a failed allocation is an errno, or ENOBUFS for a listener",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.watch_leaks()?;
        scene.insert("nl_greeting", "")?;
        let actor = scene.actor("actor", 0)?;
        confine_to_modules(scene)?;
        scene.step(
            "ask for a greeting, with two listeners",
            "an errno, and the next greeting has the next number; or each listener gets it, or is told of the loss",
            |scene| {
                let listeners = [listener(scene, "listener 1")?, listener(scene, "listener 2")?];
                let mut audience = Audience::new(listeners);
                // Head and data of the greeting and of the acknowledgement, and a copy.
                let sites = allocations(5);
                let request = (greeting::REQUEST, &b""[..]);
                let told = |scene: &mut Scene<'_>, _: &Peer, _: &Reply| {
                    audience.was_told(scene, greeting::DATA, is_greeting)
                };
                each_request(scene, &actor, ("greet", sites), request, as_it_is, told)?;
                let asker = scene.peer("asker", 0)?;
                carry_out(scene, &asker, greeting::REQUEST, b"")?;
                let told = audience.was_told(scene, greeting::DATA, is_greeting)?;
                expect_eq("greeted when memory is available", told, true)?;
                quietly_close(scene, &asker)?;
                audience.leaves(scene)
            },
        )?;
        finish(scene, "nl_greeting")
    },
};

pub(super) const INTERVAL: Scenario = Scenario {
    id: "part2/N5-greeting-interval-no-memory",
    title: "without memory the kernel greets later, and counts only the greetings that it sent",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.watch_leaks()?;
        confine_to_modules(scene)?;
        scene.insert("nl_greeting", "interval_ms=50")?;
        let listener = listener(scene, "listener")?;
        let mut last = 0;
        scene.step("wait for a greeting", "it comes", |scene| {
            last = next(scene, &listener)?;
            Ok(())
        })?;
        scene.step(
            "every allocation for three greetings fails",
            "later greetings have the next numbers",
            |scene| {
                for bytes in [0, 256, 512] {
                    run_out(scene, bytes, 3)?;
                    scene.expect_soon("three allocations fail", |scene| {
                        Ok(still_to_fail(scene)? == 0)
                    })?;
                    expect_eq("allocations that failed", recover(scene, 3)?, 3)?;
                    // As many as are queued, and a new one.
                    for _ in 0..8 {
                        let seq = next(scene, &listener)?;
                        expect_eq("nlmsg_seq", seq, last + 1)?;
                        last = seq;
                    }
                }
                Ok(())
            },
        )?;
        quietly_close(scene, &listener)?;
        finish(scene, "nl_greeting")
    },
};

fn is_greeting(payload: &[u8]) -> bool {
    greeting::text(payload) == Ok(greeting::TEXT)
}

/// A socket in the group.
fn listener(scene: &mut Scene<'_>, name: &str) -> Outcome<Peer> {
    let peer = scene.peer(name, 0)?;
    let join = Call::SetOption {
        fd: peer.fd,
        level: libc::SOL_NETLINK,
        option: libc::NETLINK_ADD_MEMBERSHIP,
        value: greeting::GROUP.cast_signed(),
    };
    scene.value(&peer.program, &join)?;
    Ok(peer)
}

/// The number of the next greeting.
fn next(scene: &mut Scene<'_>, listener: &Peer) -> Outcome<u32> {
    let datagram = scene.receive(listener, PATIENCE)?;
    let datagram = datagram.ok_or_else(|| fail("a greeting", "nothing in time"))?;
    let message = datagram.message()?;
    expect_eq("a greeting", is_greeting(message.payload), true)?;
    Ok(message.header.seq)
}
