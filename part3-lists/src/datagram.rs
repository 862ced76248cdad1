// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads datagrams and keeps those that count: complete ones from the kernel.

use netlink_client::{Error, socket::Socket};
use nix::{errno::Errno, sys::socket::MsgFlags};
use protocol::netlink::PortId;

/// Longest datagram of the module, in bytes: a message with a body of 1024; a refusal with the
/// request and a text; or a part of a list, which is made to fit. A longer datagram is an error,
/// and never silently truncated.
pub const RECEIVE_MAX: usize = 8192;

/// The state of the socket.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// No datagram waits.
    Nothing,
    /// `ENOBUFS`: messages were lost because they were not read in time.
    Overrun,
    /// A datagram of the kernel.
    Datagram(&'a [u8]),
}

/// The next datagram of the kernel, if one waits. Does not block.
///
/// # Errors
/// [`Error::Call`] if recvmsg(2) fails or a datagram is too long.
pub fn receive<'a>(
    socket: &Socket,
    buffer: &'a mut [u8; RECEIVE_MAX],
) -> Result<Received<'a>, Error> {
    // lab:begin datagram-receive: one datagram, if the kernel has sent it, whole (N10)
    loop {
        let datagram = match socket.receive(buffer, MsgFlags::MSG_DONTWAIT) {
            Err(Errno::EAGAIN) => return Ok(Received::Nothing),
            Err(Errno::ENOBUFS) => return Ok(Received::Overrun),
            Err(Errno::EINTR) => continue,
            received => received.map_err(|errno| Error::call("recvmsg", errno))?,
        };
        match datagram.sender {
            Some(PortId::KERNEL) if datagram.truncated => {
                return Err(Error::call("recvmsg", Errno::EMSGSIZE));
            }
            Some(PortId::KERNEL) => return Ok(Received::Datagram(&buffer[..datagram.len])),
            // Any privileged process may send to this portid, but only the kernel is trusted.
            _ => {}
        }
    }
    // lab:end stub: Err(Error::call("recvmsg", Errno::ENOSYS))
}
