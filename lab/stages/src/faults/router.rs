// SPDX-License-Identifier: MIT OR Apache-2.0
//! `nl_router` without memory: clauses N5, N6 and L3.

use lab_scene::{
    LooksAt, Outcome, Program, Scenario, Scene, expect_eq, fail,
    peer::{Peer, request, request_header},
};
use nix::errno::Errno;
use protocol::{
    netlink::{Header, NLM_F_DUMP, NLM_F_REQUEST, PortId},
    router::{DATA, Data, LIST, Member, Report, Request, Roles},
};

use super::{
    super::netlink::{OK, dump},
    finish::finish,
    inject::{allocations, confine_to_modules, each},
    requests::{
        Audience, Reply, as_it_is, ask, carry_out, each_list, each_request, errno, judge,
        quietly_close,
    },
};

const MODULE: &str = "nl_router";

pub(super) const NO_MEMORY: Scenario = Scenario {
    id: "part3/N5-no-memory",
    title: "a failed allocation is an errno, or a loss for one subscriber, which is told",
    looks_at: LooksAt::Module(&[]),
    run,
};

/// Subscribers of published messages.
const LISTENERS: u32 = 3;

fn run(scene: &mut Scene<'_>) -> Outcome {
    scene.watch_leaks()?;
    scene.insert(MODULE, "")?;
    let actor = scene.actor("actor", 0)?;
    confine_to_modules(scene)?;
    members(scene, &actor)?;
    scene.step(
        "publish, with three subscribers",
        "an errno and no message; or each subscriber gets it, or is told of the loss",
        |scene| publish(scene),
    )?;
    finish(scene, MODULE)
}

/// Register, unregister, list.
fn members(scene: &mut Scene<'_>, actor: &Program) -> Outcome {
    let observer = scene.peer("observer", 0)?;
    let (register, unregister) = (register(), Request::Unregister(Roles::BOTH));
    scene.step("register as both", "on both lists, or on none", |scene| {
        // Two members; head and data of the answer.
        let what = ("register", allocations(4));
        let request = (register.kind(), &register.payload()[..]);
        each_request(scene, actor, what, request, as_it_is, |scene, peer, _| {
            registered(scene, peer, &observer)
        })
    })?;
    scene.step("unregister", "on none, or on both", |scene| {
        let what = ("unregister", allocations(2));
        let prepare = |scene: &mut Scene<'_>, peer: &Peer| {
            carry_out(scene, peer, register.kind(), &register.payload())
        };
        let request = (unregister.kind(), &unregister.payload()[..]);
        each_request(scene, actor, what, request, prepare, |scene, peer, _| {
            Ok(!registered(scene, peer, &observer)?)
        })
    })?;
    scene.step("list", "all members, or an errno", |scene| {
        carry_out(scene, &observer, register.kind(), &register.payload())?;
        let flags = NLM_F_REQUEST | NLM_F_DUMP;
        let header = Header {
            flags,
            ..request_header(LIST)
        };
        each_list(scene, actor, allocations(2), &header.encode(b""), 2)?;
        quietly_close(scene, &observer)
    })
}

fn register() -> Request<'static> {
    Request::Register {
        roles: Roles::BOTH,
        from: None,
    }
}

/// Whether a socket has both roles, which are then removed. It must have both or none.
fn registered(scene: &mut Scene<'_>, peer: &Peer, observer: &Peer) -> Outcome<bool> {
    let roles = list(scene, observer)?
        .iter()
        .filter(|member| member.portid == peer.portid)
        .count();
    let unregister = Request::Unregister(Roles::BOTH);
    let errno = errno(scene, peer, unregister.kind(), &unregister.payload())?;
    match (roles, Errno::from_raw(errno)) {
        (2, OK) => Ok(true),
        (0, Errno::ENOENT) => Ok(false),
        other => Err(fail("both roles, or none", format!("{other:?}"))),
    }
}

fn list(scene: &mut Scene<'_>, peer: &Peer) -> Outcome<Vec<Member>> {
    dump(scene, peer, LIST, PortId(0))?
        .iter()
        .map(|(_, payload)| {
            Member::decode(payload).map_err(|error| fail("a member", error.to_string()))
        })
        .collect()
}

fn publish(scene: &mut Scene<'_>) -> Outcome {
    let mut listeners = Vec::new();
    for n in 1..=LISTENERS {
        let peer = scene.peer(&format!("listener {n}"), 0)?;
        let subscribe = Request::Register {
            roles: Roles::SUBSCRIBER,
            from: None,
        };
        carry_out(scene, &peer, subscribe.kind(), &subscribe.payload())?;
        listeners.push(peer);
    }
    let portids: Vec<_> = listeners.iter().map(|listener| listener.portid).collect();
    let mut audience = Audience::new(listeners);
    let publisher = scene.peer("publisher", 0)?;
    let (register, mut body) = (register(), 0_u32);
    carry_out(scene, &publisher, register.kind(), &register.payload())?;
    // Head and data of the message, of each copy, and of the answer.
    let sites = allocations(2 + 2 * LISTENERS + 2);
    each(scene, "publish", sites, |scene, fault| {
        body += 1;
        let body = body.to_string().into_bytes();
        let publish = Request::Publish(&body);
        let data = request(publish.kind(), &publish.payload());
        let lost_before: u32 = audience.lost().iter().sum();
        let reply = ask(scene, &publisher, &data, fault)?;
        let told = audience.was_told(scene, DATA, |payload| {
            Data::decode(payload)
                .is_ok_and(|data| data.body == body && data.sender == publisher.portid)
        })?;
        let attempt = judge(&reply, told, fault)?;
        let lost = audience.lost().iter().sum::<u32>() - lost_before;
        expect_report(&reply, told, lost)?;
        // The counters of the lists agree.
        let dropped: Vec<_> = portids
            .iter()
            .map(|&portid| dropped(scene, &publisher, portid))
            .collect::<Outcome<_>>()?;
        expect_eq("dropped, in the list", dropped, audience.lost())?;
        Ok(attempt)
    })?;
    let lost = audience.lost();
    let each_has_lost = lost.iter().all(|&lost| lost > 0);
    expect_eq("each has lost a message once", each_has_lost, true)?;
    quietly_close(scene, &publisher)?;
    audience.leaves(scene)
}

/// The publisher's report about its copies.
fn expect_report(reply: &Reply, told: bool, lost: u32) -> Outcome {
    let Some((_, Some(cookie))) = &reply.waiting.ack else {
        return Ok(());
    };
    let report = Report::decode(cookie);
    let delivered = if told { LISTENERS - lost } else { 0 };
    let dropped = lost;
    expect_eq("the report", report, Some(Report { delivered, dropped }))
}

/// Number of messages that a subscriber has lost, by the list.
fn dropped(scene: &mut Scene<'_>, observer: &Peer, portid: PortId) -> Outcome<u32> {
    list(scene, observer)?
        .iter()
        .find(|member| member.portid == portid && member.role == Roles::SUBSCRIBER)
        .map(|member| member.dropped)
        .ok_or_else(|| fail("a subscriber", "none"))
}
