// SPDX-License-Identifier: MIT OR Apache-2.0
//! A datagram that a netlink socket has received.

use nix::{errno::Errno, libc};
use protocol::netlink::{Message, PortId, messages};

use crate::{
    halt::{Outcome, fail, readable},
    in_words::InWords,
};

/// A datagram that a peer has received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Its bytes.
    pub data: Vec<u8>,
    /// Address of the sender, as the kernel gives it.
    pub from: Option<PortId>,
}

impl Datagram {
    /// The only message in the datagram.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if there are several or none, or if the length is wrong.
    pub fn message(&self) -> Outcome<Message<'_>> {
        let mut found = messages(&self.data);
        match (found.next(), found.next()) {
            (Some(Ok(message)), None) => Ok(message),
            _ => Err(fail("a datagram with one message", self.in_words())),
        }
    }

    /// The only message in the datagram, which must be no acknowledgement.
    ///
    /// # Errors
    /// As [`Datagram::message`].
    pub fn message_of_module(&self) -> Outcome<Message<'_>> {
        let message = self.message()?;
        match message.ack() {
            Ok(Some(_)) => Err(fail("a message of the module", self.in_words())),
            _ => Ok(message),
        }
    }

    /// Its messages for people: the kind of each, and its payload.
    pub fn in_words(&self) -> String {
        let mut words = Vec::new();
        for message in messages(&self.data) {
            let Ok(message) = message else {
                return format!("no message: {}", readable(&self.data));
            };
            words.push(match message.ack() {
                Ok(Some(ack)) if ack.errno == 0 => "an acknowledgement".to_owned(),
                Ok(Some(ack)) => format!("a refusal: {}", Errno::from_raw(ack.errno).in_words()),
                _ if message.header.kind == libc::NLMSG_DONE as u16 => "the end of a list".into(),
                _ => format!(
                    "a message of type {:#x} with {} bytes: {}",
                    message.header.kind,
                    message.payload.len(),
                    readable(message.payload)
                ),
            });
        }
        match words.is_empty() {
            true => "a datagram without a message".to_owned(),
            false => words.join(", then "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_by_their_kind_and_payload() {
        let told = |data: &[u8]| {
            let data = data.to_vec();
            Datagram { data, from: None }.in_words()
        };
        // struct nlmsghdr: length, type, flags, number, portid.
        let hello = b"\x15\0\0\0\x11\0\0\0\x01\0\0\0\0\0\0\0hello\0\0\0";
        assert_eq!(told(hello), "a message of type 0x11 with 5 bytes: hello");
        let done = b"\x10\0\0\0\x03\0\0\0\x01\0\0\0\0\0\0\0";
        assert_eq!(told(done), "the end of a list");
        assert_eq!(told(&[]), "a datagram without a message");
        assert_eq!(told(b"abc"), "no message: abc");
    }
}
