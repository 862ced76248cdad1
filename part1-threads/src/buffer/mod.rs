// SPDX-License-Identifier: MIT OR Apache-2.0
//! One interface for three bounded buffers: [`mutex`] is this crate's own; [`crossbeam`] and
//! [`mpsc`] are professional channels.
//!
//! A buffer is used through its ends. Each producer has a [`Put`] and each consumer a [`Take`],
//! both cloned from the pair that `open` returns. The buffer is closed when no `Put` is open any
//! more, or no `Take` is left. So a thread that ends, even by a panic, leaves no other waiting for
//! ever.

pub mod crossbeam;
pub mod mpsc;
pub mod mutex;
pub mod own;

/// The buffer is closed; this is the item that it did not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the buffer is closed")]
pub struct Closed<T>(pub T);

/// The producer's end of a buffer.
pub trait Put<T>: Clone + Send {
    /// Put an item in. Blocks while the buffer is full.
    ///
    /// # Errors
    /// [`Closed`] with the item, after [`Put::close`] or when no [`Take`] is left.
    fn put(&mut self, item: T) -> Result<(), Closed<T>>;

    /// Put no more items in. When all producers have called this or dropped their ends, consumers
    /// get the remaining items and then see the end.
    fn close(&mut self);
}

/// The consumer's end of a buffer.
pub trait Take<T>: Clone + Send {
    /// Take the oldest item out; `None` if the buffer is closed and empty. Blocks while it is
    /// empty and not closed.
    fn take(&mut self) -> Option<T>;
}
