// SPDX-License-Identifier: MIT OR Apache-2.0
//! Headers, addresses and lengths from untrusted senders: clauses N1-N3.

use std::time::Duration;

use lab_scene::{
    Outcome, Scene, expect_eq, expect_success, fail,
    peer::{ANSWERED, request, request_header},
    transcript::LineKind,
};
use nix::errno::Errno;
use protocol::netlink::{BODY_MAX, HEADER_LEN, Header, NLM_F_ACK, NLM_F_REQUEST, PortId};

use super::{
    Told, ack_of, bad_payloads, carry_out, datagram, errno_of, expect_errno, introduce, pair,
    pass_over, refuse, too_long, with_length,
};

/// A type that no module has.
pub(super) const UNKNOWN: u16 = 0xff;

pub(crate) fn acknowledged<M: Told>(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(M::NAME, M::PARAMS)?;
    let peers = pair::<M>(scene, 0)?;
    let (sender, listener) = &peers;
    scene.step(
        "a request with NLM_F_ACK",
        "it is carried out; error 0",
        |scene| carry_out::<M>(scene, sender, listener, 1),
    )?;
    scene.step(
        "the sequence number of a refusal",
        "it equals the request's",
        |scene| {
            let seq = scene.rng.u32(..);
            let header = Header {
                seq,
                ..request_header(UNKNOWN)
            };
            scene.send(sender, header.encode(b""))?;
            let datagram = scene.receive(sender, ANSWERED)?;
            let datagram = datagram.ok_or_else(|| fail("an acknowledgement", "nothing in time"))?;
            let message = datagram.message()?;
            expect_eq("nlmsg_seq", message.header.seq, seq)?;
            let ack = message.ack().ok().flatten();
            let errno = ack.map_or(0, |ack| ack.errno);
            expect_errno(scene, "errno", errno, Errno::EOPNOTSUPP)
        },
    )?;
    scene.step(
        "without NLM_F_ACK",
        "success is not acknowledged; a refusal is, with its reason",
        |scene| {
            let (kind, payload) = M::request(2);
            let quiet = |kind| Header {
                flags: NLM_F_REQUEST,
                ..request_header(kind)
            };
            scene.send(sender, quiet(kind).encode(&payload))?;
            M::expect_heard(scene, sender, listener, 2)?;
            scene.expect_nothing(sender)?;
            let data = quiet(UNKNOWN).encode(&payload);
            refuse(scene, &peers, data, "an unknown type", Errno::EOPNOTSUPP)
        },
    )?;
    scene.step("types that are not requests", "EOPNOTSUPP", |scene| {
        let (_, payload) = M::request(3);
        let unknown = [0x2f, UNKNOWN, 0x7fff, 0xffff];
        for kind in M::REPLIES.iter().copied().chain(unknown) {
            let what = format!("type {kind:#x}");
            let data = request(kind, &payload);
            refuse(scene, &peers, data, &what, Errno::EOPNOTSUPP)?;
        }
        Ok(())
    })?;
    scene.step(
        "without NLM_F_REQUEST",
        "EINVAL, and nothing is carried out",
        |scene| {
            if scene.contract_only() {
                pass_over(scene);
                return Ok(());
            }
            let (kind, payload) = M::request(3);
            let header = Header {
                flags: NLM_F_ACK,
                ..request_header(kind)
            };
            let data = header.encode(&payload);
            refuse(scene, &peers, data, "no request", Errno::EINVAL)
        },
    )?;
    scene.step(
        "refusals for a payload, and for the present state",
        "each with its reason",
        |scene| {
            let bad = M::bad_payloads().into_iter();
            let bad = bad.map(|(_, kind, payload, _)| (kind, payload));
            for (kind, payload) in bad.chain(M::refused()) {
                let ack = ack_of(scene, sender, request(kind, &payload))?;
                // Another clause checks that it is refused.
                scene.expect_reason(&ack)?;
            }
            Ok(())
        },
    )
}

pub(crate) fn reply_address<M: Told>(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(M::NAME, M::PARAMS)?;
    let neighbour = scene.peer("neighbour", 0)?;
    let sender = &scene.peer("sender", 0)?;
    let listener = if M::SENDER {
        sender.clone()
    } else {
        scene.peer("listener", 0)?
    };
    let peers = (sender.clone(), listener);
    let listener = &peers.1;
    // The receivers of later messages show which portid counted.
    introduce(scene, sender, M::sender_asks(), neighbour.portid)?;
    M::listen(scene, listener, neighbour.portid)?;
    scene.step(
        "nlmsg_pid of the kernel, of a neighbour, of no socket",
        "the sender is answered, the neighbour gets nothing, the machine lives",
        |scene| {
            let lie = |portid, kind| Header {
                portid,
                ..request_header(kind)
            };
            let before = M::state(scene, sender, PortId(0))?;
            let pids = [PortId(0), neighbour.portid, PortId(u32::MAX), PortId(1)];
            for portid in pids {
                let what = format!("an unknown type as portid {portid}");
                let data = lie(portid, UNKNOWN).encode(b"");
                refuse(scene, &peers, data, &what, Errno::EOPNOTSUPP)?;
                let state = M::state(scene, sender, portid)?;
                expect_eq("the state before", &state, &before)?;
                scene.expect_nothing(&neighbour)?;
            }
            for (n, portid) in (1..).zip(pids) {
                let (kind, payload) = M::request(n);
                scene.note(
                    "sender",
                    LineKind::Does,
                    format!("sends request {n} as portid {portid}"),
                );
                scene.send(sender, lie(portid, kind).encode(&payload))?;
                M::expect_heard(scene, sender, listener, n)?;
                expect_success(scene.expect_ack(sender)?.errno)?;
                scene.expect_nothing(&neighbour)?;
            }
            Ok(())
        },
    )
}

pub(crate) fn lengths<M: Told>(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(M::NAME, M::PARAMS)?;
    let peers = pair::<M>(scene, 0)?;
    let (sender, listener) = &peers;
    let whole = datagram::<M>(1);
    let before = M::state(scene, sender, PortId(0))?;
    scene.step(
        "a truncated header",
        "EINVAL, and nothing is carried out",
        |scene| {
            for len in [1, 4, 8, HEADER_LEN - 1] {
                let data = whole[..len].to_vec();
                refuse(scene, &peers, data, &format!("{len} bytes"), Errno::EINVAL)?;
            }
            Ok(())
        },
    )?;
    scene.step(
        "a wrong nlmsg_len",
        "EINVAL, and nothing is carried out",
        |scene| {
            for (what, len) in [
                ("0", 0),
                ("1", 1),
                ("15", HEADER_LEN - 1),
                ("one more than there is", whole.len() + 1),
                ("1040", HEADER_LEN + BODY_MAX),
                ("0x7fffffff", 0x7fff_ffff),
                ("0x80000000", 0x8000_0000),
                ("0xffffffff", 0xffff_ffff),
            ] {
                let data = with_length(whole.clone(), len);
                refuse(
                    scene,
                    &peers,
                    data,
                    &format!("nlmsg_len {what}"),
                    Errno::EINVAL,
                )?;
            }
            Ok(())
        },
    )?;
    let contract_only = scene.contract_only();
    if !contract_only {
        scene.step(
            "two messages, the second truncated",
            "EINVAL, and neither is carried out",
            |scene| {
                let what = "one and a half messages";
                refuse(scene, &peers, one_and_a_half::<M>(1), what, Errno::EINVAL)
            },
        )?;
    }
    let after = M::state(scene, sender, PortId(0))?;
    expect_eq("the state before", after, before)?;
    scene.step(
        "three messages in one datagram",
        "each is carried out and acknowledged",
        |scene| {
            let mut data = Vec::new();
            for n in 1..=3 {
                let (kind, payload) = M::request(n);
                data.resize(data.len().next_multiple_of(4), 0);
                data.extend(request(kind, &payload));
            }
            scene.send(sender, data)?;
            for n in 1..=3 {
                M::expect_heard(scene, sender, listener, n)?;
                expect_success(scene.expect_ack(sender)?.errno)?;
            }
            Ok(())
        },
    )?;
    if contract_only {
        // A module that handles one message after the other has carried out the first by then.
        scene.step(
            "two messages, the second truncated",
            "at least the second is refused",
            |scene| {
                scene.send(sender, one_and_a_half::<M>(4))?;
                let mut refused = false;
                while let Some(datagram) = scene.receive(sender, Duration::ZERO)? {
                    let ack = datagram.message()?.ack();
                    refused |= matches!(ack, Ok(Some(ack)) if ack.errno != 0);
                }
                expect_eq("one and a half messages: refused", refused, true)
            },
        )?;
    }
    Ok(())
}

/// Request `n`, followed by a header that claims a second request.
fn one_and_a_half<M: Told>(n: u32) -> Vec<u8> {
    let (kind, payload) = M::request(n);
    let mut data = request(kind, &payload);
    data.resize(data.len().next_multiple_of(4), 0);
    let second = datagram::<M>(1)[..HEADER_LEN].to_vec();
    data.extend(with_length(second, 100));
    data
}

pub(crate) fn payloads<M: Told>(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(M::NAME, M::PARAMS)?;
    let (sender, listener) = &pair::<M>(scene, 0)?;
    // If any socket may send, a socket of its own sends the wrong requests. The sender then sees
    // state that they have changed.
    let anybody = !M::SENDER && M::sender_asks().is_none();
    let odd = if anybody {
        scene.peer("odd", 0)?
    } else {
        sender.clone()
    };
    let peers = (odd, listener.clone());
    let before = M::state(scene, sender, PortId(0))?;
    scene.step(
        "wrong payloads",
        "an errno with its reason, and nothing is carried out",
        |scene| {
            for (what, kind, payload, errno) in bad_payloads::<M>(scene) {
                refuse(scene, &peers, request(kind, &payload), what, errno)?;
            }
            Ok(())
        },
    )?;
    scene.step(
        "1025 bytes and more",
        "EMSGSIZE, and nothing is carried out",
        |scene| {
            for len in [BODY_MAX + 1, BODY_MAX + 2, 4096, 60_000] {
                let (kind, payload) = M::long(len);
                let data = request(kind, &payload);
                let errno = too_long::<M>(scene.contract_only());
                refuse(scene, &peers, data, &format!("{len} bytes"), errno)?;
            }
            Ok(())
        },
    )?;
    scene.step(
        "correct requests",
        "they are carried out as before",
        |scene| {
            let after = M::state(scene, sender, PortId(0))?;
            expect_eq("the state before", after, before)?;
            (1..=3).try_for_each(|n| carry_out::<M>(scene, sender, listener, n))?;
            scene.expect_nothing(&peers.0)
        },
    )?;
    scene.step("1024 bytes", "are not too many", |scene| {
        let (kind, payload) = M::long(BODY_MAX);
        let errno = Errno::from_raw(errno_of(scene, sender, request(kind, &payload))?);
        expect_eq("EMSGSIZE", errno == Errno::EMSGSIZE, false)
    })
}
