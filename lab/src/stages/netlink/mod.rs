// SPDX-License-Identifier: MIT OR Apache-2.0
//! What clauses N1-N11 ask of every netlink module, written once.
//!
//! A module says in [`Module`] what a request of it looks like, and in [`Told`] who hears of what
//! it does. [`netlink_scenarios!`] makes the scenarios of one module.

pub(super) mod frames;
pub(super) mod life;
pub(super) mod programs;
pub(super) mod users;

use nix::errno::Errno;
use protocol::netlink::{HEADER_LEN, PortId};

use crate::{
    machine::PATIENCE,
    peer::{Datagram, Peer, request},
    scene::{Outcome, Scene, expect_eq, fail, readable},
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

/// A module that tells somebody of each request that it carries out.
pub(super) trait Told: Module {
    /// Whether that is the sender itself; then it is told before the acknowledgement.
    const SENDER: bool = false;

    /// Type and payload of request `n`. Each is carried out if each `n`, from 1, is sent once.
    fn request(n: u32) -> (u16, Vec<u8>);

    /// Requests that can be sent again and again, in this order.
    fn round() -> Vec<(u16, Vec<u8>)> {
        vec![Self::request(1)]
    }

    /// Payloads that are refused, with their names, message types and errnos.
    fn bad_payloads() -> Vec<(&'static str, u16, Vec<u8>, Errno)>;

    /// From now on this peer is told.
    ///
    /// # Errors
    /// [`crate::scene::Halt`].
    fn listen(scene: &mut Scene<'_>, peer: &Peer) -> Outcome;

    /// Expect that a peer that has listened from the start hears of request `n`.
    ///
    /// # Errors
    /// [`crate::scene::Halt::Fail`] if it hears something else, or nothing.
    fn expect_heard(scene: &mut Scene<'_>, peer: &Peer, n: u32) -> Outcome;

    /// What no refused request may change; what it says is compared.
    ///
    /// # Errors
    /// [`crate::scene::Halt`].
    fn state(_: &mut Scene<'_>, _: &Peer) -> Outcome<Vec<String>> {
        Ok(Vec::new())
    }
}

/// A sender, and who hears of what it does.
fn pair<M: Told>(scene: &mut Scene<'_>, uid: u32) -> Outcome<(Peer, Peer)> {
    let sender = scene.peer("sender", uid)?;
    if M::SENDER {
        return Ok((sender.clone(), sender));
    }
    let listener = scene.peer("listener", uid)?;
    M::listen(scene, &listener)?;
    Ok((sender, listener))
}

/// Send request `n` and expect that it is carried out.
fn carry_out<M: Told>(scene: &mut Scene<'_>, sender: &Peer, listener: &Peer, n: u32) -> Outcome {
    let (kind, payload) = M::request(n);
    scene.send(sender, request(kind, &payload))?;
    M::expect_heard(scene, listener, n)?;
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
    scene.expect_answer_to(sender, data, what, errno)?;
    scene.expect_nothing(sender)?;
    scene.expect_nothing(listener)
}

/// Send a datagram and return the errno of its acknowledgement; what comes before that is dropped.
pub(super) fn errno_of(scene: &mut Scene<'_>, peer: &Peer, data: Vec<u8>) -> Outcome<i32> {
    scene.send(peer, data)?;
    loop {
        let Some(datagram) = scene.receive(peer, PATIENCE)? else {
            return Err(fail("an acknowledgement", "nothing in time"));
        };
        if let Ok(Some(ack)) = datagram.message()?.ack() {
            return Ok(ack.errno);
        }
    }
}

/// The next message of a peer, which must be of this type and come from the kernel: its sequence
/// number and its payload.
pub(super) fn hear(scene: &mut Scene<'_>, peer: &Peer, kind: u16) -> Outcome<(u32, Vec<u8>)> {
    let name = &peer.program.name;
    let Some(datagram) = scene.receive(peer, PATIENCE)? else {
        return Err(fail(format!("{name} is told"), "nothing in time"));
    };
    let Datagram { from, .. } = datagram;
    let message = datagram.message()?;
    expect_eq("sender's address", from, Some(PortId::KERNEL))?;
    expect_eq("nlmsg_pid", message.header.portid, PortId::KERNEL)?;
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

/// The scenarios of one module: those that every module has, and its own.
macro_rules! netlink_scenarios {
    ($module:ty, $name:literal; $($own:expr,)*) => {
        &[
            $($own,)*
            netlink_scenarios!(@ $module, $name, "part2/N1-", "-acknowledged",
                "types, flags and acknowledgements", frames::acknowledged),
            netlink_scenarios!(@ $module, $name, "part2/N2-", "-reply-address",
                "a reply goes to the sender, whatever nlmsg_pid says", frames::reply_address),
            netlink_scenarios!(@ $module, $name, "part2/N3-", "-lengths",
                "headers whose lengths do not add up", frames::lengths),
            netlink_scenarios!(@ $module, $name, "part2/N3-", "-payloads",
                "payloads that are not what they have to be", frames::payloads),
            netlink_scenarios!(@ $module, $name, "part2/N3-", "-fuzz",
                "300 datagrams that nobody would send", frames::fuzz),
            netlink_scenarios!(@ $module, $name, "part2/N5-", "-buffers",
                "the buffer of a request belongs to the send call", life::buffers_kept),
            netlink_scenarios!(@ $module, $name, "part2/N7-", "-in-and-out",
                "in and out any number of times, never while a socket is open", life::in_and_out),
            netlink_scenarios!(@ $module, $name, "part2/N7-", "-protocol-taken",
                "a protocol number can be had once", life::protocol_taken),
            netlink_scenarios!(@ $module, $name, "part2/N8-", "-any-user",
                "any user may use it, none may send to another's socket", users::any_user),
            netlink_scenarios!(@ $module, $name, "part2/N9-", "-other-namespace",
                "only the initial network namespace is served", users::other_namespace),
        ]
    };
    (@ $module:ty, $name:literal, $clause:literal, $what:literal, $title:literal,
     $file:ident :: $run:ident) => {
        $crate::scene::Scenario {
            id: concat!($clause, $name, $what),
            title: $title,
            run: $crate::stages::netlink::$file::$run::<$module>,
        }
    };
}
pub(super) use netlink_scenarios;
