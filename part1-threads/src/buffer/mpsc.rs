// SPDX-License-Identifier: MIT OR Apache-2.0
//! The same interface over [`std::sync::mpsc`].
//!
//! Its receiver is made for one consumer, so consumers share it under a mutex. The consumer that
//! waits for an item holds the mutex; the others wait for the mutex.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

use super::{Closed, Put, Take};

/// See [`Put`].
#[derive(Clone)]
pub struct Putter<T>(Option<SyncSender<T>>);

/// See [`Take`].
#[derive(Clone)]
pub struct Taker<T>(Arc<Mutex<Receiver<T>>>);

/// Both ends of an empty buffer.
pub fn open<T: Clone + Send>(capacity: NonZeroUsize) -> (Putter<T>, Taker<T>) {
    let (sender, receiver) = sync_channel(capacity.get());
    (Putter(Some(sender)), Taker(Arc::new(Mutex::new(receiver))))
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
        let receiver = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        receiver.recv().ok()
    }
}
