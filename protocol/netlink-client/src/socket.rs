// SPDX-License-Identifier: MIT OR Apache-2.0
//! A netlink socket to a kernel module, which several threads may use at once.
//!
//! neli opens, binds and sends. It does not receive here, because it drops the sender's address. It
//! does not build messages, because it rounds `nlmsg_len` up to a multiple of four, and then the
//! module cannot know the length of a body.

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

/// A socket bound to a portid that the kernel chose.
pub struct Socket(NlSocket);

/// The result of recvmsg(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Number of bytes in the buffer.
    pub len: usize,
    /// The address of its sender, if the kernel gave one. Any privileged process may send to this
    /// socket.
    pub sender: Option<PortId>,
    /// `MSG_TRUNC`: the datagram was longer than the buffer, and its end is lost.
    pub truncated: bool,
}

impl Socket {
    /// Open and bind a socket on protocol 31. Refusals will have a reason in words.
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

    /// Send one message. When this returns, the module has handled it, and its answer is queued. If
    /// the queue was full, the answer is lost.
    ///
    /// # Errors
    /// [`Error::Call`] if sendto(2) fails.
    pub fn send(&self, header: Header, payload: &[u8]) -> Result<(), Error> {
        self.0
            .send(header.encode(payload), Msg::empty())
            .map(drop)
            .map_err(|error| Error::io("sendto", &error))
    }

    /// One datagram from any sender. Blocks, unless `MSG_DONTWAIT` is set.
    ///
    /// # Errors
    /// The errno of recvmsg(2): `EINTR`; `EAGAIN` if it must not block and no datagram waits;
    /// `ENOBUFS` if messages were lost because they were not read in time.
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
        // SAFETY: the socket is open as long as this value exists, and the borrow ends before.
        unsafe { BorrowedFd::borrow_raw(self.0.as_raw_fd()) }
    }
}
