// SPDX-License-Identifier: MIT OR Apache-2.0
//! A netlink socket to the module `nl_router` that several threads may use at once.
//!
//! neli opens, binds and sends. It is not used to receive, because it does not pass on the
//! sender's address, and not to build messages, because it rounds `nlmsg_len` up.

use std::{
    io::IoSliceMut,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
};

use neli::{consts::socket::Msg, socket::NlSocket, utils::Groups};
use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, NetlinkAddr, getsockname, recvmsg},
};
use protocol::netlink::{Header, PROTO, PortId};

use crate::Error;

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

/// A socket, bound to a portid that the kernel chose.
pub struct Socket {
    socket: NlSocket,
    portid: PortId,
}

impl Socket {
    /// Open and bind a socket on protocol 31.
    ///
    /// # Errors
    /// [`Error::Call`]; `EPROTONOSUPPORT` if no module has registered the protocol.
    pub fn open() -> Result<Self, Error> {
        let socket = NlSocket::new((PROTO as i32).into()).map_err(|error| {
            let mut error = Error::io("socket", &error);
            if let Error::Call {
                errno: Errno::EPROTONOSUPPORT,
                hint,
                ..
            } = &mut error
            {
                "is the module inserted?".clone_into(hint);
            }
            error
        })?;
        socket
            .bind(None, Groups::empty())
            .map_err(|error| Error::io("bind", &error))?;
        socket
            .enable_ext_ack(true)
            .map_err(|error| Error::io("setsockopt", &error))?;
        let address = getsockname::<NetlinkAddr>(socket.as_raw_fd())
            .map_err(|errno| Error::call("getsockname", errno))?;
        let portid = PortId(address.pid());
        Ok(Socket { socket, portid })
    }

    /// Its address.
    pub fn portid(&self) -> PortId {
        self.portid
    }

    /// Send one message. When this returns the module has dealt with it, and its answer has been
    /// queued or, if the queue was full, lost.
    ///
    /// # Errors
    /// [`Error::Call`] if sendto(2) fails.
    pub fn send(&self, header: Header, payload: &[u8]) -> Result<(), Error> {
        self.socket
            .send(header.encode(payload), Msg::empty())
            .map(drop)
            .map_err(|error| Error::io("sendto", &error))
    }

    /// The next datagram of the kernel, if one is there. Does not block.
    ///
    /// # Errors
    /// [`Error::Call`] if recvmsg(2) fails or a datagram is longer than any can be.
    pub fn receive<'a>(&self, buffer: &'a mut [u8; RECEIVE_MAX]) -> Result<Received<'a>, Error> {
        // lab:begin socket-receive: one datagram, if the kernel has sent it, whole (N10)
        loop {
            let mut parts = [IoSliceMut::new(buffer)];
            let received = recvmsg::<NetlinkAddr>(
                self.socket.as_raw_fd(),
                &mut parts,
                None,
                MsgFlags::MSG_DONTWAIT,
            );
            let (len, from, flags) = match received {
                Ok(message) => (message.bytes, message.address, message.flags),
                Err(Errno::EINTR) => continue,
                Err(Errno::EAGAIN) => return Ok(Received::Nothing),
                Err(Errno::ENOBUFS) => return Ok(Received::Overrun),
                Err(errno) => return Err(Error::call("recvmsg", errno)),
            };
            // Any process may send to our portid if it is privileged; only the kernel is believed.
            if from.map(|address| PortId(address.pid())) != Some(PortId::KERNEL) {
                continue;
            }
            if flags.contains(MsgFlags::MSG_TRUNC) {
                return Err(Error::call("recvmsg", Errno::EMSGSIZE));
            }
            return Ok(Received::Datagram(&buffer[..len]));
        }
        // lab:end stub: Err(Error::call("recvmsg", Errno::ENOSYS))
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the socket is open as long as it lives, and the borrow ends before that.
        unsafe { BorrowedFd::borrow_raw(self.socket.as_raw_fd()) }
    }
}
