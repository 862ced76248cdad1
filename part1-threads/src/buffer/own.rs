// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ends of our own buffer, [`Buffer`].

use std::{collections::VecDeque, num::NonZeroUsize, sync::Arc};

use super::{Closed, Put, Take, mutex::Buffer};

/// Closes the buffer as soon as nobody has it any more: the last of its side has gone.
struct Side<T>(Arc<Buffer<T>>);

impl<T> Drop for Side<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// See [`Put`].
pub struct Putter<T>(Option<Arc<Side<T>>>);

/// See [`Take`]. It takes all that it finds under one lock and hands it out one by one: so another
/// capacity of items may be in the hands of each consumer.
pub struct Taker<T> {
    side: Arc<Side<T>>,
    /// Taken out and not handed out yet.
    batch: VecDeque<T>,
}

/// Both ends of an empty buffer.
pub fn open<T: Send>(capacity: NonZeroUsize) -> (Putter<T>, Taker<T>) {
    let buffer = Arc::new(Buffer::new(capacity));
    let putter = Putter(Some(Arc::new(Side(Arc::clone(&buffer)))));
    let taker = Taker {
        side: Arc::new(Side(buffer)),
        batch: VecDeque::new(),
    };
    (putter, taker)
}

// Not derived: that would ask for `T: Clone`.
impl<T> Clone for Putter<T> {
    fn clone(&self) -> Self {
        Putter(self.0.clone())
    }
}

impl<T> Clone for Taker<T> {
    fn clone(&self) -> Self {
        Taker {
            side: Arc::clone(&self.side),
            batch: VecDeque::new(),
        }
    }
}

impl<T: Send> Put<T> for Putter<T> {
    fn put(&mut self, item: T) -> Result<(), Closed<T>> {
        match &self.0 {
            Some(side) => side.0.put(item),
            None => Err(Closed(item)),
        }
    }

    fn close(&mut self) {
        self.0 = None;
    }
}

impl<T: Send> Take<T> for Taker<T> {
    fn take(&mut self) -> Option<T> {
        if self.batch.is_empty() {
            self.side.0.take_all(&mut self.batch);
        }
        self.batch.pop_front()
    }
}
