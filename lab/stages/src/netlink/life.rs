// SPDX-License-Identifier: MIT OR Apache-2.0
//! Start and end of sockets and modules: clauses N4, N5 and N7.

use lab_agent::{Answer, Call, CallResult, Exit, Kin};
use lab_scene::{
    InWords, Outcome, Program, Scene, expect_eq, expect_success, fail,
    peer::{Peer, request},
    transcript::LineKind,
};
use nix::{errno::Errno, libc, sys::signal::Signal};
use protocol::netlink::{BODY_MAX, PROTO, PortId};

use super::{
    Module, OK, Told, bad_payloads, carry_out, errno_of, expect_errno, frames::UNKNOWN, listener,
    pair, pass_over, sender,
};
use crate::allocations::{Count, held};

/// N4, for modules that tell other sockets than the sender. Returns the sender, and a new socket
/// with the portid of a killed one.
pub(crate) fn killed<M: Told>(scene: &mut Scene<'_>) -> Outcome<(Peer, Peer)> {
    scene.insert(M::NAME, M::PARAMS)?;
    let sender = sender::<M>(scene, 0)?;
    let other = listener::<M>(scene, "other", 0)?;
    let without = held(scene, M::NAME)?;
    let victim = listener::<M>(scene, "victim", 0)?;
    let kept = held(scene, M::NAME)?.saturating_sub(without);
    let heir = scene.actor("heir", 0)?;
    scene.step("two listeners", "both get the message", |scene| {
        carry_out::<M>(scene, &sender, &victim, 1)?;
        M::expect_heard(scene, &sender, &other, 1)
    })?;
    scene.step(
        "kill -9 one of them",
        "the module holds no memory for it, even before the next request",
        |scene| {
            if M::KEEPS && kept == 0 {
                return Err(fail("memory that is held for a listener", "none"));
            }
            let before = held(scene, M::NAME)?;
            scene.signal(&victim.program, Signal::SIGKILL)?;
            scene.expect_exit(&victim.program, Exit::Signal(9))?;
            scene.note("host", LineKind::Does, "counts the module's memory");
            // The module may have to wait for readers of a list (RCU).
            scene.expect_soon("its memory is freed", |scene| {
                Ok(held(scene, M::NAME)? + kept <= before)
            })
        },
    )?;
    let heir = scene.step(
        "a new socket takes its portid",
        "it gets nothing that was meant for the victim",
        |scene| {
            let heir = scene.open_socket(&heir, victim.portid)?;
            expect_eq("the new socket's portid", heir.portid, victim.portid)?;
            carry_out::<M>(scene, &sender, &other, 2)?;
            scene.expect_nothing(&heir)?;
            Ok(heir)
        },
    )?;
    scene.step(
        "close the other; its process opens another socket with its portid",
        "this one gets nothing either",
        |scene| {
            scene.close(&other)?;
            let again = scene.open_socket(&other.program, other.portid)?;
            let (kind, payload) = M::request(3);
            nobody_there(scene, &sender, request(kind, &payload))?;
            scene.expect_nothing(&again)
        },
    )?;
    Ok((sender, heir))
}

/// Send a request that perhaps no socket is told of. For a submission, another clause checks that
/// this is no error.
fn nobody_there(scene: &mut Scene<'_>, peer: &Peer, data: Vec<u8>) -> Outcome {
    let errno = errno_of(scene, peer, data)?;
    if scene.contract_only() {
        return Ok(());
    }
    expect_success(errno)
}

/// N4, for a socket that two processes share: it exists until both have closed it.
pub(crate) fn inherited<M: Told>(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(M::NAME, M::PARAMS)?;
    let sender = sender::<M>(scene, 0)?;
    if scene.contract_only() {
        // Memory that a module keeps for all listeners is allocated with the first one, and stays.
        listener::<M>(scene, "other", 0)?;
    }
    let without = held(scene, M::NAME)?;
    let listener = listener::<M>(scene, "listener", 0)?;
    let kept = held(scene, M::NAME)?.saturating_sub(without);
    for (n, stays, goes) in [(1, Kin::Parent, "child"), (2, Kin::Child, "parent")] {
        scene.step(
            &format!("a listener forks, and the {goes} ends"),
            "the other process still has the socket, which gets messages as before",
            |scene| {
                scene.value(&listener.program, &Call::Fork { stays })?;
                let text = format!("forks, and the {goes} ends");
                scene.note(&listener.program.name, LineKind::Does, text);
                carry_out::<M>(scene, &sender, &listener, n)
            },
        )?;
    }
    scene.step(
        "the remaining child closes it, too",
        "the module holds no memory for it, and its portid is free",
        |scene| {
            let before = held(scene, M::NAME)?;
            scene.close(&listener)?;
            scene.expect_soon("its memory is freed", |scene| {
                Ok(held(scene, M::NAME)? + kept <= before)
            })?;
            let heir = scene.actor("heir", 0)?;
            let heir = scene.open_socket(&heir, listener.portid)?;
            let (kind, payload) = M::request(3);
            nobody_there(scene, &sender, request(kind, &payload))?;
            scene.expect_nothing(&heir)
        },
    )
}

/// N4: a socket is closed that is not the member, though its address or its process is the same.
pub(crate) fn bystanders<M: Told>(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(M::NAME, M::PARAMS)?;
    let sender = sender::<M>(scene, 0)?;
    let listener = listener::<M>(scene, "listener", 0)?;
    let close_at_its_address = |scene: &mut Scene<'_>, actor: &Program, protocol: i32| {
        let fd = scene.value(actor, &Call::Socket { protocol })? as i32;
        let portid = listener.portid.0;
        let groups = 0;
        scene.value(actor, &Call::Bind { fd, portid, groups })?;
        let text = format!("closes a socket of protocol {protocol} with the listener's portid");
        scene.note(&actor.name, LineKind::Does, text);
        scene.value(actor, &Call::Close { fd }).map(drop)
    };
    scene.step(
        "close a socket of another protocol that has the listener's portid",
        "the listener hears as before",
        |scene| {
            let actor = scene.actor("other protocol", 0)?;
            close_at_its_address(scene, &actor, libc::NETLINK_USERSOCK)?;
            carry_out::<M>(scene, &sender, &listener, 1)
        },
    )?;
    scene.step(
        "close a socket of another network namespace that has the listener's portid",
        "the listener hears as before",
        |scene| {
            let actor = scene.actor("other namespace", 0)?;
            scene.value(&actor, &Call::LeaveNetwork)?;
            close_at_its_address(scene, &actor, PROTO as i32)?;
            carry_out::<M>(scene, &sender, &listener, 2)
        },
    )?;
    scene.step(
        "the listener's process closes another socket that it has",
        "the listener hears as before",
        |scene| {
            let other = scene.open_socket(&listener.program, PortId(0))?;
            scene.close(&other)?;
            carry_out::<M>(scene, &sender, &listener, 3)
        },
    )
}

/// Number of repetitions. Up to half as many objects count as no leak.
const MANY: usize = 1000;

pub(crate) fn buffers_kept<M: Told>(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(M::NAME, M::PARAMS)?;
    // The number of log lines depends on the time.
    scene.mute_log();
    let (sender, listener) = pair::<M>(scene, 0)?;
    scene.step(
        "1000 refused requests, 1000 accepted requests",
        "no buffer is leaked or freed twice",
        |scene| {
            let before = Count::Buffers.now(scene)?;
            let unknown = [(UNKNOWN, Vec::new())];
            for (round, errno) in [(&unknown[..], Errno::EOPNOTSUPP), (&M::round(), OK)] {
                for (kind, payload) in round {
                    let got = errno_of(scene, &sender, request(*kind, payload))?;
                    expect_errno(scene, "errno", got, errno)?;
                }
                many(scene, &sender, round)?;
                drain(scene, &listener)?;
            }
            Count::Buffers.expect_back(scene, &before, MANY / 2)
        },
    )?;
    scene.step(
        "every request that is refused, 1000 times each",
        "nothing is left over of any",
        |scene| {
            let refused = M::refused().into_iter();
            let mut all: Vec<_> = refused
                .map(|(kind, payload)| ("a request that cannot be carried out", kind, payload))
                .collect();
            for (what, kind, payload, _) in bad_payloads::<M>(scene) {
                all.push((what, kind, payload));
            }
            let (kind, payload) = M::long(BODY_MAX + 1);
            all.push(("1025 bytes", kind, payload));
            for (what, kind, payload) in all {
                let before = [Count::Buffers, Count::Objects].map(|count| count.now(scene));
                scene.note(
                    &sender.program.name,
                    LineKind::Does,
                    format!("sends 1000 times: {what}"),
                );
                many(scene, &sender, &[(kind, payload)])?;
                drain(scene, &listener)?;
                for (count, before) in [Count::Buffers, Count::Objects].into_iter().zip(before) {
                    count.expect_back(scene, &before?, MANY / 2)?;
                }
            }
            Ok(())
        },
    )?;
    scene.step(
        "1000 sockets that send a request and are closed",
        "no socket and no memory for it is left",
        |scene| {
            let (_, data) = M::touch();
            let visitor = scene.peer("visitor", 0)?;
            scene.close(&visitor)?;
            visits(scene, &visitor, data, MANY)
        },
    )?;
    let Some((_, kind, payload)) = M::listener_asks() else {
        return Ok(());
    };
    scene.step(
        "a listener asks 1000 times for its own state again",
        "refused, and no memory is left",
        |scene| {
            let data = request(kind, &payload);
            let errno = scene.ask(&listener, data.clone())?.errno;
            if errno == 0 && scene.contract_only() {
                // Another clause checks that it is refused.
                pass_over(scene);
                return Ok(());
            }
            if errno == 0 {
                return Err(fail("an errno", "ok"));
            }
            let calls = vec![listener.sends(data), listener.receives(0)];
            let before = Count::Objects.now(scene)?;
            scene.batch(&listener.program, MANY as u64, calls)?;
            Count::Objects.expect_back(scene, &before, MANY / 2)
        },
    )
}

/// A process opens a socket, sends this, reads one message and closes the socket, many times. Up to
/// half as many objects count as no leak.
pub(crate) fn visits(
    scene: &mut Scene<'_>,
    visitor: &Peer,
    data: Vec<u8>,
    times: usize,
) -> Outcome {
    // The lowest free descriptor is the same each time.
    let calls = vec![
        Call::Socket {
            protocol: PROTO as i32,
        },
        visitor.sends(data),
        visitor.receives(0),
        Call::Close { fd: visitor.fd },
    ];
    // Sockets of any size come from a general cache (sk_prot_alloc()).
    let before = Count::Objects.now(scene)?;
    scene.batch(&visitor.program, times as u64, calls)?;
    Count::Objects.expect_back(scene, &before, times / 2)
}

/// Send these requests repeatedly, about [`MANY`] in total, and receive the answers: an
/// acknowledgement and at most one more message.
fn many(scene: &mut Scene<'_>, sender: &Peer, round: &[(u16, Vec<u8>)]) -> Outcome {
    let calls = round.iter().flat_map(|(kind, payload)| {
        let send = sender.sends(request(*kind, payload));
        // The module's answers are queued when the send returns.
        [send, sender.receives(0), sender.receives(0)]
    });
    let call = Call::Batch {
        rounds: (MANY / round.len()) as u64,
        persist: true,
        calls: calls.collect(),
    };
    scene.call(&sender.program, &call).map(drop)
}

/// Receive all messages that have arrived.
pub(crate) fn drain(scene: &mut Scene<'_>, listener: &Peer) -> Outcome {
    let call = Call::Batch {
        rounds: MANY as u64 + 1,
        persist: false,
        calls: vec![listener.receives(0)],
    };
    loop {
        match scene.call(&listener.program, &call)? {
            Ok(Answer::Batch {
                rounds: 0,
                outcomes,
            }) if timed_out(&outcomes) => return Ok(()),
            // A receive also ends at lost messages (ENOBUFS), and more may follow.
            Ok(Answer::Batch { .. }) => {}
            _ => return Err(fail("messages that have arrived", "another result")),
        }
    }
}

fn timed_out(outcomes: &[CallResult]) -> bool {
    let refusal = outcomes.last().and_then(|last| last.as_ref().err());
    refusal.is_some_and(|refusal| refusal.errno == Errno::ETIMEDOUT as i32)
}

pub(crate) fn in_and_out<M: Module>(scene: &mut Scene<'_>) -> Outcome {
    scene.watch_leaks()?;
    for round in ["first", "second"] {
        scene.step(
            &format!("insert and remove, {round} time"),
            "works",
            |scene| {
                scene.insert(M::NAME, M::PARAMS)?;
                let peer = scene.peer(&format!("{round} peer"), 0)?;
                let (what, data) = M::touch();
                nobody_there(scene, &peer, data)?;
                scene.note(&peer.program.name, LineKind::Does, format!("sends {what}"));
                let refused = scene.try_remove(M::NAME)?;
                let errno = refused.err().map(|refusal| Errno::from_raw(refusal.errno));
                if !matches!(errno, Some(Errno::EAGAIN | Errno::EBUSY)) {
                    return Err(fail("rmmod is refused: in use", errno.in_words()));
                }
                scene.close(&peer)?;
                scene.remove(M::NAME)
            },
        )?;
    }
    scene.step("remove right after the insertion", "works", |scene| {
        scene.insert(M::NAME, M::PARAMS)?;
        scene.remove(M::NAME)
    })?;
    scene.step(
        "memory that it has allocated",
        "is freed",
        Scene::expect_no_leaks,
    )?;
    scene.step(
        "the protocol afterwards",
        "no module serves it: EPROTONOSUPPORT",
        |scene| {
            let actor = scene.actor("late", 0)?;
            let protocol = PROTO as i32;
            let refused = scene.call(&actor, &Call::Socket { protocol })?;
            let errno = refused.err().map(|refusal| Errno::from_raw(refusal.errno));
            expect_eq("socket", errno, Some(Errno::EPROTONOSUPPORT))
        },
    )
}

pub(crate) fn protocol_taken<M: Module>(scene: &mut Scene<'_>) -> Outcome {
    scene.step(
        "a number of another module",
        "EADDRINUSE or EBUSY",
        |scene| {
            scene.insert_fixture("nl_squatter", "")?;
            let refused = scene.try_insert(M::NAME, M::PARAMS)?;
            let errno = refused.err().map(|refusal| Errno::from_raw(refusal.errno));
            if matches!(errno, Some(Errno::EADDRINUSE | Errno::EBUSY)) {
                return Ok(());
            }
            Err(fail("EADDRINUSE or EBUSY", errno.in_words()))
        },
    )?;
    scene.step("another number", "it works beside the other", |scene| {
        scene.insert(M::NAME, "protocol=17")
    })?;
    scene.step("the number after it is free again", "works", |scene| {
        scene.remove("nl_squatter")?;
        scene.remove(M::NAME)?;
        scene.insert(M::NAME, M::PARAMS)
    })?;
    scene.step("a number out of range", "EINVAL", |scene| {
        scene.remove(M::NAME)?;
        let refused = scene.try_insert(M::NAME, "protocol=32")?;
        let errno = refused.err().map(|refusal| Errno::from_raw(refusal.errno));
        if scene.contract_only() {
            return expect_eq("insmod: refused", errno.is_some(), true);
        }
        expect_eq("insmod", errno, Some(Errno::EINVAL))
    })
}
