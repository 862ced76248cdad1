// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `router-client` is made of: one netlink socket that two threads share, one of which sends
//! what it reads from stdin while the other prints what arrives.
//!
//! The wire format is in `protocol`; the socket, the error, input and signals are given in
//! `netlink-client`.

pub mod datagram;
pub mod list;
pub mod receiver;
pub mod sender;

pub use netlink_client::{Error, finish, input, ready, socket::Socket};
