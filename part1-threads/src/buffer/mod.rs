// SPDX-License-Identifier: MIT OR Apache-2.0
//! One face for three bounded buffers: [`mutex`], our own; [`crossbeam`] and [`mpsc`], channels
//! written by professionals.
//!
//! A buffer is used through its ends. Each producer has a [`Put`] of its own and each consumer a
//! [`Take`], both cloned from the pair that `open` of one of the three returns. The buffer is closed
//! when no `Put` is open any more, or no `Take` is left: whoever ends, by a panic too, leaves nobody
//! waiting for ever.

pub mod crossbeam;
pub mod mpsc;
pub mod mutex;
pub mod own;

/// The buffer is closed; here is the item that it did not take.
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

    /// Put nothing more in. When all producers have said so, or have dropped their ends, consumers
    /// get what is left and then see the end.
    fn close(&mut self);
}

/// The consumer's end of a buffer.
pub trait Take<T>: Clone + Send {
    /// Take the oldest item out; `None` if the buffer is closed and empty. Blocks while it is
    /// empty and not closed.
    fn take(&mut self) -> Option<T>;
}
