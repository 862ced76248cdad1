// SPDX-License-Identifier: MIT OR Apache-2.0
//! Requests to a netlink module that has no memory for them, and the sockets that are told of them.

use std::time::Duration;

use lab_agent::Call;
use lab_scene::{
    Outcome, Program, Scene,
    actor::returned,
    expect_eq, fail,
    peer::{Peer, request},
    readable,
};
use nix::errno::Errno;
use protocol::netlink::{Ack, Header, NLMSG_DONE, PortId, messages};

use super::{
    super::netlink::OK,
    inject::{Attempt, Fault, Sites, call, each},
};

/// A message other than an acknowledgement: its header and its payload.
pub(super) type Told = (Header, Vec<u8>);

/// All messages that waited at a socket.
#[derive(Default)]
pub(super) struct Waiting {
    /// `ENOBUFS`: messages were lost.
    pub(super) overrun: bool,
    /// The acknowledgement, with the module's additions.
    pub(super) ack: Option<(Ack, Option<Vec<u8>>)>,
    /// All other messages.
    pub(super) told: Vec<Told>,
}

/// The result of a request.
pub(super) struct Reply {
    /// Whether the fault happened.
    pub(super) hit: bool,
    /// The messages for its sender.
    pub(super) waiting: Waiting,
}

/// Receive all messages that wait at a socket. The kernel has queued its answers when send returns.
pub(super) fn drain(scene: &mut Scene<'_>, peer: &Peer) -> Outcome<Waiting> {
    wait(scene, peer, Duration::ZERO)
}

/// Wait for a message at a socket, and receive all that wait.
fn wait(scene: &mut Scene<'_>, peer: &Peer, limit: Duration) -> Outcome<Waiting> {
    let mut waiting = Waiting::default();
    let mut limit = limit;
    loop {
        let received = scene.try_receive(peer, std::mem::take(&mut limit))?;
        let datagram = match received {
            Ok(datagram) => datagram,
            Err(Errno::ETIMEDOUT) => return Ok(waiting),
            Err(Errno::ENOBUFS) => {
                waiting.overrun = true;
                continue;
            }
            Err(errno) => return Err(fail("recvmsg works", format!("{errno:?}"))),
        };
        expect_eq("sender's address", datagram.from, Some(PortId::KERNEL))?;
        for message in messages(&datagram.data) {
            let message = message.map_err(|error| fail("a message", error.to_string()))?;
            match message.ack() {
                Ok(Some(ack)) => {
                    let once = waiting.ack.is_none();
                    expect_eq("acknowledged once", once, true)?;
                    waiting.ack = Some((ack, message.ack_cookie().map(<[u8]>::to_vec)));
                }
                _ => waiting
                    .told
                    .push((message.header, message.payload.to_vec())),
            }
        }
    }
}

/// Send a datagram with a fault. The module is not responsible for errors of send itself.
pub(super) fn ask(scene: &mut Scene<'_>, peer: &Peer, data: &[u8], fault: Fault) -> Outcome<Reply> {
    let send = peer.sends(data.to_vec());
    let (hit, observed) = call(scene, &peer.program, &send, fault)?;
    expect_eq("sendto returns", returned(&observed), Ok(data.len() as i64))?;
    let waiting = drain(scene, peer)?;
    Ok(Reply { hit, waiting })
}

/// Send a request without a fault; its errno, 0 for success.
pub(super) fn errno(scene: &mut Scene<'_>, peer: &Peer, kind: u16, payload: &[u8]) -> Outcome<i32> {
    scene.send(peer, request(kind, payload))?;
    match drain(scene, peer)?.ack {
        Some((ack, _)) => Ok(ack.errno),
        None => Err(fail("an acknowledgement", "none")),
    }
}

/// The same, for a request that must succeed.
pub(super) fn carry_out(scene: &mut Scene<'_>, peer: &Peer, kind: u16, payload: &[u8]) -> Outcome {
    let errno = errno(scene, peer, kind, payload)?;
    expect_eq("errno when there is memory", Errno::from_raw(errno), OK)
}

/// All or nothing: the answer must match the state. `done` says whether the request was carried
/// out.
pub(super) fn judge(reply: &Reply, done: bool, fault: Fault) -> Outcome<Attempt> {
    let hit = reply.hit;
    let said = match &reply.waiting.ack {
        Some((ack, _)) => {
            expect_eq("ENOBUFS beside an answer", reply.waiting.overrun, false)?;
            let errno = Errno::from_raw(ack.errno);
            let said = if errno == OK {
                "ok".to_owned()
            } else {
                format!("{errno:?}")
            };
            let what = format!("carried out, where the answer is {said}");
            expect_eq(&what, done, errno == OK)?;
            match errno {
                OK => "done".to_owned(),
                Errno::ENOMEM | Errno::ENOBUFS if hit => {
                    let words = ack.text.is_some();
                    format!("{errno:?}{}", if words { "" } else { " without a reason" })
                }
                other => return Err(fail("success, or no memory", format!("{other:?}"))),
            }
        }
        None => {
            expect_eq("a lost answer is ENOBUFS", reply.waiting.overrun, true)?;
            expect_eq("an answer is lost because of a fault", hit, true)?;
            if matches!(fault, Fault::Nth(_)) {
                // No other allocation has failed.
                expect_eq("carried out, where only the answer failed", done, true)?;
            }
            let what = if done { "done" } else { "not done" };
            format!("{what}, and the answer lost: ENOBUFS")
        }
    };
    Ok(Attempt { hit, said })
}

/// One request, from a new socket in each attempt. `prepare` brings about its preconditions.
/// `was_done` finds out whether it was carried out, and if so undoes it.
pub(super) fn each_request(
    scene: &mut Scene<'_>,
    actor: &Program,
    (what, sites): (&str, Sites),
    (kind, payload): (u16, &[u8]),
    mut prepare: impl FnMut(&mut Scene<'_>, &Peer) -> Outcome,
    mut was_done: impl FnMut(&mut Scene<'_>, &Peer, &Reply) -> Outcome<bool>,
) -> Outcome {
    let data = request(kind, payload);
    each(scene, what, sites, |scene, fault| {
        let peer = scene.open_socket(actor, PortId(0))?;
        prepare(scene, &peer)?;
        let reply = ask(scene, &peer, &data, fault)?;
        let done = was_done(scene, &peer, &reply)?;
        let attempt = judge(&reply, done, fault)?;
        quietly_close(scene, &peer)?;
        Ok(attempt)
    })
}

/// For requests without preconditions.
pub(super) fn as_it_is(_: &mut Scene<'_>, _: &Peer) -> Outcome {
    Ok(())
}

/// A list, from a new socket in each attempt: an errno, or the whole list. `data` requests it.
pub(super) fn each_list(
    scene: &mut Scene<'_>,
    actor: &Program,
    sites: Sites,
    data: &[u8],
    entries: usize,
) -> Outcome {
    each(scene, "list", sites, |scene, fault| {
        let peer = scene.open_socket(actor, PortId(0))?;
        let Reply { hit, waiting } = ask(scene, &peer, data, fault)?;
        let ends = |(header, _): &&Told| header.kind == NLMSG_DONE;
        let whole = waiting.told.iter().any(|told| ends(&told));
        if whole || !waiting.told.is_empty() {
            let found = waiting.told.iter().filter(|told| !ends(told)).count();
            expect_eq("entries of the list", found, entries)?;
        }
        // Netlink's own behaviour: a list that could not be begun continues at the next recvmsg().
        let said = match waiting.ack {
            _ if !hit => {
                expect_eq("a whole list", whole, true)?;
                "done".to_owned()
            }
            Some((ack, _)) => {
                let errno = Errno::from_raw(ack.errno);
                expect_eq("the errno", errno, Errno::ENOBUFS)?;
                "ENOBUFS".to_owned()
            }
            None if waiting.overrun => "ENOBUFS".to_owned(),
            None => {
                expect_eq("a list or an errno", whole, true)?;
                "done".to_owned()
            }
        };
        quietly_close(scene, &peer)?;
        Ok(Attempt { hit, said })
    })
}

/// Close a socket, without a note.
pub(super) fn quietly_close(scene: &mut Scene<'_>, peer: &Peer) -> Outcome {
    scene
        .value(&peer.program, &Call::Close { fd: peer.fd })
        .map(drop)
}

/// Sockets that are told of requests.
pub(super) struct Audience(Vec<Listener>);

struct Listener {
    peer: Peer,
    /// Number of the last message for this socket.
    seq: u32,
    /// Number of lost messages.
    lost: u32,
}

impl Audience {
    /// Sockets that already listen, and have been told nothing yet.
    pub(super) fn new(peers: impl IntoIterator<Item = Peer>) -> Self {
        let new = |peer| Listener {
            peer,
            seq: 0,
            lost: 0,
        };
        Audience(peers.into_iter().map(new).collect())
    }

    /// Close all sockets.
    pub(super) fn leaves(self, scene: &mut Scene<'_>) -> Outcome {
        self.0
            .iter()
            .try_for_each(|listener| quietly_close(scene, &listener.peer))
    }

    /// Number of lost messages of each socket.
    pub(super) fn lost(&self) -> Vec<u32> {
        self.0.iter().map(|listener| listener.lost).collect()
    }

    /// Whether either all were told or none. Each told socket has received its next number and
    /// `expected`, or has lost the message and got `ENOBUFS`.
    pub(super) fn was_told(
        &mut self,
        scene: &mut Scene<'_>,
        kind: u16,
        expected: impl Fn(&[u8]) -> bool,
    ) -> Outcome<bool> {
        self.is_told(scene, Duration::ZERO, kind, expected)
    }

    /// The same, for messages that come within `limit`.
    pub(super) fn is_told(
        &mut self,
        scene: &mut Scene<'_>,
        limit: Duration,
        kind: u16,
        expected: impl Fn(&[u8]) -> bool,
    ) -> Outcome<bool> {
        let mut heard = Vec::new();
        for listener in &mut self.0 {
            let waiting = wait(scene, &listener.peer, limit)?;
            heard.push(!waiting.told.is_empty() || waiting.overrun);
            match (&waiting.told[..], waiting.overrun) {
                ([], false) => {}
                ([], true) => {
                    listener.seq += 1;
                    listener.lost += 1;
                }
                ([(header, payload)], false) => {
                    listener.seq += 1;
                    expect_eq("nlmsg_seq", header.seq, listener.seq)?;
                    if header.kind != kind || !expected(payload) {
                        return Err(fail("the message for all listeners", readable(payload)));
                    }
                }
                (told, overrun) => {
                    let got = format!("{} messages, ENOBUFS {overrun}", told.len());
                    return Err(fail("one message, or ENOBUFS", got));
                }
            }
        }
        let all = heard.iter().all(|&heard| heard);
        expect_eq(
            "either all listeners are told or none",
            heard.contains(&true),
            all,
        )?;
        Ok(all)
    }
}
