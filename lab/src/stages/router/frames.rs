// SPDX-License-Identifier: MIT OR Apache-2.0
//! Headers, attributes, addresses and lengths that nobody has vouched for: clauses N1-N3.

use nix::errno::Errno;
use protocol::{
    attributes::{put_bytes, put_string, put_u32},
    netlink::{BODY_MAX, HEADER_LEN, Header, NLM_F_ACK, NLM_F_REQUEST, PortId},
    router::{
        A_BODY, A_FROM, A_MAX, A_ROLES, DATA, LIST, MEMBER, PUBLISH, REGISTER, Request, Roles,
        UNREGISTER,
    },
};

use super::{MODULE, OK, ask, encode, expect_data, list, member, publish};
use crate::{
    machine::PATIENCE,
    peer::{Peer, request, request_header},
    scene::{Outcome, Scenario, Scene, expect_eq, fail},
};

const HELLO: Request<'_> = Request::Publish(b"hello");

pub(super) const REQUESTS: Scenario = Scenario {
    id: "part3/N1-requests",
    title: "types, flags, attributes and acknowledgements",
    run: requests,
};

fn requests(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "")?;
    let peer = member(scene, "A", Roles::PUBLISHER)?;
    let listener = member(scene, "B", Roles::SUBSCRIBER)?;
    scene.step(
        "a request with NLM_F_ACK, one without",
        "error 0 and its sequence number; nothing, unless it is refused",
        |scene| {
            let seq = scene.rng.u32(..);
            let header = Header {
                seq,
                ..request_header(PUBLISH)
            };
            scene.send(&peer, header.encode(&HELLO.payload()))?;
            let datagram = scene.receive(&peer, PATIENCE)?;
            let datagram = datagram.ok_or_else(|| fail("an acknowledgement", "nothing in time"))?;
            let message = datagram.message()?;
            expect_eq("nlmsg_seq", message.header.seq, seq)?;
            let errno = message.ack().ok().flatten().map(|ack| ack.errno);
            expect_eq("the error in the acknowledgement", errno, Some(0))?;
            let silent = Header {
                flags: NLM_F_REQUEST,
                ..request_header(PUBLISH)
            };
            scene.send(&peer, silent.encode(&HELLO.payload()))?;
            scene.expect_nothing(&peer)?;
            for seq in 1..=2 {
                expect_data(scene, &listener, seq, &peer, b"hello")?;
            }
            scene.expect_answer_to(&peer, silent.encode(b""), "no body", Errno::EINVAL)
        },
    )?;
    scene.step(
        "types that the module does not know",
        "EOPNOTSUPP",
        |scene| {
            for kind in [DATA, MEMBER, 0x16, 0xff, 0xffff] {
                let what = format!("type {kind:#x}");
                let data = request(kind, &HELLO.payload());
                scene.expect_answer_to(&peer, data, &what, Errno::EOPNOTSUPP)?;
            }
            Ok(())
        },
    )?;
    scene.step(
        "without NLM_F_REQUEST, a list without NLM_F_DUMP",
        "EINVAL, and nothing is published",
        |scene| {
            let header = Header {
                flags: NLM_F_ACK,
                ..request_header(PUBLISH)
            };
            let data = header.encode(&HELLO.payload());
            scene.expect_answer_to(&peer, data, "no request", Errno::EINVAL)?;
            scene.expect_answer_to(&peer, request(LIST, b""), "no dump", Errno::EINVAL)?;
            scene.expect_nothing(&listener)
        },
    )?;
    scene.step(
        "attributes that are wrong",
        "EINVAL, nothing is published, the lists are as before",
        |scene| {
            let before = list(scene, &peer)?;
            for (what, kind, payload) in wrong_attributes() {
                scene.expect_answer_to(&peer, request(kind, &payload), what, Errno::EINVAL)?;
                scene.expect_nothing(&listener)?;
            }
            expect_eq("the list", list(scene, &peer)?, before)
        },
    )
}

/// What, in which request, and its payload.
fn wrong_attributes() -> Vec<(&'static str, u16, Vec<u8>)> {
    let roles = Roles::SUBSCRIBER.0;
    let made = |make: &dyn Fn(&mut Vec<u8>)| {
        let mut payload = Vec::new();
        make(&mut payload);
        payload
    };
    vec![
        ("register without attributes", REGISTER, Vec::new()),
        ("unregister without attributes", UNREGISTER, Vec::new()),
        ("publish without attributes", PUBLISH, Vec::new()),
        (
            "roles of 2 bytes",
            REGISTER,
            made(&|out| put_bytes(out, A_ROLES, &[2, 0])),
        ),
        (
            "roles as a string",
            REGISTER,
            made(&|out| put_string(out, A_ROLES, "subscriber")),
        ),
        (
            "from of 8 bytes",
            REGISTER,
            made(&|out| {
                put_u32(out, A_ROLES, roles);
                put_bytes(out, A_FROM, &[1; 8]);
            }),
        ),
        (
            "register with a body",
            REGISTER,
            made(&|out| {
                put_u32(out, A_ROLES, roles);
                put_bytes(out, A_BODY, b"hello");
            }),
        ),
        (
            "publish with roles",
            PUBLISH,
            made(&|out| {
                put_bytes(out, A_BODY, b"hello");
                put_u32(out, A_ROLES, roles);
            }),
        ),
        (
            "an attribute that there is not",
            PUBLISH,
            made(&|out| {
                put_bytes(out, A_BODY, b"hello");
                put_u32(out, A_MAX + 1, 1);
            }),
        ),
        (
            "an attribute that is cut short",
            PUBLISH,
            made(&|out| {
                put_bytes(out, A_BODY, b"hello");
                out.truncate(8);
            }),
        ),
        (
            "nla_len 3",
            PUBLISH,
            made(&|out| {
                put_bytes(out, A_BODY, b"hello");
                out[..2].copy_from_slice(&3_u16.to_ne_bytes());
            }),
        ),
        ("bytes that are no attribute", PUBLISH, b"abc".to_vec()),
    ]
}

pub(super) const REPLY_ADDRESS: Scenario = Scenario {
    id: "part3/N2-reply-address",
    title: "a reply goes to the sender, whatever nlmsg_pid says",
    run: |scene| {
        scene.insert(MODULE, "")?;
        let sender = member(scene, "sender", Roles::BOTH)?;
        let neighbour = scene.peer("neighbour", 0)?;
        let pids = [PortId(0), neighbour.portid, PortId(u32::MAX), PortId(1)];
        scene.step(
            "nlmsg_pid of the kernel, of a neighbour, of nobody",
            "the sender is answered, the neighbour hears nothing, the machine lives",
            |scene| {
                for portid in pids {
                    let header = Header {
                        portid,
                        ..request_header(PUBLISH)
                    };
                    for (payload, errno) in [(HELLO.payload(), OK), (Vec::new(), Errno::EINVAL)] {
                        let what = format!("{} bytes as portid {portid}", payload.len());
                        scene.expect_answer_to(&sender, header.encode(&payload), &what, errno)?;
                        scene.expect_nothing(&neighbour)?;
                    }
                }
                Ok(())
            },
        )?;
        scene.step(
            "register and ask for the list in the name of a neighbour",
            "the sender has registered and gets the list, the neighbour has and gets nothing",
            |scene| {
                let liar = scene.peer("liar", 0)?;
                let lie = |what: &Request<'_>| {
                    let mut data = encode(what);
                    data[12..16].copy_from_slice(&neighbour.portid.0.to_ne_bytes());
                    data
                };
                let register = Request::Register {
                    roles: Roles::SUBSCRIBER,
                    from: None,
                };
                scene.expect_answer_to(&liar, lie(&register), "register", OK)?;
                publish(scene, &sender, b"hello")?;
                expect_data(scene, &liar, 1, &sender, b"hello")?;
                scene.send(&liar, lie(&Request::List))?;
                let members = super::read_list(scene, &liar)?;
                let last = members.last().map(|member| member.portid);
                expect_eq("the last member", last, Some(liar.portid))?;
                scene.expect_nothing(&neighbour)
            },
        )
    },
};

pub(super) const LENGTHS: Scenario = Scenario {
    id: "part3/N3-lengths",
    title: "headers whose lengths do not add up",
    run: lengths,
};

/// A publication with another `nlmsg_len`.
fn with_length(len: u32) -> Vec<u8> {
    let mut data = encode(&HELLO);
    data[..4].copy_from_slice(&len.to_ne_bytes());
    data
}

fn lengths(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "")?;
    let sender = member(scene, "sender", Roles::PUBLISHER)?;
    let listener = member(scene, "listener", Roles::SUBSCRIBER)?;
    let whole = encode(&HELLO).len();
    let refused = |scene: &mut Scene<'_>, data: Vec<u8>, what: &str, listener: &Peer| {
        scene.expect_answer_to(&sender, data, what, Errno::EINVAL)?;
        scene.expect_nothing(listener)
    };
    scene.step("a header cut short", "EINVAL", |scene| {
        for len in [1, 4, 8, HEADER_LEN - 1] {
            let data = with_length(whole as u32)[..len].to_vec();
            refused(scene, data, &format!("{len} bytes"), &listener)?;
        }
        Ok(())
    })?;
    scene.step(
        "nlmsg_len that is not true",
        "EINVAL, and nothing is published",
        |scene| {
            let more = whole as u32 + 1;
            for len in [0, 1, 15, more, 1024, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
                let what = format!("nlmsg_len {len:#x}");
                refused(scene, with_length(len), &what, &listener)?;
            }
            Ok(())
        },
    )?;
    scene.step(
        "two messages, the second cut short",
        "EINVAL, and none is carried out",
        |scene| {
            let mut data = encode(&HELLO);
            data.extend(&with_length(whole as u32)[..20]);
            refused(scene, data, "one and a half messages", &listener)
        },
    )?;
    scene.step(
        "three messages in one datagram",
        "each is carried out and answered",
        |scene| {
            let bodies = [&b"one"[..], b"two", b"three"];
            let data: Vec<u8> = bodies
                .iter()
                .flat_map(|body| encode(&Request::Publish(body)))
                .collect();
            scene.send(&sender, data)?;
            for (seq, body) in (1..).zip(bodies) {
                expect_eq("errno", scene.expect_ack(&sender)?.errno, 0)?;
                expect_data(scene, &listener, seq, &sender, body)?;
            }
            Ok(())
        },
    )
}

pub(super) const BODY_LENGTHS: Scenario = Scenario {
    id: "part3/N3-body-lengths",
    title: "a body has at most 1024 bytes",
    run: |scene| {
        scene.insert(MODULE, "")?;
        let sender = member(scene, "sender", Roles::PUBLISHER)?;
        let listener = member(scene, "listener", Roles::SUBSCRIBER)?;
        scene.step(
            "1025 bytes and more",
            "EMSGSIZE, and nothing arrives",
            |scene| {
                for len in [BODY_MAX + 1, BODY_MAX + 2, 4096, 60_000] {
                    let body = vec![b'x'; len];
                    ask(scene, &sender, &Request::Publish(&body), Errno::EMSGSIZE)?;
                    scene.expect_nothing(&listener)?;
                }
                Ok(())
            },
        )?;
        scene.step(
            "0 bytes, 1024 bytes without a NUL",
            "arrive whole, as messages 1 and 2",
            |scene| {
                for (seq, len) in [(1, 0), (2, BODY_MAX)] {
                    let body = vec![b'x'; len];
                    publish(scene, &sender, &body)?;
                    expect_data(scene, &listener, seq, &sender, &body)?;
                }
                Ok(())
            },
        )
    },
};
