// SPDX-License-Identifier: MIT OR Apache-2.0
//! `nl_pubsub` without memory: clause N5.

use nix::errno::Errno;
use protocol::pubsub::{DATA, REQUEST, Request};

use super::{
    super::netlink::OK,
    finish,
    inject::{Attempt, allocations, confine_to_modules, each},
    requests::{Audience, as_it_is, ask, carry_out, each_request, errno, judge, quietly_close},
};
use crate::{
    peer::{Peer, request},
    scene::{Outcome, Scenario, Scene, expect_eq, fail},
};

const MODULE: &str = "nl_pubsub";

pub(super) const NO_MEMORY: Scenario = Scenario {
    id: "part2/N5-pubsub-no-memory",
    title: "an allocation that fails is an errno, and nobody receives half of a message",
    run,
};

fn run(scene: &mut Scene<'_>) -> Outcome {
    let before = scene.objects()?;
    scene.insert(MODULE, "")?;
    let actor = scene.actor("actor", 0)?;
    confine_to_modules(scene)?;
    let subscribe = Request::Subscribe.payload();
    // Only the answer needs memory: its head and its data.
    let answer = allocations(2);
    scene.step("subscribe", "a place is taken, or it is not", |scene| {
        let request = (REQUEST, &subscribe[..]);
        let what = ("subscribe", answer);
        each_request(scene, &actor, what, request, as_it_is, |scene, peer, _| {
            again(scene, peer, Errno::EALREADY)
        })
    })?;
    scene.step("claim", "the place is taken, or it is not", |scene| {
        let claim = Request::Claim.payload();
        let request = (REQUEST, &claim[..]);
        let what = ("claim", answer);
        each_request(scene, &actor, what, request, as_it_is, |scene, peer, _| {
            again(scene, peer, Errno::EPERM)
        })
    })?;
    scene.step(
        "publish, with two who listen",
        "an errno and nobody is told, or both are",
        |scene| {
            let mut listen = |name| -> Outcome<Peer> {
                let peer = scene.peer(name, 0)?;
                carry_out(scene, &peer, REQUEST, &subscribe)?;
                Ok(peer)
            };
            let mut audience = Audience::new([listen("listener 1")?, listen("listener 2")?]);
            let publisher = scene.peer("publisher", 0)?;
            let mut body = 0_u32;
            // Head and data of two messages and of the answer.
            each(scene, "publish", allocations(6), |scene, fault| {
                body += 1;
                let body = body.to_string().into_bytes();
                let data = request(REQUEST, &Request::Publish(&body).payload());
                let reply = ask(scene, &publisher, &data, fault)?;
                let told = audience.was_told(scene, DATA, |payload| payload == body)?;
                let Attempt { hit, said } = judge(&reply, told, fault)?;
                expect_eq("lost", audience.lost(), vec![0, 0])?;
                Ok(Attempt { hit, said })
            })?;
            quietly_close(scene, &publisher)?;
            audience.leaves(scene)
        },
    )?;
    finish(scene, MODULE, before)
}

/// Whether this socket has its role: subscribing is then refused with `errno`.
fn again(scene: &mut Scene<'_>, peer: &Peer, refused: Errno) -> Outcome<bool> {
    let errno = errno(scene, peer, REQUEST, &Request::Subscribe.payload())?;
    match Errno::from_raw(errno) {
        OK => Ok(false),
        errno if errno == refused => Ok(true),
        other => Err(fail(format!("ok or {refused:?}"), format!("{other:?}"))),
    }
}
