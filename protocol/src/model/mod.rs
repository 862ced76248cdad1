// SPDX-License-Identifier: MIT OR Apache-2.0
//! The contract as an executable model: a state, operations, and their allowed results.
//!
//! Each model is written from the tables of its stage and knows no implementation. If the contract
//! leaves open which of several errors is returned, all of them are allowed. In a model, memory
//! never runs out, queues never overflow, and operations do not overlap.

mod requests;
pub mod router;
pub mod slot;

use std::fmt;

/// Errors in the contract, with their numbers on Linux (`asm-generic/errno.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i32)]
#[expect(missing_docs, reason = "errno(3) describes them")]
pub enum Errno {
    EPERM = 1,
    ENOENT = 2,
    EBADF = 9,
    EWOULDBLOCK = 11,
    EFAULT = 14,
    EBUSY = 16,
    EINVAL = 22,
    ENOSPC = 28,
    ERANGE = 34,
    EMSGSIZE = 90,
    EOPNOTSUPP = 95,
    EADDRINUSE = 98,
    EALREADY = 114,
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Allowed results of a call: this value, or any one of these errors.
pub type Allowed<T> = Result<T, Vec<Errno>>;

/// An open file or socket of a process, under a name that the caller has chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle {
    /// Index of the process, from 0.
    pub process: u8,
    /// Name of the file or socket.
    pub name: u8,
}

/// `A1`: the first process, name 1.
impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", char::from(b'A' + self.process % 26), self.name)
    }
}
