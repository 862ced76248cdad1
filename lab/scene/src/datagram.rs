// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a netlink socket has received.

use protocol::netlink::{Message, PortId, messages};

use crate::halt::{Outcome, fail, readable};

/// A datagram as a peer received it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Its bytes.
    pub data: Vec<u8>,
    /// Address of the sender, as the kernel gives it.
    pub from: Option<PortId>,
}

impl Datagram {
    /// The only message in it.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if there are more or none, or its length is wrong.
    pub fn message(&self) -> Outcome<Message<'_>> {
        let mut found = messages(&self.data);
        match (found.next(), found.next()) {
            (Some(Ok(message)), None) => Ok(message),
            _ => Err(fail("a datagram with one message", readable(&self.data))),
        }
    }
}
