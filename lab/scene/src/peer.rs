// SPDX-License-Identifier: MIT OR Apache-2.0
//! Netlink sockets in the guest that a scenario drives call by call, for requests that the lab's
//! programs never send.

use std::time::Duration;

use lab_agent::{Answer, Bytes, Call, CallResult};
use lab_machine::Trouble;
use nix::{errno::Errno, libc};
use protocol::netlink::{Ack, HEADER_LEN, Header, NLM_F_ACK, NLM_F_REQUEST, PROTO, PortId};

use crate::{
    actor::{returned, shown},
    datagram::Datagram,
    detail::Detail,
    halt::{Outcome, expect_eq, fail},
    scene::{Program, Scene},
    transcript::LineKind,
};

/// How long an answer to a request may take, not scaled. The kernel calls a netlink module during
/// sendto(2), so an answer is there when that returns. The time is for a module that answers later,
/// from a queue of work.
pub const ANSWERED: Duration = Duration::from_secs(2);

/// No PID is larger (`PID_MAX_LIMIT` in linux/threads.h).
const PID_MAX: u32 = 1 << 22;

/// A process in the guest with one netlink socket on protocol 31.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The process.
    pub program: Program,
    /// Its socket.
    pub fd: i32,
    /// The address of the socket.
    pub portid: PortId,
}

impl Peer {
    /// The call that sends a datagram to the kernel.
    pub fn sends(&self, data: Vec<u8>) -> Call {
        Call::Send {
            fd: self.fd,
            portid: PortId::KERNEL.0,
            data: Bytes(data),
        }
    }

    /// The call that receives a datagram.
    pub fn receives(&self, timeout_ms: u64) -> Call {
        Call::Receive {
            fd: self.fd,
            timeout_ms,
        }
    }
}

/// Write the sender's address into the first header of a datagram, if it is 0.
fn sign(data: &mut [u8], portid: PortId) {
    if let Some(nlmsg_pid @ [0, 0, 0, 0]) = data.get_mut(12..HEADER_LEN) {
        nlmsg_pid.copy_from_slice(&portid.0.to_ne_bytes());
    }
}

/// A typical request: flags `NLM_F_REQUEST | NLM_F_ACK`, sequence number 1, nlmsg_pid 0.
pub fn request(kind: u16, payload: &[u8]) -> Vec<u8> {
    request_header(kind).encode(payload)
}

/// As [`request`], without `NLM_F_ACK`. If it succeeds, no answer comes.
pub fn quiet_request(kind: u16, payload: &[u8]) -> Vec<u8> {
    let header = Header {
        flags: NLM_F_REQUEST,
        ..request_header(kind)
    };
    header.encode(payload)
}

/// Header of [`request`].
pub fn request_header(kind: u16) -> Header {
    Header {
        kind,
        flags: NLM_F_REQUEST | NLM_F_ACK,
        seq: 1,
        portid: PortId(0),
    }
}

/// The result of a receiving call.
fn received(observed: CallResult) -> Outcome<Result<Datagram, Errno>> {
    match observed {
        Ok(Answer::Datagram {
            data,
            from,
            truncated: false,
        }) => Ok(Ok(Datagram {
            data: data.0,
            from: from.map(PortId),
        })),
        Ok(_) => Err(fail("a whole datagram", "a part of one")),
        Err(refusal) => Ok(Err(Errno::from_raw(refusal.errno))),
    }
}

/// The acknowledgement that a peer received, which must be from the kernel.
pub(crate) fn ack(peer: &Peer, came: Option<Datagram>) -> Outcome<Ack> {
    let wanted = format!("{} gets an acknowledgement", peer.program.name);
    let Some(datagram) = came else {
        return Err(fail(wanted, "nothing in time"));
    };
    expect_eq(
        "the acknowledgement comes from portid",
        datagram.from,
        Some(PortId::KERNEL),
    )?;
    match datagram.message()?.ack() {
        Ok(Some(ack)) => Ok(ack),
        _ => Err(fail(wanted, datagram.in_words())),
    }
}

impl Scene<'_> {
    /// A process with a socket on protocol 31. Its address is never the process's PID, which the
    /// kernel would choose: a module that takes one for the other must not work by chance. Every
    /// other address is negative as an `int`, like those that the kernel gives to more sockets.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if socket or bind fails.
    pub fn peer(&mut self, name: &str, uid: u32) -> Outcome<Peer> {
        let program = self.actor(name, uid)?;
        self.peers += 1;
        let sign = (self.peers % 2) << 31;
        self.open_socket(&program, PortId(sign + PID_MAX + 7919 * self.peers))
    }

    /// One more socket of an actor, at a given address; 0 lets the kernel choose.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if socket or bind fails.
    pub fn open_socket(&mut self, program: &Program, portid: PortId) -> Outcome<Peer> {
        let fd = self.value(
            program,
            &Call::Socket {
                protocol: PROTO as i32,
            },
        )? as i32;
        let set = |option| Call::SetOption {
            fd,
            level: libc::SOL_NETLINK,
            option,
            value: 1,
        };
        // In one order, because a scenario may have many sockets.
        let calls = vec![
            Call::Bind {
                fd,
                portid: portid.0,
                groups: 0,
            },
            set(libc::NETLINK_EXT_ACK),
            set(libc::NETLINK_CAP_ACK),
            Call::PortId { fd },
        ];
        let portid = match self.batch(program, 1, calls)?.pop() {
            Some(Ok(Answer::Value(portid))) => portid,
            Some(other) => {
                return Err(fail("getsockname gives a portid", shown(returned(&other))));
            }
            None => return Err(fail("getsockname gives a portid", "nothing")),
        };
        let portid = PortId(u32::try_from(portid).unwrap_or_default());
        self.transcript
            .names
            .insert(portid.0.into(), program.name.clone());
        Ok(Peer {
            program: program.clone(),
            fd,
            portid,
        })
    }

    /// Close a peer's socket. Its process continues.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if close fails.
    pub fn close(&mut self, peer: &Peer) -> Outcome {
        self.note(&peer.program.name, LineKind::Does, "closes its socket");
        self.value(&peer.program, &Call::Close { fd: peer.fd })
            .map(drop)
    }

    /// Send a datagram to the kernel and expect that the call itself succeeds.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it fails.
    pub fn send(&mut self, peer: &Peer, data: Vec<u8>) -> Outcome {
        let len = data.len() as i64;
        let call = peer.sends(self.signed(peer, data));
        let sent = self.value(&peer.program, &call)?;
        expect_eq("sendto returns", sent, len)
    }

    /// A datagram as this peer sends it: with its address in nlmsg_pid, except where a scenario
    /// judges [`Detail::Unsigned`].
    fn signed(&self, peer: &Peer, mut data: Vec<u8>) -> Vec<u8> {
        if !self.judges(Detail::Unsigned) {
            sign(&mut data, peer.portid);
        }
        data
    }

    /// The next datagram of a peer; `None` if none comes within `limit`, which is scaled.
    ///
    /// The kernel queues its answers before it acknowledges. So after an acknowledgement, a limit
    /// of zero shows that there is no other datagram.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] with the errno if recvmsg fails.
    pub fn receive(&mut self, peer: &Peer, limit: Duration) -> Outcome<Option<Datagram>> {
        let mut early = self.early_acks.iter();
        if let Some(at) = early.position(|&(portid, _)| portid == peer.portid) {
            return Ok(Some(self.early_acks.remove(at).1));
        }
        match self.try_receive(peer, limit)? {
            Ok(datagram) => Ok(Some(datagram)),
            Err(Errno::ETIMEDOUT) => Ok(None),
            Err(errno) => Err(fail(
                format!("{} receives", peer.program.name),
                format!("recvmsg: {errno:?}"),
            )),
        }
    }

    /// As [`Scene::receive`], for the answer to a request. The contract allows the acknowledgement
    /// to come first; it is then the next datagram.
    ///
    /// # Errors
    /// As [`Scene::receive`].
    pub fn receive_answer(&mut self, peer: &Peer, limit: Duration) -> Outcome<Option<Datagram>> {
        let mut early = Vec::new();
        let answer = loop {
            let datagram = self.receive(peer, limit)?;
            let is_ack = |datagram: &Datagram| {
                let message = datagram.message().ok();
                let ack = message.and_then(|message| message.ack().ok().flatten());
                ack.is_some_and(|ack| ack.errno == 0)
            };
            match datagram {
                Some(datagram) if self.contract_only() && is_ack(&datagram) => {
                    early.push((peer.portid, datagram));
                }
                other => break other,
            }
        };
        self.early_acks.extend(early);
        Ok(answer)
    }

    /// As [`Scene::receive`]. An errno is an ordinary result.
    ///
    /// # Errors
    /// [`crate::Halt`].
    pub fn try_receive(
        &mut self,
        peer: &Peer,
        limit: Duration,
    ) -> Outcome<Result<Datagram, Errno>> {
        let mut patience = self.machine.patience(self.machine.scaled(limit));
        let mut wait = patience.left();
        loop {
            let call = peer.receives(wait.as_millis() as u64);
            let result = received(self.call(&peer.program, &call)?)?;
            // The guest's clock continues while the host has no processor for the guest.
            wait = patience.left();
            if result != Err(Errno::ETIMEDOUT) || wait.is_zero() {
                return Ok(result);
            }
        }
    }

    /// The queued datagrams of a peer, up to `most`, received in one order. `limit`, which is scaled,
    /// is the longest time between two of them.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if recvmsg fails.
    pub fn receive_row(
        &mut self,
        peer: &Peer,
        most: usize,
        limit: Duration,
    ) -> Outcome<Vec<Datagram>> {
        let timeout_ms = self.machine.scaled(limit).as_millis() as u64;
        let order = Call::Batch {
            rounds: 1,
            persist: false,
            calls: vec![peer.receives(timeout_ms); most],
        };
        let observed = self.call(&peer.program, &order)?;
        let Ok(Answer::Batch { outcomes, .. }) = observed else {
            return Err(Trouble::Lost("a batch gave another result".to_owned()).into());
        };
        let mut found = Vec::new();
        for outcome in outcomes {
            match received(outcome)? {
                Ok(datagram) => found.push(datagram),
                Err(Errno::ETIMEDOUT) => break,
                Err(errno) => {
                    let wanted = format!("{} receives", peer.program.name);
                    return Err(fail(wanted, format!("recvmsg: {errno:?}")));
                }
            }
        }
        Ok(found)
    }

    /// Send these datagrams one after the other, each after the previous one was answered, and
    /// return the answers to the first. Each comes with the number of its acknowledgements. A
    /// datagram without an answer is the last.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if one cannot be sent, or if another message comes.
    pub fn exchange(
        &mut self,
        peer: &Peer,
        all: impl Iterator<Item = (Vec<u8>, usize)>,
    ) -> Outcome<Vec<Vec<Ack>>> {
        let receive = peer.receives(self.machine.scaled(ANSWERED).as_millis() as u64);
        let mut calls = Vec::new();
        for (data, answers) in all {
            calls.push(peer.sends(self.signed(peer, data)));
            calls.extend(vec![receive.clone(); answers]);
        }
        let order = Call::Batch {
            rounds: 1,
            persist: false,
            calls,
        };
        let observed = self.call(&peer.program, &order)?;
        let (Call::Batch { calls, .. }, Ok(Answer::Batch { outcomes, .. })) = (order, observed)
        else {
            return Err(Trouble::Lost("a batch gave another result".to_owned()).into());
        };
        let mut answered: Vec<Vec<Ack>> = Vec::new();
        for (call, outcome) in calls.iter().zip(outcomes) {
            if let Call::Send { data, .. } = call {
                expect_eq(
                    "sendto returns",
                    returned(&outcome),
                    Ok(data.0.len() as i64),
                )?;
                answered.push(Vec::new());
            } else if let Some(acks) = answered.last_mut()
                && let Ok(datagram) = received(outcome)?
            {
                acks.push(ack(peer, Some(datagram))?);
            }
        }
        Ok(answered)
    }
}
