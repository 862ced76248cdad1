// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the netlink programs of parts 2 and 3 share: a socket to a module, one error, waiting for
//! input or for a signal, and the end of a program.
//!
//! It is given: no task is in here. It makes system calls and uses the wire formats of `protocol`.
//! It decides nothing: a program says itself what it asks, what it believes and what it prints.

pub mod error;
pub mod input;
pub mod ready;
pub mod socket;

pub use error::{Error, finish};
