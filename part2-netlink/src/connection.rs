// SPDX-License-Identifier: MIT OR Apache-2.0
//! A connection to a kernel module: requests with their answers, dumps, and events.
//!
//! `netlink-client` has the socket itself.

use std::{
    collections::VecDeque,
    os::fd::{AsFd, BorrowedFd},
};

use netlink_client::{Error, ready::Stop, socket::Socket};
use nix::{errno::Errno, sys::socket::MsgFlags};
use protocol::netlink::{
    Ack, Header, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, PortId,
    messages,
};

/// Longest datagram of a module, in bytes: a header and a body of 1024; or a refusal with the
/// request and a text; or a part of a dump. Such a part has up to 8192 bytes (`NLMSG_GOODSIZE`,
/// linux/netlink.h), or 32 KiB if the socket reads this much. A longer datagram is an error, and
/// never silently truncated.
const RECEIVE_MAX: usize = 32768;

/// A message that is not an answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A message of the module.
    Data {
        /// Its header.
        header: Header,
        /// Its payload, with its exact length.
        payload: Vec<u8>,
    },
    /// `ENOBUFS`: messages were lost because they were not read in time. The next sequence number
    /// shows how many.
    Overrun,
}

/// The messages of a dump, as header and payload.
pub type Entries = Vec<(Header, Vec<u8>)>;

/// A socket bound to a portid that the kernel chose.
pub struct Connection {
    socket: Socket,
    seq: u32,
    /// Events that arrived before an acknowledgement.
    early: VecDeque<Event>,
    /// The rest of the last datagram, because a part of a dump has many messages.
    unread: VecDeque<Read>,
}

impl Connection {
    /// Open and bind a socket on protocol 31.
    ///
    /// # Errors
    /// [`Error::Call`]; `EPROTONOSUPPORT` if no module has registered the protocol.
    pub fn open() -> Result<Self, Error> {
        Ok(Connection {
            socket: Socket::open()?,
            seq: 0,
            early: VecDeque::new(),
            unread: VecDeque::new(),
        })
    }

    /// Join a multicast group. Its messages become events.
    ///
    /// # Errors
    /// [`Error::Call`] if setsockopt(2) fails.
    pub fn join(&self, group: u32) -> Result<(), Error> {
        self.socket.join(group)
    }

    /// Send a request and wait until the module has acknowledged it. Blocks.
    ///
    /// # Errors
    /// [`Error::Call`] named `name`: the errno and the reason of the refusal; or the system call
    /// that failed.
    pub fn request(&mut self, name: &'static str, kind: u16, payload: &[u8]) -> Result<(), Error> {
        // lab:begin connection-request: wait for its answer; keep other messages (N1, N11)
        self.send(kind, NLM_F_ACK, payload)?;
        loop {
            match self.read()? {
                Read::Ack { seq, ack } if seq == self.seq => return accepted(name, ack),
                Read::Ack { .. } => {}
                Read::Event(event) => self.early.push_back(event),
            }
        }
        // lab:end stub: Err(Error::call(name, Errno::ENOSYS))
    }

    /// Request all entries of a table and wait for them. Blocks. `None` if the table changed
    /// meanwhile; then the entries are useless.
    ///
    /// # Errors
    /// As [`Connection::request`].
    pub fn dump(&mut self, name: &'static str, kind: u16) -> Result<Option<Entries>, Error> {
        // lab:begin connection-dump: all parts of a list, to its end, or detect a change (E3)
        self.send(kind, NLM_F_DUMP, &[])?;
        let mut found = Vec::new();
        let mut whole = true;
        loop {
            match self.read()? {
                Read::Ack { seq, ack } if seq == self.seq => accepted(name, ack)?,
                Read::Ack { .. } => {}
                Read::Event(Event::Data { header, payload }) if header.seq == self.seq => {
                    whole &= header.flags & NLM_F_DUMP_INTR == 0;
                    if header.kind == NLMSG_DONE {
                        return Ok(whole.then_some(found));
                    }
                    found.push((header, payload));
                }
                // Parts of the dump may be lost, even its end.
                Read::Event(Event::Overrun) => return Err(Error::call("recvmsg", Errno::ENOBUFS)),
                Read::Event(event) => self.early.push_back(event),
            }
        }
        // lab:end stub: Err(Error::call(name, Errno::ENOSYS))
    }

    /// Send a request with the next sequence number.
    fn send(&mut self, kind: u16, flags: u16, payload: &[u8]) -> Result<(), Error> {
        self.seq = self.seq.wrapping_add(1);
        let header = Header {
            kind,
            flags: NLM_F_REQUEST | flags,
            seq: self.seq,
            portid: PortId::KERNEL,
        };
        self.socket.send(header, payload)
    }

    /// The next event; `None` after a signal. Blocks.
    ///
    /// # Errors
    /// [`Error::Call`] if recvmsg(2) fails or a message is too long.
    pub fn event(&mut self, stop: &Stop) -> Result<Option<Event>, Error> {
        loop {
            // Messages that were read already do not wake poll(2).
            while let Some(read) = self.unread.pop_front() {
                if let Read::Event(event) = read {
                    self.early.push_back(event);
                }
            }
            if let Some(event) = self.early.pop_front() {
                return Ok(Some(event));
            }
            if !stop.wait(self.as_fd())? {
                return Ok(None);
            }
            self.receive()?;
        }
    }

    /// One message.
    fn read(&mut self) -> Result<Read, Error> {
        loop {
            match self.unread.pop_front() {
                Some(read) => return Ok(read),
                None => self.receive()?,
            }
        }
    }

    /// Receive one datagram, and append its messages to `unread`. Blocks; a signal ends the wait.
    fn receive(&mut self) -> Result<(), Error> {
        // lab:begin connection-receive: one datagram, if the kernel has sent it, whole (N10)
        let mut buffer = vec![0; RECEIVE_MAX];
        let datagram = match self.socket.receive(&mut buffer, MsgFlags::empty()) {
            Ok(datagram) => datagram,
            Err(Errno::EINTR) => return Ok(()),
            Err(Errno::ENOBUFS) => {
                self.unread.push_back(Read::Event(Event::Overrun));
                return Ok(());
            }
            Err(errno) => return Err(Error::call("recvmsg", errno)),
        };
        // Any privileged process may send to this portid, but only the kernel is trusted.
        if datagram.sender != Some(PortId::KERNEL) {
            return Ok(());
        }
        if datagram.truncated {
            return Err(Error::call("recvmsg", Errno::EMSGSIZE));
        }
        for message in messages(&buffer[..datagram.len]) {
            let message = message?;
            let header = message.header;
            self.unread.push_back(match message.ack()? {
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
        Ok(())
        // lab:end stub: Err(Error::call("recvmsg", Errno::ENOSYS))
    }
}

/// The result of an acknowledgement of the request `name`.
fn accepted(name: &'static str, ack: Ack) -> Result<(), Error> {
    match ack.errno {
        0 => Ok(()),
        _ => Err(Error::refused(name, ack)),
    }
}

/// The kind of a message.
enum Read {
    Ack { seq: u32, ack: Ack },
    Event(Event),
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
