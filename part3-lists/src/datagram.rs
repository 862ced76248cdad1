// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which of the datagrams that arrive count: those of the kernel, whole.

use netlink_client::{Error, socket::Socket};
use nix::{errno::Errno, sys::socket::MsgFlags};
use protocol::netlink::PortId;

/// Longest datagram that the module sends, in bytes: a message with a body of 1024, a refusal,
/// which repeats the request and adds its text, or a part of a list, which is made to fit. What
/// is longer is an error, never cut off in silence.
pub const RECEIVE_MAX: usize = 8192;

/// What was on the socket.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// Nothing at this moment.
    Nothing,
    /// `ENOBUFS`: something was lost because it was not read in time.
    Overrun,
    /// A datagram of the kernel.
    Datagram(&'a [u8]),
}

/// The next datagram of the kernel, if one is there. Does not block.
///
/// # Errors
/// [`Error::Call`] if recvmsg(2) fails or a datagram is longer than any can be.
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
            // Any process may send to our portid if it is privileged; only the kernel is believed.
            _ => {}
        }
    }
    // lab:end stub: Err(Error::call("recvmsg", Errno::ENOSYS))
}
