// SPDX-License-Identifier: MIT OR Apache-2.0
//! Random datagrams, all of them wrong: clause N3.

use lab_agent::Call;
use lab_scene::{Outcome, Scene, expect_eq, fail, peer::Peer};
use nix::errno::Errno;
use protocol::netlink::{BODY_MAX, HEADER_LEN, Header, NLM_F_DUMP, NLM_F_REQUEST, PortId};

use super::{
    BadPayload, STUDENT, Told, bad_payloads, carry_out, expect_errno, pair, too_long, with_length,
};

/// Number of datagrams of each user, and of each batch.
const FUZZ: usize = 200;
const ROW: usize = 25;

/// The datagrams, and how often each errno comes back.
struct Wrong {
    data: Vec<u8>,
    answers: usize,
    errno: Errno,
}

/// A request header with random fields, except its type. It requests no dump.
fn any_header(rng: &mut fastrand::Rng, kind: u16) -> Header {
    Header {
        kind,
        flags: rng.u16(..) & !NLM_F_DUMP | NLM_F_REQUEST,
        seq: rng.u32(..),
        portid: PortId(rng.u32(..)),
    }
}

/// A datagram of random bytes, with room for more than a header.
fn any_bytes(rng: &mut fastrand::Rng) -> Vec<u8> {
    let len = rng.usize(HEADER_LEN + 1..200);
    std::iter::repeat_with(|| rng.u8(..)).take(len).collect()
}

/// A random length, often near the longest allowed body.
fn any_length(rng: &mut fastrand::Rng) -> usize {
    match rng.u8(0..4) {
        0 => BODY_MAX,
        1 => BODY_MAX + 1,
        2 => rng.usize(1..64),
        _ => rng.usize(1..4000),
    }
}

/// A datagram with at least one mistake.
fn wrong<M: Told>(rng: &mut fastrand::Rng, bad: &[BadPayload], contract_only: bool) -> Wrong {
    let (known, payload) = M::request(1);
    let one = |data, errno| Wrong {
        data,
        answers: 1,
        errno,
    };
    match rng.u8(0..8) {
        // Too short for a header.
        0 => {
            let mut data = any_bytes(rng);
            data.truncate(rng.usize(1..HEADER_LEN));
            one(data, Errno::EINVAL)
        }
        // A header with an nlmsg_len shorter than a header.
        1 => {
            let any = rng.usize(..HEADER_LEN);
            let len = [0, HEADER_LEN - 1, any][rng.usize(..3)];
            one(with_length(any_bytes(rng), len), Errno::EINVAL)
        }
        // A header with an nlmsg_len longer than the datagram.
        2 => {
            let data = any_bytes(rng);
            let any = rng.usize(data.len() + 1..=0xffff_ffff);
            let len = if rng.bool() { any } else { 0xffff_ffff };
            one(with_length(data, len), Errno::EINVAL)
        }
        // A request without NLM_F_REQUEST. The contract leaves open whether it is carried out.
        3 if !contract_only => {
            let header = any_header(rng, known);
            let flags = header.flags & !NLM_F_REQUEST;
            one(Header { flags, ..header }.encode(&payload), Errno::EINVAL)
        }
        // Several messages, of which the last is truncated: none is carried out. Modules that
        // handle one message after the other have carried out some by then.
        4 if !contract_only => {
            let mut data = Vec::new();
            for _ in 0..rng.usize(1..4) {
                data.extend(any_header(rng, known).encode(&payload));
                data.resize(data.len().next_multiple_of(4), 0);
            }
            let last = any_bytes(rng);
            let len = last.len() + rng.usize(1..100);
            data.extend(with_length(last, len));
            one(data, Errno::EINVAL)
        }
        // Several messages of unknown types: each is refused.
        5 => {
            let answers = rng.usize(1..4);
            let mut data = Vec::new();
            for _ in 0..answers {
                data.resize(data.len().next_multiple_of(4), 0);
                let kind = rng.u16(0x30..);
                let flags = rng.u16(..) | NLM_F_REQUEST;
                let header = Header {
                    flags,
                    ..any_header(rng, kind)
                };
                data.extend(header.encode(&any_bytes(rng)));
            }
            Wrong {
                data,
                answers,
                errno: Errno::EOPNOTSUPP,
            }
        }
        // Random payloads of any length, with mistakes or too long.
        6 => {
            let len = any_length(rng);
            let header = any_header(rng, known);
            match M::junk(len) {
                // Too long, and not a payload either. The contract leaves open which errno is
                // returned.
                Some(_) if contract_only => one(header.encode(&vec![0xff; len]), Errno::EINVAL),
                Some(errno) => one(header.encode(&vec![0xff; len]), errno),
                None => wrong::<M>(rng, bad, contract_only),
            }
        }
        // Payloads with known mistakes.
        _ => {
            if rng.bool() {
                let over = if rng.bool() { 1 } else { rng.usize(1..1000) };
                let (kind, payload) = M::long(BODY_MAX + over);
                return one(
                    any_header(rng, kind).encode(&payload),
                    too_long::<M>(contract_only),
                );
            }
            let (_, kind, payload, errno) = &bad[rng.usize(..bad.len())];
            one(any_header(rng, *kind).encode(payload), *errno)
        }
    }
}

pub(crate) fn fuzz<M: Told>(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(M::NAME, M::PARAMS)?;
    let (sender, listener) = &pair::<M>(scene, 0)?;
    let before = M::state(scene, sender, PortId(0))?;
    for (user, uid) in [("root", 0), ("an ordinary user", STUDENT)] {
        // The socket stays the same, because N4 checks sockets that come and go.
        scene.value(&sender.program, &Call::BecomeUser { uid })?;
        scene.step(
            &format!("as {user}, datagrams that are wrong in any way"),
            "each is refused with its errno, and no listener is told of any",
            |scene| fuzz_with::<M>(scene, sender, listener),
        )?;
    }
    scene.step(
        "a correct datagram",
        "it is carried out: nothing has changed",
        |scene| {
            let after = M::state(scene, sender, PortId(0))?;
            expect_eq("the state before", after, before)?;
            carry_out::<M>(scene, sender, listener, 1)
        },
    )
}

fn fuzz_with<M: Told>(scene: &mut Scene<'_>, sender: &Peer, listener: &Peer) -> Outcome {
    let contract_only = scene.contract_only();
    let bad = bad_payloads::<M>(scene);
    for _ in 0..FUZZ / ROW {
        let row = [(); ROW].map(|()| wrong::<M>(&mut scene.rng, &bad, contract_only));
        let sent = row.iter().map(|wrong| (wrong.data.clone(), wrong.answers));
        let answered = scene.exchange(sender, sent)?;
        for (wrong, acks) in row.iter().zip(answered) {
            let what = format!("the errno of {}", wrong.data.escape_ascii());
            for ack in &acks {
                expect_errno(scene, &what, ack.errno, wrong.errno)?;
            }
            if acks.len() < wrong.answers {
                return Err(fail(what, "no answer in time"));
            }
        }
        scene.expect_nothing(sender)?;
        scene.expect_nothing(listener)?;
    }
    Ok(())
}
