// SPDX-License-Identifier: MIT OR Apache-2.0
//! Expectations of the kernel's answers at a netlink socket.

use std::time::Duration;

use nix::errno::Errno;
use protocol::netlink::{Ack, Header, PortId};

use crate::{
    detail::Detail,
    halt::{Outcome, expect_eq, fail, readable},
    peer::{ANSWERED, Peer, ack, request},
    scene::Scene,
    transcript::LineKind,
};

/// Expect any errno. Netlink has it with a minus sign in its message.
///
/// # Errors
/// [`crate::Halt::Fail`] if it is 0, or has the wrong sign.
pub fn expect_refusal(what: &str, errno: i32) -> Outcome {
    let got = match errno {
        0 => "ok".to_owned(),
        1.. => return Ok(()),
        wrong => format!("the number {} without a minus sign", -wrong),
    };
    Err(fail(format!("{what}: an errno"), got))
}

impl Scene<'_> {
    /// Expect that no datagram waits at a peer.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if one waits.
    pub fn expect_nothing(&mut self, peer: &Peer) -> Outcome {
        match self.receive(peer, Duration::ZERO)? {
            None => Ok(()),
            Some(datagram) => Err(fail(
                format!("nothing waits at {}", peer.program.name),
                datagram.in_words(),
            )),
        }
    }

    /// Send a datagram and wait for its acknowledgement, which must come from the kernel.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if none comes, or another message.
    pub fn ask(&mut self, peer: &Peer, data: Vec<u8>) -> Outcome<Ack> {
        self.send(peer, data)?;
        self.expect_ack(peer)
    }

    /// Wait for an acknowledgement.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if none comes, or another message.
    pub fn expect_ack(&mut self, peer: &Peer) -> Outcome<Ack> {
        let datagram = self.receive(peer, ANSWERED)?;
        ack(peer, datagram)
    }

    /// Send a request of type 0x10 and expect this errno, 0 for success. A refusal must have a
    /// reason in words.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if another errno comes, or none.
    pub fn expect_answer(&mut self, peer: &Peer, payload: &[u8], expected: Errno) -> Outcome {
        self.expect_answer_to(
            peer,
            request(protocol::pubsub::REQUEST, payload),
            &readable(payload),
            expected,
        )
    }

    /// Send a datagram and expect a refusal with a reason in words; `what` describes the datagram.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it is not.
    pub fn expect_refused(&mut self, peer: &Peer, data: Vec<u8>, what: &str) -> Outcome {
        let ack = self.ask(peer, data)?;
        self.note_answer(peer, what, &ack);
        expect_refusal(&format!("the answer to {what}"), ack.errno)?;
        self.expect_reason(&ack)
    }

    /// Note an answer, and return its text.
    fn note_answer(&mut self, peer: &Peer, what: &str, ack: &Ack) -> String {
        let got = Errno::from_raw(ack.errno);
        let text = ack.text.as_deref().unwrap_or_default();
        let said = match ack.errno {
            0 => format!("sends {what}: ok"),
            _ => format!("sends {what}: {got:?} ({text})"),
        };
        self.note(&peer.program.name, LineKind::Does, said.as_str());
        said
    }

    /// As [`Scene::expect_answer`], for any datagram; `what` describes it.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if another errno comes, or none.
    pub fn expect_answer_to(
        &mut self,
        peer: &Peer,
        data: Vec<u8>,
        what: &str,
        expected: Errno,
    ) -> Outcome {
        let ack = self.ask(peer, data)?;
        let said = self.note_answer(peer, what, &ack);
        if ack.errno != expected as i32 {
            let expected = match expected as i32 {
                0 => "ok".to_owned(),
                _ => format!("{expected:?}"),
            };
            return Err(fail(format!("the answer to {what}: {expected}"), said));
        }
        self.expect_reason(&ack)
    }

    /// A refusal must say why in words ([`Detail::Reasons`]).
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it does not.
    pub fn expect_reason(&self, ack: &Ack) -> Outcome {
        let silent = ack.errno != 0 && ack.text.as_deref().unwrap_or_default().is_empty();
        if silent && self.judges(Detail::Reasons) {
            return Err(fail(
                "a refusal with its reason in words (extended ack)",
                "none",
            ));
        }
        Ok(())
    }

    /// Expect that the header of a message names the kernel as sender ([`Detail::KernelHeader`]).
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it names another sender.
    pub fn expect_from_kernel(&self, header: Header) -> Outcome {
        if self.judges(Detail::KernelHeader) {
            return expect_eq("nlmsg_pid", header.portid, PortId::KERNEL);
        }
        Ok(())
    }

    /// Expect this sequence number of a message for a subscriber ([`Detail::Numbers`]).
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it is another.
    pub fn expect_number(&self, got: u32, wanted: u32) -> Outcome {
        if self.judges(Detail::Numbers) {
            return expect_eq("nlmsg_seq", got, wanted);
        }
        Ok(())
    }

    /// Whether a subscriber got this body, without its padding ([`Detail::Bytes`]).
    pub fn is_body(&self, got: &[u8], wanted: &[u8]) -> bool {
        let padded = got.len() == wanted.len().next_multiple_of(4) && got.starts_with(wanted);
        let exact = self.judges(Detail::Bytes);
        got == wanted || (padded && !exact)
    }

    /// Expect a message for a subscriber: from the kernel, of this type, with this sequence number
    /// and exactly these bytes.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] with the first difference.
    pub fn expect_data(&mut self, peer: &Peer, kind: u16, seq: u32, body: &[u8]) -> Outcome {
        let name = peer.program.name.clone();
        let Some(datagram) = self.receive(peer, ANSWERED)? else {
            return Err(fail(
                format!("{name} receives message {seq}"),
                "nothing in time",
            ));
        };
        let message = datagram.message_of_module()?;
        let header = message.header;
        self.note(
            &name,
            LineKind::Does,
            format!(
                "receives message {}, {} bytes: {}",
                header.seq,
                message.payload.len(),
                readable(message.payload)
            ),
        );
        expect_eq("sender's address", datagram.from, Some(PortId::KERNEL))?;
        self.expect_from_kernel(header)?;
        expect_eq("nlmsg_type", header.kind, kind)?;
        self.expect_number(header.seq, seq)?;
        let behind_role = message.payload.strip_prefix(b"p");
        let behind_role = behind_role.filter(|_| !self.judges(Detail::RoleByte));
        let alternatives = [Some(message.payload), behind_role];
        if alternatives
            .iter()
            .flatten()
            .any(|got| self.is_body(got, body))
        {
            return Ok(());
        }
        Err(fail(
            format!("{} bytes: {}", body.len(), readable(body)),
            format!(
                "{} bytes: {}",
                message.payload.len(),
                readable(message.payload)
            ),
        ))
    }
}
