// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 1: producers and consumers, all threads of one process, around a bounded buffer.
//!
//! [`buffer`] has the buffers, [`shares`] divides the items among producers, and [`check`] checks
//! the order. [`run`] has the threads, and [`report`] the text of the result.

pub mod buffer;
pub mod check;
pub mod report;
pub mod run;
pub mod shares;
mod sync;

pub use buffer::Closed;

/// The reason why a run has failed, as one line for stderr.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The first item that is not the expected one.
    #[error("ERROR! data {data} should be {expected}!")]
    OutOfPlace {
        /// The item.
        data: u64,
        /// The expected item.
        expected: u64,
    },
    /// An item that comes after a later one of the same producer. With several consumers, several
    /// items could be next.
    #[error("ERROR! data {data} should be {least} or more!")]
    Backwards {
        /// The item.
        data: u64,
        /// The smallest possible item.
        least: u64,
    },
    /// An item that was never put.
    #[error("ERROR! data {0} was never put!")]
    Unknown(u64),
    /// Two consumers got the same item.
    #[error("ERROR! data {0} came twice!")]
    Twice(u64),
    /// Items were left when all threads had ended.
    #[error("ERROR! List not empty")]
    NotEmpty,
    /// The first item that no consumer got.
    #[error("ERROR! data {0} is missing!")]
    Missing(u64),
    /// A thread panicked.
    #[error("threads: {thread} panicked: {message}")]
    Panicked {
        /// Its name.
        thread: String,
        /// The text of the panic.
        message: String,
    },
    /// A thread could not be started.
    #[error("threads: {thread} could not be started: {source}")]
    Start {
        /// Its name.
        thread: String,
        /// The reason.
        source: std::io::Error,
    },
    /// There is no memory for one bit per item.
    #[error("threads: no memory to remember which of {0} items have come")]
    Memory(u64),
}
