// SPDX-License-Identifier: MIT OR Apache-2.0
//! Headers, addresses and lengths that nobody has vouched for: clauses N1-N3.

use nix::errno::Errno;
use protocol::{
    netlink::{BODY_MAX, HEADER_LEN, Header, NLM_F_ACK, NLM_F_REQUEST, PortId},
    pubsub::{DATA, REQUEST, Request},
};

use super::{MODULE, OK};
use crate::{
    machine::PATIENCE,
    peer::{Peer, request, request_header},
    scene::{Outcome, Scenario, Scene, expect_eq, fail},
};

pub(super) const ACKNOWLEDGED: Scenario = Scenario {
    id: "part2/N1-acknowledged",
    title: "types, flags and acknowledgements",
    run: acknowledged,
};

fn acknowledged(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "")?;
    let peer = scene.peer("A", 0)?;
    let claim = Request::Claim.payload();
    scene.step(
        "a request with NLM_F_ACK",
        "error 0 and the request's sequence number",
        |scene| {
            let seq = scene.rng.u32(..);
            let header = Header {
                seq,
                ..request_header(REQUEST)
            };
            scene.send(&peer, header.encode(&claim))?;
            let datagram = scene.receive(&peer, PATIENCE)?;
            let datagram = datagram.ok_or_else(|| fail("an acknowledgement", "nothing in time"))?;
            let message = datagram.message()?;
            expect_eq("nlmsg_seq", message.header.seq, seq)?;
            let errno = message.ack().ok().flatten().map(|ack| ack.errno);
            expect_eq("the error in the acknowledgement", errno, Some(0))
        },
    )?;
    scene.step(
        "without NLM_F_ACK",
        "success is not answered, a refusal is, with its reason",
        |scene| {
            let header = Header {
                flags: NLM_F_REQUEST,
                ..request_header(REQUEST)
            };
            scene.send(&peer, header.encode(&claim))?;
            scene.expect_nothing(&peer)?;
            scene.expect_answer_to(&peer, header.encode(b"x"), "x", Errno::EINVAL)
        },
    )?;
    scene.step(
        "types that the module does not know",
        "EOPNOTSUPP",
        |scene| {
            for kind in [DATA, 0x12, 0xff, 0xffff] {
                let what = format!("type {kind:#x}");
                scene.expect_answer_to(&peer, request(kind, &claim), &what, Errno::EOPNOTSUPP)?;
            }
            Ok(())
        },
    )?;
    scene.step(
        "without NLM_F_REQUEST",
        "EINVAL, and nothing is published",
        |scene| {
            let listener = scene.peer("B", 0)?;
            scene.expect_answer(&listener, b"s", OK)?;
            let header = Header {
                flags: NLM_F_ACK,
                ..request_header(REQUEST)
            };
            let data = header.encode(&Request::Publish(b"hello").payload());
            scene.expect_answer_to(&peer, data, "no request", Errno::EINVAL)?;
            scene.expect_nothing(&listener)
        },
    )
}

pub(super) const REPLY_ADDRESS: Scenario = Scenario {
    id: "part2/N2-reply-address",
    title: "a reply goes to the sender, whatever nlmsg_pid says",
    run: |scene| {
        scene.insert(MODULE, "")?;
        let sender = scene.peer("sender", 0)?;
        let neighbour = scene.peer("neighbour", 0)?;
        let pids = [PortId(0), neighbour.portid, PortId(u32::MAX), PortId(1)];
        scene.step(
            "nlmsg_pid of the kernel, of a neighbour, of nobody",
            "the sender is answered, the neighbour hears nothing, the machine lives",
            |scene| {
                for portid in pids {
                    let header = Header {
                        portid,
                        ..request_header(REQUEST)
                    };
                    for (payload, errno) in [(&b"p"[..], OK), (b"x", Errno::EINVAL)] {
                        let what = format!("{} as portid {portid}", payload.escape_ascii());
                        scene.expect_answer_to(&sender, header.encode(payload), &what, errno)?;
                        scene.expect_nothing(&neighbour)?;
                    }
                }
                Ok(())
            },
        )?;
        scene.step(
            "subscribe in the name of a neighbour",
            "the sender has subscribed, the neighbour has not",
            |scene| {
                let liar = scene.peer("liar", 0)?;
                let header = Header {
                    portid: neighbour.portid,
                    ..request_header(REQUEST)
                };
                scene.expect_answer_to(&liar, header.encode(b"s"), "s", OK)?;
                scene.expect_answer(&sender, &Request::Publish(b"hello").payload(), OK)?;
                scene.expect_data(&liar, DATA, 1, b"hello")?;
                scene.expect_nothing(&neighbour)
            },
        )
    },
};

pub(super) const LENGTHS: Scenario = Scenario {
    id: "part2/N3-lengths",
    title: "headers whose lengths do not add up",
    run: lengths,
};

/// A publication with another `nlmsg_len`.
fn with_length(len: u32) -> Vec<u8> {
    let mut data = request(REQUEST, &Request::Publish(b"hello").payload());
    data[..4].copy_from_slice(&len.to_ne_bytes());
    data
}

fn lengths(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "")?;
    let sender = scene.peer("sender", 0)?;
    let listener = scene.peer("listener", 0)?;
    scene.expect_answer(&listener, &Request::Subscribe.payload(), OK)?;
    let refused = |scene: &mut Scene<'_>, data: Vec<u8>, what: &str, listener: &Peer| {
        scene.expect_answer_to(&sender, data, what, Errno::EINVAL)?;
        scene.expect_nothing(listener)
    };
    scene.step("a header cut short", "EINVAL", |scene| {
        for len in [1, 4, 8, HEADER_LEN - 1] {
            let data = with_length(22)[..len].to_vec();
            refused(scene, data, &format!("{len} bytes"), &listener)?;
        }
        Ok(())
    })?;
    scene.step(
        "nlmsg_len that is not true",
        "EINVAL, and nothing is published",
        |scene| {
            for len in [0, 1, 15, 23, 1024, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
                refused(
                    scene,
                    with_length(len),
                    &format!("nlmsg_len {len:#x}"),
                    &listener,
                )?;
            }
            Ok(())
        },
    )?;
    scene.step("a header alone", "EINVAL: there is no role", |scene| {
        refused(scene, request(REQUEST, b""), "a header alone", &listener)
    })?;
    scene.step(
        "two messages, the second cut short",
        "EINVAL, and none is carried out",
        |scene| {
            let mut data = request(REQUEST, &Request::Publish(b"abc").payload());
            data.extend(&with_length(22)[..20]);
            refused(scene, data, "one and a half messages", &listener)
        },
    )?;
    scene.step(
        "three messages in one datagram",
        "each is carried out and answered",
        |scene| {
            let mut data = Vec::new();
            for body in [&b"one"[..], b"two", b"three"] {
                data.resize(data.len().next_multiple_of(4), 0);
                data.extend(request(REQUEST, &Request::Publish(body).payload()));
            }
            scene.send(&sender, data)?;
            for (seq, body) in (1..).zip([&b"one"[..], b"two", b"three"]) {
                expect_eq("errno", scene.expect_ack(&sender)?.errno, 0)?;
                scene.expect_data(&listener, DATA, seq, body)?;
            }
            Ok(())
        },
    )
}

pub(super) const BODY_LENGTHS: Scenario = Scenario {
    id: "part2/N3-body-lengths",
    title: "a body has at most 1024 bytes",
    run: |scene| {
        scene.insert(MODULE, "")?;
        let sender = scene.peer("sender", 0)?;
        let listener = scene.peer("listener", 0)?;
        scene.expect_answer(&listener, &Request::Subscribe.payload(), OK)?;
        scene.step(
            "1025 bytes and more",
            "EMSGSIZE, and nothing arrives",
            |scene| {
                for len in [BODY_MAX + 1, BODY_MAX + 2, 4096, 100_000] {
                    let body = vec![b'x'; len];
                    let data = request(REQUEST, &Request::Publish(&body).payload());
                    let what = format!("{len} bytes");
                    scene.expect_answer_to(&sender, data, &what, Errno::EMSGSIZE)?;
                    scene.expect_nothing(&listener)?;
                }
                Ok(())
            },
        )?;
        scene.step(
            "1024 bytes without a NUL",
            "arrive whole, as message 1",
            |scene| {
                let body = vec![b'x'; BODY_MAX];
                scene.expect_answer(&sender, &Request::Publish(&body).payload(), OK)?;
                scene.expect_data(&listener, DATA, 1, &body)
            },
        )
    },
};
