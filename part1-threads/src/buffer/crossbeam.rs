// SPDX-License-Identifier: MIT OR Apache-2.0
//! The same interface over `crossbeam-channel`: an array of slots with a stamp each, and no lock.

use std::num::NonZeroUsize;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{Closed, Put, Take};

/// See [`Put`].
#[derive(Clone)]
pub struct Putter<T>(Option<Sender<T>>);

/// See [`Take`].
#[derive(Clone)]
pub struct Taker<T>(Receiver<T>);

/// Both ends of an empty buffer.
pub fn open<T: Clone + Send>(capacity: NonZeroUsize) -> (Putter<T>, Taker<T>) {
    let (sender, receiver) = bounded(capacity.get());
    (Putter(Some(sender)), Taker(receiver))
}

impl<T: Clone + Send> Put<T> for Putter<T> {
    fn put(&mut self, item: T) -> Result<(), Closed<T>> {
        match &self.0 {
            Some(sender) => sender.send(item).map_err(|refused| Closed(refused.0)),
            None => Err(Closed(item)),
        }
    }

    fn close(&mut self) {
        self.0 = None;
    }
}

impl<T: Clone + Send> Take<T> for Taker<T> {
    fn take(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}
