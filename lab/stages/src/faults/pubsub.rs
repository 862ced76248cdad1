// SPDX-License-Identifier: MIT OR Apache-2.0
//! `nl_pubsub` without memory: clause N5.

use lab_scene::{LooksAt, Outcome, Scenario, Scene, expect_eq, fail, peer::Peer};
use nix::errno::Errno;
use protocol::pubsub::{DATA, REQUEST, Request};

use super::{
    super::netlink::OK,
    finish::finish,
    inject::{allocations, confine_to_modules},
    requests::{Audience, as_it_is, carry_out, each_request, errno},
};

const MODULE: &str = "nl_pubsub";

pub(super) const NO_MEMORY: Scenario = Scenario {
    id: "part2/N5-pubsub-no-memory",
    title: "a failed allocation is an errno, and no subscriber gets half of a message",
    looks_at: LooksAt::Module(&[]),
    run,
};

fn run(scene: &mut Scene<'_>) -> Outcome {
    scene.watch_leaks()?;
    scene.insert(MODULE, "")?;
    let actor = scene.actor("actor", 0)?;
    confine_to_modules(scene)?;
    let subscribe = Request::Subscribe.payload();
    // Only the answer needs memory, for its head and its data.
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
        "publish, with two subscribers",
        "an errno and no message, or a message for both",
        |scene| {
            let mut listen = |name| -> Outcome<Peer> {
                let peer = scene.peer(name, 0)?;
                carry_out(scene, &peer, REQUEST, &subscribe)?;
                Ok(peer)
            };
            let mut audience = Audience::new([listen("listener 1")?, listen("listener 2")?]);
            let publish = Request::Publish(b"is there any?").payload();
            let request = (REQUEST, &publish[..]);
            // Head and data of two messages and of the answer.
            let what = ("publish", allocations(6));
            each_request(scene, &actor, what, request, as_it_is, |scene, peer, _| {
                let told = audience.was_told(scene, DATA, |payload| payload == b"is there any?")?;
                // It is no publisher either, unless it has published.
                let errno = errno(scene, peer, REQUEST, &subscribe)?;
                let role = if told { Errno::EPERM } else { Errno::ENOSPC };
                expect_eq("subscribe after it", Errno::from_raw(errno), role)?;
                expect_eq("lost", audience.lost(), vec![0, 0])?;
                Ok(told)
            })?;
            audience.leaves(scene)
        },
    )?;
    finish(scene, MODULE)
}

/// Whether this socket has its role; if so, subscribing is refused with `errno`.
fn again(scene: &mut Scene<'_>, peer: &Peer, refused: Errno) -> Outcome<bool> {
    let errno = errno(scene, peer, REQUEST, &Request::Subscribe.payload())?;
    match Errno::from_raw(errno) {
        OK => Ok(false),
        errno if errno == refused => Ok(true),
        other => Err(fail(format!("ok or {refused:?}"), format!("{other:?}"))),
    }
}
