// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading the module's lists: a dump in one or more parts.

use std::os::fd::AsFd;

use netlink_client::{
    Error,
    ready::{Stop, first_ready},
    socket::Socket,
};
use nix::errno::Errno;
use protocol::{
    netlink::{Header, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, PortId, messages},
    router::{MEMBER, Member, Request},
};

use crate::datagram::{RECEIVE_MAX, Received, receive};

/// All members, publishers first, each list in the order of registration; `None` if a signal came
/// first. Blocks.
///
/// # Errors
/// [`Error::Call`] if the module refuses or a system call fails.
pub fn members(socket: &Socket, stop: &Stop) -> Result<Option<Vec<Member>>, Error> {
    // lab:begin list-members: send the request, and read all parts of the answer, to its end (L1, L4)
    let header = Header {
        kind: Request::List.kind(),
        flags: NLM_F_REQUEST | NLM_F_DUMP,
        seq: 1,
        portid: PortId::KERNEL,
    };
    socket.send(header, &Request::List.payload())?;
    let mut found = Vec::new();
    let mut buffer = [0; RECEIVE_MAX];
    loop {
        let datagram = match receive(socket, &mut buffer)? {
            Received::Datagram(datagram) => datagram,
            Received::Overrun => return Err(Error::call("list", Errno::ENOBUFS)),
            Received::Nothing => match first_ready(&[stop.as_fd(), socket.as_fd()])? {
                0 => return Ok(None),
                _ => continue,
            },
        };
        for message in messages(datagram) {
            let message = message?;
            if let Some(ack) = message.ack()? {
                return Err(Error::refused("list", ack));
            }
            match message.header.kind {
                MEMBER => found.push(Member::decode(message.payload)?),
                NLMSG_DONE => return Ok(Some(found)),
                _ => {}
            }
        }
    }
    // lab:end stub: Err(Error::call("list", Errno::ENOSYS))
}
