// SPDX-License-Identifier: MIT OR Apache-2.0
//! The router: sockets, the lists of their roles, and the queue of each socket.
//!
//! Requests are bytes, because the contract also covers malformed ones.

use std::collections::{BTreeMap, VecDeque};

use super::{
    Allowed, Errno, Handle,
    requests::{Asked, requests},
};
use crate::{
    netlink::{Message, NLM_F_ACK, NLMSG_MIN_TYPE, PortId},
    router::{LIST, Member, PUBLISH, REGISTER, Report, Roles, UNREGISTER},
};

/// A message in the queue of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// The answer to a request.
    Ack {
        /// Sequence number of the request. `None` allows any number, if the request's header was
        /// malformed.
        seq: Option<u32>,
        /// Number of delivered copies of the publication, or the errno of the refusal.
        result: Allowed<Option<Report>>,
    },
    /// A message for a subscriber.
    Data {
        /// Its number.
        seq: u32,
        /// The publisher.
        sender: PortId,
        /// Its body.
        body: Vec<u8>,
    },
    /// The answer to [`LIST`], to its end: members in any order. Their pid is the number of the
    /// process in its [`Handle`].
    List(Vec<Member>),
}

#[derive(Clone, Debug)]
struct Subscriber {
    socket: Handle,
    member: Member,
    /// Number of its last message.
    seq: u32,
}

#[derive(Clone, Debug)]
struct Socket {
    portid: PortId,
    queue: VecDeque<Incoming>,
}

/// All sockets, and both lists.
#[derive(Clone, Debug, Default)]
pub struct Router {
    sockets: BTreeMap<Handle, Socket>,
    publishers: BTreeMap<Handle, Member>,
    subscribers: Vec<Subscriber>,
}

impl Router {
    /// Whether a socket of this name is open.
    pub fn is_open(&self, socket: Handle) -> bool {
        self.sockets.contains_key(&socket)
    }

    /// Number of messages in the queue of a socket.
    pub fn waiting(&self, socket: Handle) -> usize {
        self.sockets.get(&socket).map_or(0, |open| open.queue.len())
    }

    /// Length of the longest queue.
    pub fn longest(&self) -> usize {
        self.sockets
            .values()
            .map(|socket| socket.queue.len())
            .max()
            .unwrap_or(0)
    }

    /// Open a socket at an address.
    ///
    /// # Errors
    /// `EADDRINUSE` if another socket has the address; `EBADF` if the name is used.
    pub fn open(&mut self, socket: Handle, portid: PortId) -> Allowed<()> {
        if self.is_open(socket) {
            return Err(vec![Errno::EBADF]);
        }
        if self.sockets.values().any(|other| other.portid == portid) {
            return Err(vec![Errno::EADDRINUSE]);
        }
        let queue = VecDeque::new();
        self.sockets.insert(socket, Socket { portid, queue });
        Ok(())
    }

    /// Close a socket: its roles and its queue are removed.
    ///
    /// # Errors
    /// `EBADF` if it is not open.
    pub fn close(&mut self, socket: Handle) -> Allowed<()> {
        if self.sockets.remove(&socket).is_none() {
            return Err(vec![Errno::EBADF]);
        }
        self.remove(socket, Roles::PUBLISHER);
        self.remove(socket, Roles::SUBSCRIBER);
        Ok(())
    }

    /// A process ends in any way: its sockets are closed.
    pub fn end(&mut self, process: u8) {
        self.sockets.retain(|socket, _| socket.process != process);
        self.publishers
            .retain(|socket, _| socket.process != process);
        self.subscribers
            .retain(|member| member.socket.process != process);
    }

    /// Send to the address of another socket as an ordinary user, which is never allowed.
    ///
    /// # Errors
    /// Always.
    pub fn send_to_another(&self) -> Allowed<()> {
        Err(vec![Errno::EPERM])
    }

    /// Send a datagram to the kernel. The answers are put into the queue of the socket.
    ///
    /// # Errors
    /// `EBADF` if the socket is not open. Mistakes in the datagram are answers.
    pub fn send(&mut self, socket: Handle, datagram: &[u8]) -> Allowed<()> {
        if !self.is_open(socket) {
            return Err(vec![Errno::EBADF]);
        }
        // One wrong header, and nothing of the datagram is carried out.
        let Some(requests) = requests(datagram) else {
            let result = Err(vec![Errno::EINVAL]);
            self.queue(socket, Incoming::Ack { seq: None, result });
            return Ok(());
        };
        for request in requests {
            let header = request.header;
            let result = if header.kind < NLMSG_MIN_TYPE {
                Ok(None)
            } else {
                self.request(socket, &request)
            };
            match result {
                // The end of the list is the answer.
                Ok(_) if header.kind == LIST => {
                    let members = self.members();
                    self.queue(socket, Incoming::List(members));
                }
                result if result.is_err() || header.flags & NLM_F_ACK != 0 => {
                    let seq = Some(header.seq);
                    self.queue(socket, Incoming::Ack { seq, result });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Take the oldest message from the queue of a socket.
    pub fn receive(&mut self, socket: Handle) -> Option<Incoming> {
        self.sockets.get_mut(&socket)?.queue.pop_front()
    }

    fn queue(&mut self, socket: Handle, incoming: Incoming) {
        if let Some(open) = self.sockets.get_mut(&socket) {
            open.queue.push_back(incoming);
        }
    }

    fn members(&self) -> Vec<Member> {
        let subscribers = self.subscribers.iter().map(|member| member.member);
        self.publishers
            .values()
            .copied()
            .chain(subscribers)
            .collect()
    }

    /// Whether a socket has a role.
    pub fn has(&self, socket: Handle, role: Roles) -> bool {
        match role {
            Roles::PUBLISHER => self.publishers.contains_key(&socket),
            _ => self.subscribers.iter().any(|other| other.socket == socket),
        }
    }

    /// One request: all its mistakes are found before anything changes.
    fn request(&mut self, socket: Handle, request: &Message<'_>) -> Allowed<Option<Report>> {
        let (asked, mut wrong) = Asked::of(request)?;
        let kind = request.header.kind;
        match kind {
            REGISTER if asked.each_role().any(|role| self.has(socket, role)) => {
                wrong.insert(Errno::EALREADY);
            }
            UNREGISTER if !asked.each_role().all(|role| self.has(socket, role)) => {
                wrong.insert(Errno::ENOENT);
            }
            PUBLISH if !self.has(socket, Roles::PUBLISHER) => {
                wrong.insert(Errno::EPERM);
            }
            LIST if self.is_listing(socket) => {
                wrong.insert(Errno::EBUSY);
            }
            _ => {}
        }
        if !wrong.is_empty() {
            return Err(wrong.into_iter().collect());
        }
        match kind {
            PUBLISH => return Ok(Some(self.publish(socket, asked.body.unwrap_or_default()))),
            REGISTER => {
                for role in asked.each_role() {
                    self.add(socket, role, asked.from);
                }
            }
            UNREGISTER => {
                for role in asked.each_role() {
                    self.remove(socket, role);
                }
            }
            _ => {}
        }
        Ok(None)
    }

    fn is_listing(&self, socket: Handle) -> bool {
        let unread = |incoming: &Incoming| matches!(incoming, Incoming::List(_));
        let open = self.sockets.get(&socket);
        open.is_some_and(|open| open.queue.iter().any(unread))
    }

    fn remove(&mut self, socket: Handle, role: Roles) {
        if role == Roles::PUBLISHER {
            self.publishers.remove(&socket);
        } else {
            self.subscribers.retain(|other| other.socket != socket);
        }
    }

    fn add(&mut self, socket: Handle, role: Roles, from: Option<PortId>) {
        let Some(open) = self.sockets.get(&socket) else {
            return;
        };
        let mut member = Member {
            role,
            portid: open.portid,
            pid: socket.process.into(),
            from: None,
            delivered: 0,
            dropped: 0,
        };
        if role == Roles::PUBLISHER {
            self.publishers.insert(socket, member);
        } else {
            member.from = from;
            let seq = 0;
            self.subscribers.push(Subscriber {
                socket,
                member,
                seq,
            });
        }
    }

    /// To every subscription that covers the sender, except the sender itself.
    fn publish(&mut self, socket: Handle, body: &[u8]) -> Report {
        let mut report = Report::default();
        let Some(sender) = self.sockets.get(&socket).map(|open| open.portid) else {
            return report;
        };
        for subscriber in &mut self.subscribers {
            let from = subscriber.member.from;
            if subscriber.socket == socket || from.is_some_and(|from| from != sender) {
                continue;
            }
            subscriber.seq += 1;
            subscriber.member.delivered += 1;
            report.delivered += 1;
            if let Some(open) = self.sockets.get_mut(&subscriber.socket) {
                open.queue.push_back(Incoming::Data {
                    seq: subscriber.seq,
                    sender,
                    body: body.to_vec(),
                });
            }
        }
        if let Some(publisher) = self.publishers.get_mut(&socket) {
            publisher.delivered += report.delivered;
        }
        report
    }
}

#[cfg(test)]
mod tests;
