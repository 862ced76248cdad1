// SPDX-License-Identifier: MIT OR Apache-2.0
//! What clauses N1-N11 ask of every netlink module, written once.
//!
//! A module says in [`Module`] what a request of it looks like, and in [`Told`] who hears of what
//! it does. [`scenarios`] makes the scenarios of one module.

pub(super) mod frames;
pub(super) mod fuzz;
pub(super) mod life;
pub(super) mod programs;
pub(super) mod scenarios;
pub(super) mod slow;
pub(super) mod users;

use lab_machine::PATIENCE;
use lab_scene::{
    Datagram, Outcome, Scene, expect_eq, fail,
    peer::{ANSWERED, Peer, request, request_header},
    readable,
    transcript::LineKind,
};
use nix::errno::Errno;
use protocol::netlink::{
    Ack, BODY_MAX, HEADER_LEN, Header, NLM_F_DUMP, NLM_F_MULTI, NLM_F_REQUEST, NLMSG_DONE, PortId,
    messages,
};

/// Errno 0, success, as nix has it.
pub(super) const OK: Errno = Errno::UnknownErrno;

/// Have the module say what it does: its debug messages are on (Documentation/admin-guide/
/// dynamic-debug-howto.rst).
pub(super) const TALKATIVE: &str = "dyndbg=+p";

/// An ordinary user of the guest.
pub(super) const STUDENT: u32 = 1000;

/// A module that serves a netlink protocol.
pub(super) trait Module {
    /// As in `kernel/`.
    const NAME: &'static str;
    /// Parameters with which it does nothing on its own.
    const PARAMS: &'static str = "";

    /// A request that is accepted from a socket that has just been opened, and its name.
    fn touch() -> (&'static str, Vec<u8>);
}

/// A request: what it is called, its type and its payload.
pub(super) type Wish = (&'static str, u16, Vec<u8>);

/// What is wrong with a request, its type, its payload and the errno that it gets.
pub(super) type BadPayload = (&'static str, u16, Vec<u8>, Errno);

/// A module that tells somebody of each request that it carries out.
pub(super) trait Told: Module {
    /// Whether that is the sender itself; then it is told before the acknowledgement.
    const SENDER: bool = false;

    /// Types of what only the kernel sends.
    const REPLIES: &'static [u16];

    /// Type and payload of request `n`. Each is carried out if each `n`, from 1, is sent once.
    fn request(n: u32) -> (u16, Vec<u8>);

    /// Whether requests have bodies: those the contract refuses with `EMSGSIZE` if they are too long.
    const BODIES: bool = true;

    /// Requests that can be sent again and again, in this order.
    fn round() -> Vec<(u16, Vec<u8>)> {
        vec![Self::request(1)]
    }

    /// Requests that are refused for their payloads.
    fn bad_payloads() -> Vec<BadPayload>;

    /// Requests of who sends that are refused for what there is, or for what there is not.
    fn refused() -> Vec<(u16, Vec<u8>)> {
        Vec::new()
    }

    /// Those that are refused for an attribute that is another request's, or for a flag: modules that
    /// were handed in may pass over such things.
    fn odd_payloads() -> Vec<BadPayload> {
        Vec::new()
    }

    /// A request with so many bytes where at most 1024 may be.
    fn long(len: usize) -> (u16, Vec<u8>) {
        (Self::request(1).0, vec![b'x'; len])
    }

    /// The errno of a request whose payload is so many bytes 0xff; `None` if that is a good one.
    fn junk(len: usize) -> Option<Errno> {
        Some(if len > BODY_MAX {
            Errno::EMSGSIZE
        } else {
            Errno::EINVAL
        })
    }

    /// What a socket must ask for before it sends requests, if anything.
    fn sender_asks() -> Option<Wish> {
        None
    }

    /// What a socket asks for to be told of requests, if that is how it is done.
    fn listener_asks() -> Option<Wish> {
        None
    }

    /// From now on this peer is told; `claimed` is what its header says its portid is.
    ///
    /// # Errors
    /// [`lab_scene::Halt`].
    fn listen(scene: &mut Scene<'_>, peer: &Peer, claimed: PortId) -> Outcome {
        introduce(scene, peer, Self::listener_asks(), claimed)
    }

    /// Expect that a peer that has listened from the start hears of request `n`.
    ///
    /// # Errors
    /// [`lab_scene::Halt::Fail`] if it hears something else, or nothing.
    fn expect_heard(scene: &mut Scene<'_>, sender: &Peer, listener: &Peer, n: u32) -> Outcome;

    /// Whether the module allocates something for each who listens.
    const KEEPS: bool = false;

    /// What no refused request may change, as a peer finds it whose header says that it is
    /// `claimed`; what it says is compared.
    ///
    /// # Errors
    /// [`lab_scene::Halt`].
    fn state(_: &mut Scene<'_>, _: &Peer, _claimed: PortId) -> Outcome<Vec<String>> {
        Ok(Vec::new())
    }
}

/// Body of request `n`, where requests have one: not the longest that may be, which is the matter of
/// a few clauses.
pub(super) fn body(n: u32) -> Vec<u8> {
    const LENGTHS: [usize; 4] = [9, 1, 1000, 64];
    let len = LENGTHS[(n as usize - 1) % LENGTHS.len()];
    let text = format!("{n}.");
    text.bytes().cycle().take(len).collect()
}

/// Have a peer ask for what it needs; `claimed` is what its header says its portid is.
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

/// A peer that hears of requests.
fn listener<M: Told>(scene: &mut Scene<'_>, name: &str, uid: u32) -> Outcome<Peer> {
    let listener = scene.peer(name, uid)?;
    M::listen(scene, &listener, PortId(0))?;
    Ok(listener)
}

/// A sender, and who hears of what it does.
fn pair<M: Told>(scene: &mut Scene<'_>, uid: u32) -> Outcome<(Peer, Peer)> {
    let sender = sender::<M>(scene, uid)?;
    if M::SENDER {
        return Ok((sender.clone(), sender));
    }
    let listener = listener::<M>(scene, "listener", uid)?;
    Ok((sender, listener))
}

/// Send request `n` and expect that it is carried out.
fn carry_out<M: Told>(scene: &mut Scene<'_>, sender: &Peer, listener: &Peer, n: u32) -> Outcome {
    let (kind, payload) = M::request(n);
    scene.send(sender, request(kind, &payload))?;
    M::expect_heard(scene, sender, listener, n)?;
    expect_eq("errno", scene.expect_ack(sender)?.errno, 0)
}

/// Send a datagram that is refused, and expect that nobody hears of it.
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

/// What the module has to refuse.
fn bad_payloads<M: Told>(scene: &Scene<'_>) -> Vec<BadPayload> {
    let mut bad = M::bad_payloads();
    if !scene.contract_only() {
        bad.extend(M::odd_payloads());
    }
    bad
}

/// Note that something is not looked at.
pub(super) fn pass_over(scene: &mut Scene<'_>) {
    let text = "passes over what the contract leaves open";
    scene.note("host", LineKind::Does, text);
}

/// Whether the contract has no errno where this checkout's modules have this one, and is all that
/// counts: `EMSGSIZE` is the only one that it names for requests that are malformed.
fn left_open(scene: &Scene<'_>, errno: Errno) -> bool {
    scene.contract_only() && errno != OK && errno != Errno::EMSGSIZE
}

/// The errno of a request of more than 1024 bytes. Without a body it is one that is malformed.
fn too_long<M: Told>(contract_only: bool) -> Errno {
    if M::BODIES || !contract_only {
        Errno::EMSGSIZE
    } else {
        Errno::EINVAL
    }
}

/// Expect this errno of a malformed request, or if the contract leaves it open, any.
fn expect_errno(scene: &Scene<'_>, what: &str, got: i32, errno: Errno) -> Outcome {
    if left_open(scene, errno) {
        return expect_eq(&format!("{what}: refused"), got != 0, true);
    }
    expect_eq(what, got, errno as i32)
}

/// Send a datagram and return the errno of its acknowledgement; what comes before that is dropped.
pub(super) fn errno_of(scene: &mut Scene<'_>, peer: &Peer, data: Vec<u8>) -> Outcome<i32> {
    Ok(ack_of(scene, peer, data)?.errno)
}

/// The same, with all that the acknowledgement says.
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

/// The next message of a peer, which must be of this type and come from the kernel: its sequence
/// number and its payload.
pub(super) fn hear(scene: &mut Scene<'_>, peer: &Peer, kind: u16) -> Outcome<(u32, Vec<u8>)> {
    let name = &peer.program.name;
    let Some(datagram) = scene.receive_answer(peer, PATIENCE)? else {
        return Err(fail(format!("{name} is told"), "nothing in time"));
    };
    let Datagram { from, .. } = datagram;
    let message = datagram.message()?;
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

/// More entries than any list of ours has.
const DUMP_MAX: usize = 2000;

/// Ask for a dump of this type and read it; `claimed` is what the header says the portid is.
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

/// Types and payloads of a dump that has been asked for, to its end. Each message must be the
/// kernel's and part of the dump.
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
        // A dump that begins again and again would not end by itself.
        if found.len() > DUMP_MAX {
            return Err(fail(
                "the list has an end",
                format!("{} parts", found.len()),
            ));
        }
    }
}

/// A datagram with another `nlmsg_len`.
fn with_length(mut data: Vec<u8>, len: usize) -> Vec<u8> {
    let len = u32::try_from(len).unwrap_or(u32::MAX);
    data[..4].copy_from_slice(&len.to_ne_bytes());
    data
}

/// Request `n` as a datagram of at least one byte more than a header: there is something to cut off.
fn datagram<M: Told>(n: u32) -> Vec<u8> {
    let (kind, payload) = M::request(n);
    let mut data = request(kind, &payload);
    data.resize(data.len().max(HEADER_LEN + 1), 0);
    data
}
