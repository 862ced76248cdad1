// SPDX-License-Identifier: MIT OR Apache-2.0
//! A netlink socket to a kernel module, which several threads may use at once.
//!
//! neli opens, binds and sends. It is not used to receive, because it does not pass on the
//! sender's address, and not to build messages, because it rounds `nlmsg_len` up to a multiple of
//! four and the module could no longer tell how long a body is.

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

use crate::error::Error;

/// A socket of our own, bound to a portid that the kernel chose.
pub struct Socket(NlSocket);

/// What recvmsg(2) says of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// How many bytes of the buffer it has filled.
    pub len: usize,
    /// The address of its sender, if the kernel gave one. Any privileged process may send to us.
    pub sender: Option<PortId>,
    /// `MSG_TRUNC`: it was longer than the buffer, and its end is lost.
    pub truncated: bool,
}

impl Socket {
    /// Open and bind a socket on protocol 31. Refusals come with their reason in words.
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
        Ok(Socket(socket))
    }

    /// Its own address.
    ///
    /// # Errors
    /// [`Error::Call`] if getsockname(2) fails.
    pub fn portid(&self) -> Result<PortId, Error> {
        getsockname::<NetlinkAddr>(self.0.as_raw_fd())
            .map(|address| PortId(address.pid()))
            .map_err(|errno| Error::call("getsockname", errno))
    }

    /// Join a multicast group.
    ///
    /// # Errors
    /// [`Error::Call`] if setsockopt(2) fails.
    pub fn join(&self, group: u32) -> Result<(), Error> {
        self.0
            .add_mcast_membership(Groups::new_groups(&[group]))
            .map_err(|error| Error::io("setsockopt", &error))
    }

    /// Send one message. When this returns the module has dealt with it, and its answer has been
    /// queued or, if the queue was full, lost.
    ///
    /// # Errors
    /// [`Error::Call`] if sendto(2) fails.
    pub fn send(&self, header: Header, payload: &[u8]) -> Result<(), Error> {
        self.0
            .send(header.encode(payload), Msg::empty())
            .map(drop)
            .map_err(|error| Error::io("sendto", &error))
    }

    /// One datagram, whoever has sent it. Blocks, but for `MSG_DONTWAIT`.
    ///
    /// # Errors
    /// What recvmsg(2) gives: `EINTR`; `EAGAIN` if it was not to block and nothing is there;
    /// `ENOBUFS` if something was lost because it was not read in time.
    pub fn receive(&self, buffer: &mut [u8], flags: MsgFlags) -> Result<Datagram, Errno> {
        let mut parts = [IoSliceMut::new(buffer)];
        let message = recvmsg::<NetlinkAddr>(self.0.as_raw_fd(), &mut parts, None, flags)?;
        Ok(Datagram {
            len: message.bytes,
            sender: message.address.map(|address| PortId(address.pid())),
            truncated: message.flags.contains(MsgFlags::MSG_TRUNC),
        })
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the socket is open as long as it lives, and the borrow ends before that.
        unsafe { BorrowedFd::borrow_raw(self.0.as_raw_fd()) }
    }
}
