// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ends of this crate's own buffer, [`Buffer`].

use std::{collections::VecDeque, num::NonZeroUsize, sync::Arc};

use super::{Closed, Put, Take, mutex::Buffer};

/// Closes the buffer when the last end of its side is dropped.
struct Side<T>(Arc<Buffer<T>>);

impl<T> Drop for Side<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// See [`Put`].
pub struct Putter<T>(Option<Arc<Side<T>>>);

/// See [`Take`]. It takes all available items under one lock and hands them out one by one. So each
/// consumer may hold up to another capacity of items.
pub struct Taker<T> {
    side: Arc<Side<T>>,
    /// Items that were taken out and not handed out yet.
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

// Not derived, because that would require `T: Clone`.
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
