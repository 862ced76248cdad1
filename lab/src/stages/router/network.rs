// SPDX-License-Identifier: MIT OR Apache-2.0
//! Users, namespaces, strangers and slow programs: clauses N8-N10.

use lab_agent::{Bytes, Call, Exit, Stream};
use nix::{errno::Errno, sys::signal::Signal};
use protocol::{
    attributes::put_u32,
    netlink::{BODY_MAX, Header, PROTO, PortId},
    router::{A_PORTID, DATA, Request, Roles},
};

use super::{
    MODULE, STUDENT, TALKATIVE, client, encode, expect_data, list, member, publish, register,
};
use crate::{
    machine::PATIENCE,
    peer::request,
    scene::{Scenario, expect_eq, fail},
    transcript::Kind,
};

pub(super) const ANY_USER: Scenario = Scenario {
    id: "part3/N8-any-user",
    title: "any user may use it, none may send to another's socket",
    run: |scene| {
        scene.insert(MODULE, "")?;
        let publisher = scene.peer("publisher", STUDENT)?;
        let subscriber = scene.peer("subscriber", STUDENT)?;
        scene.step(
            "publish, subscribe and list as an ordinary user",
            "works",
            |scene| {
                register(scene, &subscriber, Roles::SUBSCRIBER)?;
                register(scene, &publisher, Roles::PUBLISHER)?;
                publish(scene, &publisher, b"hello")?;
                expect_data(scene, &subscriber, 1, &publisher, b"hello")?;
                expect_eq("members", list(scene, &subscriber)?.len(), 2)
            },
        )?;
        scene.step(
            "join a multicast group as an ordinary user",
            "works",
            |scene| {
                let actor = scene.actor("member", STUDENT)?;
                let fd = scene.value(
                    &actor,
                    &Call::Socket {
                        protocol: PROTO as i32,
                    },
                )? as i32;
                scene
                    .value(
                        &actor,
                        &Call::Bind {
                            fd,
                            portid: 0,
                            groups: 1,
                        },
                    )
                    .map(drop)
            },
        )?;
        scene.step(
            "send to another user's socket",
            "EPERM, and nothing arrives",
            |scene| {
                let data = Bytes(request(DATA, b"forged"));
                let call = Call::Send {
                    fd: publisher.fd,
                    portid: subscriber.portid.0,
                    data,
                };
                let refused = scene.call(&publisher.program, &call)?;
                let errno = refused.err().map(|refusal| Errno::from_raw(refusal.errno));
                expect_eq("sendto", errno, Some(Errno::EPERM))?;
                scene.expect_nothing(&subscriber)
            },
        )
    },
};

pub(super) const OTHER_NAMESPACE: Scenario = Scenario {
    id: "part3/N9-other-namespace",
    title: "only the initial network namespace is served",
    run: |scene| {
        scene.insert(MODULE, "")?;
        scene.step(
            "send from another network namespace",
            "ECONNREFUSED",
            |scene| {
                let actor = scene.actor("outsider", 0)?;
                scene.value(&actor, &Call::LeaveNetwork)?;
                let outsider = scene.open_socket(&actor, PortId(0))?;
                let data = Bytes(encode(&Request::List));
                let refused = scene.call(
                    &actor,
                    &Call::Send {
                        fd: outsider.fd,
                        portid: 0,
                        data,
                    },
                )?;
                let errno = refused.err().map(|refusal| Errno::from_raw(refusal.errno));
                expect_eq("sendto", errno, Some(Errno::ECONNREFUSED))
            },
        )
    },
};

pub(super) const STRANGERS: Scenario = Scenario {
    id: "part3/N10-strangers",
    title: "the subscriber believes the kernel only",
    run: |scene| {
        scene.insert(MODULE, TALKATIVE)?;
        let (subscriber, portid) = client(scene, "subscriber", "subscriber", None)?;
        scene.step(
            "root sends the subscriber a forged message",
            "it prints nothing",
            |scene| {
                let stranger = scene.peer("stranger", 0)?;
                let forged = Header {
                    kind: DATA,
                    flags: 0,
                    seq: 1,
                    portid: PortId::KERNEL,
                };
                let mut payload = Vec::new();
                put_u32(&mut payload, A_PORTID, 1);
                payload.extend(Request::Publish(b"forged").payload());
                let data = Bytes(forged.encode(&payload));
                scene.note("stranger", Kind::Does, "sends: forged");
                scene
                    .value(
                        &stranger.program,
                        &Call::Send {
                            fd: stranger.fd,
                            portid: portid.0,
                            data,
                        },
                    )
                    .map(drop)
            },
        )?;
        scene.step(
            "a real message follows",
            "it is the first that is printed",
            |scene| {
                let publisher = member(scene, "publisher", Roles::PUBLISHER)?;
                publish(scene, &publisher, b"genuine")?;
                let line = format!("portid {}: genuine", publisher.portid);
                scene.expect_line(&subscriber, &line)?;
                scene.signal(&subscriber, Signal::SIGTERM)?;
                scene.expect_exit(&subscriber, Exit::Status(0))
            },
        )
    },
};

/// More messages than any socket's default receive buffer has room for.
const FLOOD: usize = 400;

pub(super) const OVERRUN: Scenario =
    Scenario {
        id: "part3/N10-overrun",
        title: "a subscriber that was too slow says so and goes on",
        run: |scene| {
            scene.insert(MODULE, TALKATIVE)?;
            let (subscriber, _) = client(scene, "subscriber", "subscriber", None)?;
            // It may have printed something before it stops; that counts too.
            scene.mute(&subscriber);
            scene.hush(MODULE)?;
            let publisher = member(scene, "publisher", Roles::PUBLISHER)?;
            let line =
                |body: &[u8]| [format!("portid {}: ", publisher.portid).as_bytes(), body].concat();
            let body = vec![b'x'; BODY_MAX];
            scene.step(
                "stop it and publish 400 messages",
                "the publisher is not held up",
                |scene| {
                    scene.signal(&subscriber, Signal::SIGSTOP)?;
                    for _ in 0..FLOOD {
                        let data = encode(&Request::Publish(&body));
                        expect_eq("errno", scene.ask(&publisher, data)?.errno, 0)?;
                    }
                    Ok(())
                },
            )?;
            scene.step(
            "let it go on, and publish one more",
            "it prints what its queue had room for, says how many were lost, and prints the last",
            |scene| {
                scene.signal(&subscriber, Signal::SIGCONT)?;
                // Not before the queue is empty: until then the kernel drops whatever comes.
                scene.expect_soon("the subscriber has read all there is", |scene| {
                    Ok(!scene.read("/proc/net/netlink")?.lines().any(has_backlog))
                })?;
                publish(scene, &publisher, b"the end")?;
                let mut printed = 0;
                while let Some(got) = scene.wait_line(&subscriber, Stream::Stdout, PATIENCE)? {
                    if got != line(b"the end") {
                        expect_eq("a line before the last", &got, &line(&body))?;
                        printed += 1;
                        continue;
                    }
                    let complaint = scene.wait_line(&subscriber, Stream::Stderr, PATIENCE)?;
                    let complaint = complaint.unwrap_or_default();
                    let lost = format!("router-client: {} messages were lost", FLOOD - printed);
                    return expect_eq("stderr", String::from_utf8_lossy(&complaint).as_ref(), &lost);
                }
                Err(fail("the last message is printed", "it is not"))
            },
        )?;
            scene.step("SIGTERM", "exit status 0", |scene| {
                scene.signal(&subscriber, Signal::SIGTERM)?;
                scene.expect_exit(&subscriber, Exit::Status(0))
            })
        },
    };

/// Whether a row of `/proc/net/netlink` is a socket on protocol 31 with unread messages (its
/// fifth column is the memory of its receive queue).
fn has_backlog(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    matches!(words[..], [_, protocol, _, _, memory, ..]
        if protocol == PROTO.to_string() && memory != "0")
}
