// SPDX-License-Identifier: MIT OR Apache-2.0
//! The scenarios of clauses N1-N11, written once for every netlink module.
//!
//! [`Module`] describes a module's requests, and [`Told`] the sockets that are told of them.
//! [`scenarios`] makes the scenarios of one module.

pub(super) mod alone;
pub(super) mod frames;
pub(super) mod fuzz;
pub(super) mod life;
pub(super) mod programs;
pub(super) mod races;
pub(super) mod scenarios;
pub(super) mod slow;
pub(super) mod users;

use std::time::Duration;

use lab_machine::PATIENCE;
use lab_scene::{
    Datagram, Outcome, Scene, expect_eq, expect_refusal, expect_success, fail,
    peer::{ANSWERED, Peer, request, request_header},
    readable,
    transcript::LineKind,
};
use nix::errno::Errno;
use protocol::netlink::{
    Ack, BODY_MAX, HEADER_LEN, Header, NLM_F_DUMP, NLM_F_MULTI, NLM_F_REQUEST, NLMSG_DONE, PortId,
    messages,
};

/// Errno 0, success, as the type of nix.
pub(super) const OK: Errno = Errno::UnknownErrno;

/// Switches on the module's debug messages (Documentation/admin-guide/dynamic-debug-howto.rst).
pub(super) const TALKATIVE: &str = "dyndbg=+p";

/// An ordinary user of the guest.
pub(super) const STUDENT: u32 = 1000;

/// A module that serves a netlink protocol.
pub(super) trait Module {
    /// The name in `kernel/`.
    const NAME: &'static str;
    /// Parameters with which it acts on requests only.
    const PARAMS: &'static str = "";

    /// A request that a new socket may send, and its name.
    fn touch() -> (&'static str, Vec<u8>);
}

/// A request: its name, its type and its payload.
pub(super) type Wish = (&'static str, u16, Vec<u8>);

/// A wrong request: its mistake, its type, its payload and its errno.
pub(super) type BadPayload = (&'static str, u16, Vec<u8>, Errno);

/// A module that tells a socket of each request that it carries out.
pub(super) trait Told: Module {
    /// Whether this socket is the sender itself. Then it is told before the acknowledgement.
    const SENDER: bool = false;

    /// Types of messages that only the kernel sends.
    const REPLIES: &'static [u16];

    /// Type and payload of request `n`. Each is carried out if each `n`, from 1, is sent once.
    fn request(n: u32) -> (u16, Vec<u8>);

    /// Whether requests have bodies. The contract refuses these with `EMSGSIZE` if they are too
    /// long.
    const BODIES: bool = true;

    /// Requests that can be sent repeatedly, in this order.
    fn round() -> Vec<(u16, Vec<u8>)> {
        vec![Self::request(1)]
    }

    /// Requests that are refused because of their payloads.
    fn bad_payloads() -> Vec<BadPayload>;

    /// Requests of this sender that are refused because of the present state.
    fn refused() -> Vec<(u16, Vec<u8>)> {
        Vec::new()
    }

    /// Requests that are refused because of an attribute of another request, or a flag. Submitted
    /// modules may accept these.
    fn odd_payloads() -> Vec<BadPayload> {
        Vec::new()
    }

    /// A request with this many bytes, where at most 1024 are allowed.
    fn long(len: usize) -> (u16, Vec<u8>) {
        (Self::request(1).0, vec![b'x'; len])
    }

    /// The errno of a request whose payload is this many bytes 0xff; `None` if that is correct.
    fn junk(len: usize) -> Option<Errno> {
        Some(if len > BODY_MAX {
            Errno::EMSGSIZE
        } else {
            Errno::EINVAL
        })
    }

    /// The request that a socket must send before others, if any.
    fn sender_asks() -> Option<Wish> {
        None
    }

    /// The request with which a socket asks to be told of others, if any.
    fn listener_asks() -> Option<Wish> {
        None
    }

    /// Make this peer a listener; `claimed` is the portid in its header.
    ///
    /// # Errors
    /// [`lab_scene::Halt`].
    fn listen(scene: &mut Scene<'_>, peer: &Peer, claimed: PortId) -> Outcome {
        introduce(scene, peer, Self::listener_asks(), claimed)
    }

    /// Expect that a peer, a listener from the start, is told of request `n`.
    ///
    /// # Errors
    /// [`lab_scene::Halt::Fail`] if it gets another message, or none.
    fn expect_heard(scene: &mut Scene<'_>, sender: &Peer, listener: &Peer, n: u32) -> Outcome;

    /// Whether the module allocates memory for each listener.
    const KEEPS: bool = false;

    /// The state that no refused request may change, as seen by a peer whose header claims the
    /// portid `claimed`. Two results are compared.
    ///
    /// # Errors
    /// [`lab_scene::Halt`].
    fn state(_: &mut Scene<'_>, _: &Peer, _claimed: PortId) -> Outcome<Vec<String>> {
        Ok(Vec::new())
    }
}

/// Body of request `n`, if requests have one. It is shorter than the longest, because only a few
/// clauses check the limit.
pub(super) fn body(n: u32) -> Vec<u8> {
    const LENGTHS: [usize; 4] = [9, 1, 1000, 64];
    let len = LENGTHS[(n as usize - 1) % LENGTHS.len()];
    let text = format!("{n}.");
    text.bytes().cycle().take(len).collect()
}

/// Make a peer send the request that it needs first; `claimed` is the portid in its header.
fn introduce(scene: &mut Scene<'_>, peer: &Peer, wish: Option<Wish>, claimed: PortId) -> Outcome {
    let Some((what, kind, payload)) = wish else {
        return Ok(());
    };
    let header = Header {
        portid: claimed,
        ..request_header(kind)
    };
    scene.expect_answer_to(peer, header.encode(&payload), what, OK)
}

/// A peer that may send requests.
fn sender<M: Told>(scene: &mut Scene<'_>, uid: u32) -> Outcome<Peer> {
    let sender = scene.peer("sender", uid)?;
    introduce(scene, &sender, M::sender_asks(), PortId(0))?;
    Ok(sender)
}

/// A peer that is told of requests.
fn listener<M: Told>(scene: &mut Scene<'_>, name: &str, uid: u32) -> Outcome<Peer> {
    let listener = scene.peer(name, uid)?;
    M::listen(scene, &listener, PortId(0))?;
    Ok(listener)
}

/// A sender, and the sockets that are told of its requests.
fn pair<M: Told>(scene: &mut Scene<'_>, uid: u32) -> Outcome<(Peer, Peer)> {
    let sender = sender::<M>(scene, uid)?;
    if M::SENDER {
        return Ok((sender.clone(), sender));
    }
    let listener = listener::<M>(scene, "listener", uid)?;
    Ok((sender, listener))
}

/// Send request `n` and expect success.
fn carry_out<M: Told>(scene: &mut Scene<'_>, sender: &Peer, listener: &Peer, n: u32) -> Outcome {
    let (kind, payload) = M::request(n);
    scene.send(sender, request(kind, &payload))?;
    M::expect_heard(scene, sender, listener, n)?;
    expect_success(scene.expect_ack(sender)?.errno)
}

/// Send a datagram that is refused, and expect that no listener is told of it.
fn refuse(
    scene: &mut Scene<'_>,
    (sender, listener): &(Peer, Peer),
    data: Vec<u8>,
    what: &str,
    errno: Errno,
) -> Outcome {
    if left_open(scene, errno) {
        scene.expect_refused(sender, data, what)?;
    } else {
        scene.expect_answer_to(sender, data, what, errno)?;
    }
    scene.expect_nothing(sender)?;
    scene.expect_nothing(listener)
}

/// The requests that the module must refuse.
fn bad_payloads<M: Told>(scene: &Scene<'_>) -> Vec<BadPayload> {
    let mut bad = M::bad_payloads();
    if !scene.contract_only() {
        bad.extend(M::odd_payloads());
    }
    bad
}

/// Note that some cases are skipped.
pub(super) fn pass_over(scene: &mut Scene<'_>) {
    let text = "skips cases that the contract leaves open";
    scene.note("host", LineKind::Does, text);
}

/// Whether only the contract counts, and it does not state this errno. `EMSGSIZE` is the only errno
/// that it states for malformed requests.
fn left_open(scene: &Scene<'_>, errno: Errno) -> bool {
    scene.contract_only() && errno != OK && errno != Errno::EMSGSIZE
}

/// The errno of a request of more than 1024 bytes. Without a body, such a request is malformed.
fn too_long<M: Told>(contract_only: bool) -> Errno {
    if M::BODIES || !contract_only {
        Errno::EMSGSIZE
    } else {
        Errno::EINVAL
    }
}

/// Expect this errno of a malformed request, or any errno if the contract leaves it open.
fn expect_errno(scene: &Scene<'_>, what: &str, got: i32, errno: Errno) -> Outcome {
    if left_open(scene, errno) {
        return expect_refusal(what, got);
    }
    let named = |errno: Errno| (errno != OK).then_some(errno);
    expect_eq(what, named(Errno::from_raw(got)), named(errno))
}

/// Send a datagram and return the errno of its acknowledgement. Earlier messages are dropped.
pub(super) fn errno_of(scene: &mut Scene<'_>, peer: &Peer, data: Vec<u8>) -> Outcome<i32> {
    Ok(ack_of(scene, peer, data)?.errno)
}

/// The same, with the whole acknowledgement.
fn ack_of(scene: &mut Scene<'_>, peer: &Peer, data: Vec<u8>) -> Outcome<Ack> {
    scene.send(peer, data)?;
    loop {
        let Some(datagram) = scene.receive(peer, ANSWERED)? else {
            return Err(fail("an acknowledgement", "nothing in time"));
        };
        if let Ok(Some(ack)) = datagram.message()?.ack() {
            return Ok(ack);
        }
    }
}

/// The next message of a peer, which must have this type and come from the kernel: its sequence
/// number and its payload.
pub(super) fn hear(scene: &mut Scene<'_>, peer: &Peer, kind: u16) -> Outcome<(u32, Vec<u8>)> {
    hear_within(scene, peer, kind, PATIENCE)
}

/// The same for the answer to the peer's own request, which comes sooner than an event.
pub(super) fn hear_answer(
    scene: &mut Scene<'_>,
    peer: &Peer,
    kind: u16,
) -> Outcome<(u32, Vec<u8>)> {
    hear_within(scene, peer, kind, ANSWERED)
}

fn hear_within(
    scene: &mut Scene<'_>,
    peer: &Peer,
    kind: u16,
    limit: Duration,
) -> Outcome<(u32, Vec<u8>)> {
    let name = &peer.program.name;
    let Some(datagram) = scene.receive_answer(peer, limit)? else {
        return Err(fail(format!("{name} is told"), "nothing in time"));
    };
    let Datagram { from, .. } = datagram;
    let message = datagram.message_of_module()?;
    expect_eq("sender's address", from, Some(PortId::KERNEL))?;
    scene.expect_from_kernel(message.header)?;
    if message.header.kind != kind {
        return Err(fail(
            format!("{name} receives a message of type {kind:#x}"),
            format!(
                "type {:#x}: {}",
                message.header.kind,
                readable(message.payload)
            ),
        ));
    }
    Ok((message.header.seq, message.payload.to_vec()))
}

/// More entries than any list of the lab has.
const DUMP_MAX: usize = 2000;

/// Request a dump of this type and read it; `claimed` is the portid in the header.
pub(super) fn dump(
    scene: &mut Scene<'_>,
    peer: &Peer,
    kind: u16,
    claimed: PortId,
) -> Outcome<Vec<(u16, Vec<u8>)>> {
    let header = Header {
        flags: NLM_F_REQUEST | NLM_F_DUMP,
        portid: claimed,
        ..request_header(kind)
    };
    scene.send(peer, header.encode(b""))?;
    read_dump(scene, peer)
}

/// Types and payloads of a requested dump, to its end. Each message must come from the kernel and
/// be part of the dump.
pub(super) fn read_dump(scene: &mut Scene<'_>, peer: &Peer) -> Outcome<Vec<(u16, Vec<u8>)>> {
    let mut found = Vec::new();
    loop {
        let Some(datagram) = scene.receive(peer, ANSWERED)? else {
            return Err(fail("NLMSG_DONE at the end of the list", "nothing in time"));
        };
        expect_eq("sender", datagram.from, Some(PortId::KERNEL))?;
        for message in messages(&datagram.data) {
            let message = message.map_err(|error| fail("a message", error.to_string()))?;
            let header = message.header;
            if scene.counts_any(&["E2", "L1", "N1"]) {
                expect_eq("nlmsg_seq", header.seq, request_header(0).seq)?;
            }
            expect_eq("NLM_F_MULTI", header.flags & NLM_F_MULTI, NLM_F_MULTI)?;
            if header.kind == NLMSG_DONE {
                let error = message.payload.get(..4);
                expect_eq("the error in NLMSG_DONE", error, Some(&[0; 4][..]))?;
                return Ok(found);
            }
            found.push((header.kind, message.payload.to_vec()));
        }
        // A dump that begins again would never end.
        if found.len() > DUMP_MAX {
            return Err(fail("the list ends", format!("{} parts", found.len())));
        }
    }
}

/// A datagram with another `nlmsg_len`.
fn with_length(mut data: Vec<u8>, len: usize) -> Vec<u8> {
    let len = u32::try_from(len).unwrap_or(u32::MAX);
    data[..4].copy_from_slice(&len.to_ne_bytes());
    data
}

/// Request `n`, as a datagram with at least one byte after the header, which can be cut off.
fn datagram<M: Told>(n: u32) -> Vec<u8> {
    let (kind, payload) = M::request(n);
    let mut data = request(kind, &payload);
    data.resize(data.len().max(HEADER_LEN + 1), 0);
    data
}
