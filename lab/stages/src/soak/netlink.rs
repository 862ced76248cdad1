// SPDX-License-Identifier: MIT OR Apache-2.0
//! Random requests, valid and invalid ones, by several processes at once.

use fastrand::Rng;
use lab_agent::{Answer, Bytes, Call, CallResult};
use lab_scene::{LooksAt, Outcome, Program, Scenario, Scene, expect_eq, fail};
use nix::{errno::Errno, libc};
use protocol::{
    greeting, hello,
    netlink::{BODY_MAX, Header, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, PROTO, PortId, messages},
    pubsub, router, routes,
};

use super::size::{ACTORS, BATCHES, CALLS};

/// A kind of requests: type and payload of a valid one.
type Draw = fn(&mut Rng) -> (u16, Vec<u8>);

const fn scenario(id: &'static str, run: fn(&mut Scene<'_>) -> Outcome) -> Scenario {
    let title = "three processes send random requests";
    Scenario {
        id,
        title,
        looks_at: LooksAt::Module(&[]),
        run,
    }
}

pub(super) const HELLO: Scenario = scenario("soak/random-hello", |scene| {
    run(scene, "nl_hello", "", |rng| {
        (hello::REQUEST, any_bytes(rng, BODY_MAX + 8))
    })
});

pub(super) const GREETING: Scenario = scenario("soak/random-greeting", |scene| {
    run(scene, "nl_greeting", "interval_ms=20", |rng| {
        (greeting::REQUEST, vec![0; rng.usize(..4) / 3])
    })
});

pub(super) const ROUTES: Scenario = scenario("soak/random-routes", |scene| {
    run(scene, "nl_routes", "expire_ms=100", |rng| {
        use routes::Request;
        let names = ["R1", "R2", "R3", "a", "b", "fifteen letters"];
        let name = names[rng.usize(..names.len())];
        let maybe = rng.bool().then_some(name);
        let request = match rng.u8(..8) {
            0 => Request::List,
            1 | 2 => Request::Add(name),
            3 => Request::Delete(name),
            4 | 5 => Request::Expire(name, rng.u32(..40)),
            6 => Request::Watch(maybe),
            _ => Request::Unwatch(maybe),
        };
        (request.kind(), request.payload())
    })
});

pub(super) const PUBSUB: Scenario = scenario("soak/random-pubsub", |scene| {
    run(scene, "nl_pubsub", "", |rng| {
        use pubsub::Request;
        let body = any_bytes(rng, BODY_MAX + 8);
        let request = match rng.u8(..4) {
            0 => Request::Subscribe,
            1 => Request::Claim,
            _ => Request::Publish(&body),
        };
        (pubsub::REQUEST, request.payload())
    })
});

pub(super) const ROUTER: Scenario = scenario("soak/random-router", |scene| {
    run(scene, "nl_router", "", |rng| {
        use router::{Request, Roles};
        let body = any_bytes(rng, BODY_MAX + 8);
        let roles = Roles(rng.u32(..5));
        let from = (rng.u8(..3) == 0).then(|| PortId(rng.u32(..200)));
        let request = match rng.u8(..8) {
            0 => Request::List,
            1 | 2 => Request::Register { roles, from },
            3 => Request::Unregister(roles),
            _ => Request::Publish(&body),
        };
        (request.kind(), request.payload())
    })
});

fn any_bytes(rng: &mut Rng, most: usize) -> Vec<u8> {
    let len = rng.usize(..=most);
    (0..len).map(|_| rng.u8(..)).collect()
}

fn run(scene: &mut Scene<'_>, module: &str, params: &str, draw: Draw) -> Outcome {
    scene.insert(module, params)?;
    // The number of log lines depends on the order of the processes.
    scene.mute_log();
    let mut processes = Vec::new();
    for uid in [0, 1000, 1001].into_iter().cycle().take(ACTORS) {
        let peer = scene.peer(&format!("user {uid}"), uid)?;
        processes.push((peer.program, peer.fd));
    }
    scene.step(
        "random requests, concurrently",
        "each answer is one that the request may get, from the kernel",
        |scene| {
            for _ in 0..BATCHES {
                let mut orders = Vec::new();
                for (program, fd) in &processes {
                    let order = Call::Batch {
                        rounds: 1,
                        persist: true,
                        calls: any_calls(&mut scene.rng, *fd, draw),
                    };
                    scene.begin_call(program, &order)?;
                    orders.push((program, order));
                }
                for (program, order) in &orders {
                    let observed = scene.finish_call(program, order)?;
                    judge(program, order, observed)?;
                }
            }
            Ok(())
        },
    )?;
    scene.step("close all, remove the module", "it is removed", |scene| {
        for (program, fd) in &processes {
            scene.value(program, &Call::Close { fd: *fd })?;
        }
        scene.remove(module)
    })
}

/// Requests, each followed by as many receives. Sometimes another socket replaces the process's
/// own: socket(2) returns the descriptor that was just closed.
fn any_calls(rng: &mut Rng, fd: i32, draw: Draw) -> Vec<Call> {
    let receive = Call::Receive { fd, timeout_ms: 0 };
    let mut calls = Vec::new();
    while calls.len() < CALLS - 3 {
        match rng.u8(..16) {
            0 => calls.extend([
                Call::Close { fd },
                Call::Socket {
                    protocol: PROTO as i32,
                },
            ]),
            1 => calls.push(Call::SetOption {
                fd,
                level: libc::SOL_NETLINK,
                option: libc::NETLINK_ADD_MEMBERSHIP,
                value: greeting::GROUP.cast_signed(),
            }),
            2..=8 => calls.push(receive.clone()),
            _ => calls.push(Call::Send {
                fd,
                portid: 0,
                data: Bytes(any_datagram(rng, draw)),
            }),
        }
    }
    // Each batch has the same number of calls.
    calls.resize(CALLS, receive);
    calls
}

/// One or two messages, one in eight with a mistake.
fn any_datagram(rng: &mut Rng, draw: Draw) -> Vec<u8> {
    let mut datagram = Vec::new();
    for _ in 0..rng.usize(1..=2) {
        let (kind, payload) = draw(rng);
        let dump = if rng.bool() { NLM_F_DUMP } else { 0 };
        let header = Header {
            kind,
            flags: NLM_F_REQUEST | NLM_F_ACK | dump,
            seq: rng.u32(..),
            portid: PortId(rng.u32(..100)),
        };
        datagram.extend(header.encode(&payload));
        datagram.resize(datagram.len().next_multiple_of(4), 0);
    }
    if rng.u8(..8) == 0 {
        let at = rng.usize(..datagram.len());
        datagram[at] = rng.u8(..);
        datagram.truncate(rng.usize(1..=datagram.len()));
    }
    datagram
}

/// Errnos with which a module may answer a request.
const ANSWERS: [Errno; 11] = [
    Errno::EINVAL,
    Errno::EMSGSIZE,
    Errno::ERANGE,
    Errno::EOPNOTSUPP,
    Errno::ENOENT,
    Errno::EEXIST,
    Errno::ENOSPC,
    Errno::EALREADY,
    Errno::EBUSY,
    Errno::EPERM,
    // A dump that was started by another message of the datagram.
    Errno::ENOBUFS,
];

fn judge(program: &Program, order: &Call, observed: CallResult) -> Outcome {
    let (Call::Batch { calls, .. }, Ok(Answer::Batch { outcomes, .. })) = (order, observed) else {
        return Err(fail("a batch", "something else"));
    };
    expect_eq("calls that were made", outcomes.len(), calls.len())?;
    for (call, observed) in calls.iter().zip(outcomes) {
        let errno = |refusal: &lab_agent::Refusal| Errno::from_raw(refusal.errno);
        let allowed = match (call, &observed) {
            (Call::Send { data, .. }, Ok(Answer::Value(len))) => *len == data.0.len() as i64,
            (Call::Receive { .. }, Ok(Answer::Datagram { data, from, .. })) => {
                *from == Some(0) && data.0.len() >= 16 && answers(&data.0)
            }
            (Call::Receive { .. }, Err(refusal)) => {
                matches!(
                    errno(refusal),
                    Errno::ETIMEDOUT | Errno::ENOBUFS | Errno::EAGAIN
                )
            }
            (Call::Close { .. } | Call::Socket { .. }, outcome) => outcome.is_ok(),
            // Only one module has a multicast group.
            (Call::SetOption { .. }, outcome) => match outcome {
                Ok(_) => true,
                Err(refusal) => errno(refusal) == Errno::EINVAL,
            },
            _ => false,
        };
        if !allowed {
            let expected = format!("allowed results of {call:?} of {}", program.name);
            return Err(fail(expected, format!("{observed:?}")));
        }
    }
    Ok(())
}

/// Whether all acknowledgements in a datagram are among [`ANSWERS`].
fn answers(data: &[u8]) -> bool {
    messages(data).all(|message| {
        let Ok(message) = message else { return false };
        match message.ack() {
            Ok(Some(ack)) => ack.errno == 0 || ANSWERS.contains(&Errno::from_raw(ack.errno)),
            Ok(None) => true,
            Err(_) => false,
        }
    })
}
