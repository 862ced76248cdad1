// SPDX-License-Identifier: MIT OR Apache-2.0
//! Processes that send requests at the same time, as fast as they can. Without a lock, lists and
//! counters of a module break sooner or later.

use std::time::{Duration, Instant};

use lab_agent::{Answer, Call, CallResult};
use lab_scene::{
    Datagram, Outcome, Scene,
    actor::complete,
    fail,
    peer::{ANSWERED, Peer, request_header},
};
use protocol::netlink::{Header, NLM_F_ACK, NLM_F_REQUEST};

/// Processes. The machine has fewer processors, so a process is also interrupted in the middle of a
/// request.
pub(crate) const RACERS: usize = 4;

/// How long processes race, and the fewest times.
const TIME: Duration = Duration::from_secs(3);
const TIMES: usize = 2;

/// Peers that race.
pub(crate) fn racers(scene: &mut Scene<'_>) -> Outcome<Vec<Peer>> {
    let names = (1..=RACERS).map(|n| format!("racer {n}"));
    names.map(|name| scene.peer(&name, 0)).collect()
}

/// The call that sends a request without an acknowledgement, with the sender's address in
/// `nlmsg_pid`.
pub(crate) fn sends(peer: &Peer, kind: u16, payload: &[u8]) -> Call {
    signed(peer, NLM_F_REQUEST, kind, payload)
}

/// The calls that send a request and receive its acknowledgement.
pub(crate) fn asks(scene: &Scene<'_>, peer: &Peer, kind: u16, payload: &[u8]) -> [Call; 2] {
    let limit = scene.machine.scaled(ANSWERED).as_millis() as u64;
    let send = signed(peer, NLM_F_REQUEST | NLM_F_ACK, kind, payload);
    [send, peer.receives(limit)]
}

fn signed(peer: &Peer, flags: u16, kind: u16, payload: &[u8]) -> Call {
    let header = Header {
        flags,
        portid: peer.portid,
        ..request_header(kind)
    };
    peer.sends(header.encode(payload))
}

/// The errnos of the acknowledgements that the calls of [`asks`] have received.
pub(crate) fn errnos(result: CallResult) -> Outcome<Vec<i32>> {
    let mut errnos = Vec::new();
    for outcome in complete(1, result)? {
        if let Ok(Answer::Datagram { data, .. }) = outcome {
            let from = None;
            let datagram = Datagram { data: data.0, from };
            let ack = datagram.message()?.ack().ok().flatten();
            errnos.push(
                ack.ok_or_else(|| fail("an acknowledgement", "another message"))?
                    .errno,
            );
        }
    }
    Ok(errnos)
}

/// These calls, this many times.
pub(crate) fn rounds(rounds: u64, calls: Vec<Call>) -> Call {
    Call::Batch {
        rounds,
        persist: false,
        calls,
    }
}

/// Make peers carry out a call each, at the same time. A call must take much longer than the order
/// to begin it. Returns their results.
pub(crate) fn at_once(
    scene: &mut Scene<'_>,
    peers: &[Peer],
    call: impl Fn(&Scene<'_>, &Peer) -> Call,
) -> Outcome<Vec<CallResult>> {
    let orders: Vec<_> = peers.iter().map(|peer| call(scene, peer)).collect();
    for (peer, order) in peers.iter().zip(&orders) {
        scene.begin_call(&peer.program, order)?;
    }
    let begun = peers.iter().zip(&orders);
    begun
        .map(|(peer, order)| scene.finish_call(&peer.program, order))
        .collect()
}

/// Repeat a race until its time is over.
pub(crate) fn repeatedly(
    scene: &mut Scene<'_>,
    mut race: impl FnMut(&mut Scene<'_>) -> Outcome,
) -> Outcome {
    let begin = Instant::now();
    for time in 0.. {
        if time >= TIMES && begin.elapsed() >= TIME {
            break;
        }
        race(scene)?;
    }
    Ok(())
}

/// The last step of a race: all of its sockets are closed, so the module can be removed.
pub(crate) fn close_and_remove<'a>(
    scene: &mut Scene<'_>,
    module: &str,
    mut peers: impl Iterator<Item = &'a Peer>,
) -> Outcome {
    scene.step(
        "close all sockets, remove the module",
        "it is removed",
        |scene| {
            peers.try_for_each(|peer| scene.close(peer))?;
            scene.remove(module)
        },
    )
}
