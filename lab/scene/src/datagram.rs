// SPDX-License-Identifier: MIT OR Apache-2.0
//! A datagram that a netlink socket has received.

use protocol::netlink::{Message, PortId, messages};

use crate::halt::{Outcome, fail, readable};

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
            _ => Err(fail("a datagram with one message", readable(&self.data))),
        }
    }
}
