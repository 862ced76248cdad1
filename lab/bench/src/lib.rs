// SPDX-License-Identifier: MIT OR Apache-2.0
//! The output of `lab-bench`: one [`Sample`] per line, as JSON. These are raw figures; the host
//! computes medians and ratios.

use serde::{Deserialize, Serialize};

/// A test. Samples of one test are compared with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Test {
    /// Put an item into a buffer and take it out; size: threads of each kind.
    Buffer,
    /// Write a message and read it, in one thread; size: its bytes.
    Message,
    /// Choose a channel at random and read it; size: channels of the slot that hold a message.
    Lookup,
    /// The same among a few channels of the slot, so that their data is in the caches.
    LookupFew,
    /// Kernel memory of channels with neighbouring ids; size: bytes of each message.
    Memory,
    /// Kernel memory of channels whose ids lie far apart; size: bytes of each message.
    MemoryScattered,
    /// Publish a message; size: subscribers. An operation is one delivery.
    FanOut,
    /// The same, and reading it.
    FanOutRead,
}

/// The mechanism of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// The buffer of part 1.
    Mutex,
    /// A channel of crossbeam-channel.
    Crossbeam,
    /// A channel of the standard library.
    Std,
    /// The message slot.
    Slot,
    /// A pipe.
    Pipe,
    /// A POSIX message queue.
    Mqueue,
    /// Pairs of `AF_UNIX` datagram sockets.
    Unix,
    /// The router of part 3.
    Router,
    /// `netlink_broadcast()`, by way of `NETLINK_USERSOCK`.
    Broadcast,
}

/// One measurement. Samples of the same test, way and size are in the order of their rounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The test.
    pub test: Test,
    /// The way.
    pub way: Way,
    /// See [`Test`].
    pub size: u64,
    /// Number of operations.
    pub operations: u64,
    /// Cost of all operations.
    pub spent: Spent,
}

/// The cost of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spent {
    /// Time.
    Time {
        /// By the clock.
        wall_ns: u64,
        /// Of a processor, in user space and kernel; `None` if it could not be measured.
        cpu_ns: Option<u64>,
    },
    /// Memory of the kernel, in bytes.
    Memory(u64),
}
