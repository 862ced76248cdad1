// SPDX-License-Identifier: MIT OR Apache-2.0
//! The parts of `router-client`: one netlink socket that two threads share. One thread sends the
//! lines of stdin, the other prints received messages.
//!
//! `protocol` has the wire format. `netlink-client` has the socket, the error, input and signals.

pub mod datagram;
pub mod list;
pub mod receiver;
pub mod sender;

pub use netlink_client::{Error, finish, input, ready, socket::Socket};
