// SPDX-License-Identifier: MIT OR Apache-2.0
//! A netlink socket to a kernel module.
//!
//! neli opens, binds and sends. It is not used to receive, because it does not pass on the
//! sender's address, and not to build messages, because it rounds `nlmsg_len` up to a multiple of
//! four and the module could no longer tell how long a body is.

use std::{
    collections::VecDeque,
    io::IoSliceMut,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
};

use neli::{consts::socket::Msg, socket::NlSocket, utils::Groups};
use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, NetlinkAddr, recvmsg},
};
use protocol::netlink::{Ack, Header, NLM_F_ACK, NLM_F_REQUEST, PROTO, PortId, messages};

use crate::Error;

/// Longest datagram that a module sends, in bytes: a header and a body of 1024, or a refusal,
/// which repeats the request and adds its text. What is longer is an error, never cut off in silence.
const RECEIVE_MAX: usize = 8192;

/// What arrived without having been asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A message of the module.
    Data {
        /// Its header.
        header: Header,
        /// Its payload, with its exact length.
        payload: Vec<u8>,
    },
    /// `ENOBUFS`: messages were lost because they were not read in time. How many shows in the
    /// sequence number of the next one.
    Overrun,
}

/// A socket of our own, bound to a portid that the kernel chose.
pub struct Connection {
    socket: NlSocket,
    seq: u32,
    /// Events that arrived while an acknowledgement was waited for.
    early: VecDeque<Event>,
}

impl Connection {
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
        Ok(Connection {
            socket,
            seq: 0,
            early: VecDeque::new(),
        })
    }

    /// Send a request and wait until the module has acknowledged it. Blocks.
    ///
    /// # Errors
    /// [`Error::Call`] named `name`: the errno and the reason with which the module refused; or
    /// the system call that failed.
    pub fn request(&mut self, name: &'static str, kind: u16, payload: &[u8]) -> Result<(), Error> {
        self.seq = self.seq.wrapping_add(1);
        let header = Header {
            kind,
            flags: NLM_F_REQUEST | NLM_F_ACK,
            seq: self.seq,
            portid: PortId::KERNEL,
        };
        self.socket
            .send(header.encode(payload), Msg::empty())
            .map_err(|error| Error::io("sendto", &error))?;
        loop {
            let Ack { errno, text } = match self.read()? {
                Read::Ack { seq, ack } if seq == self.seq => ack,
                Read::Ack { .. } => continue,
                Read::Event(event) => {
                    self.early.push_back(event);
                    continue;
                }
            };
            return match errno {
                0 => Ok(()),
                errno => Err(Error::Call {
                    call: name,
                    errno: Errno::from_raw(errno),
                    hint: text.unwrap_or_default(),
                }),
            };
        }
    }

    /// An event that has arrived already and is not on the socket any more.
    pub fn early(&mut self) -> Option<Event> {
        self.early.pop_front()
    }

    /// The next event. Blocks; call [`Connection::early`] first.
    ///
    /// # Errors
    /// [`Error::Call`] if recvmsg(2) fails or a message is longer than any can be.
    pub fn event(&mut self) -> Result<Event, Error> {
        loop {
            if let Read::Event(event) = self.read()? {
                return Ok(event);
            }
        }
    }

    /// One message. A module sends one in a datagram, and an acknowledgement has its own.
    fn read(&self) -> Result<Read, Error> {
        let mut buffer = [0; RECEIVE_MAX];
        loop {
            let mut parts = [IoSliceMut::new(&mut buffer)];
            let received = recvmsg::<NetlinkAddr>(
                self.socket.as_raw_fd(),
                &mut parts,
                None,
                MsgFlags::empty(),
            );
            let (len, from, flags) = match received {
                Ok(message) => (message.bytes, message.address, message.flags),
                Err(Errno::EINTR) => continue,
                Err(Errno::ENOBUFS) => return Ok(Read::Event(Event::Overrun)),
                Err(errno) => return Err(Error::call("recvmsg", errno)),
            };
            // Any process may send to our portid if it is privileged; only the kernel is believed.
            if from.map(|address| PortId(address.pid())) != Some(PortId::KERNEL) {
                continue;
            }
            if flags.contains(MsgFlags::MSG_TRUNC) {
                return Err(Error::call("recvmsg", Errno::EMSGSIZE));
            }
            let Some(message) = messages(&buffer[..len]).next().transpose()? else {
                continue;
            };
            let header = message.header;
            return Ok(match message.ack()? {
                Some(ack) => Read::Ack {
                    seq: header.seq,
                    ack,
                },
                None => Read::Event(Event::Data {
                    header,
                    payload: message.payload.to_vec(),
                }),
            });
        }
    }
}

/// What one message on the socket is.
enum Read {
    Ack { seq: u32, ack: Ack },
    Event(Event),
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the socket is open as long as it lives, and the borrow ends before that.
        unsafe { BorrowedFd::borrow_raw(self.socket.as_raw_fd()) }
    }
}
