// SPDX-License-Identifier: MIT OR Apache-2.0
//! Our own bounded buffer: one mutex, two condition variables.
//!
//! It knows nothing of ends; `own` adds them. `tests/t9_model.rs` compiles this file a second time,
//! against loom: it may name no synchronisation but that of [`crate::sync`].

use std::{collections::VecDeque, num::NonZeroUsize, sync::PoisonError};

use crate::{
    Closed,
    sync::{Condvar, Mutex, MutexGuard},
};

/// A queue of at most so many items, shared by any number of producers and consumers.
pub struct Buffer<T> {
    /// Most items that the queue holds at a time.
    capacity: usize,
    /// All that changes. Given up by whoever waits.
    state: Mutex<State<T>>,
    /// Consumers wait here for an item, or for the end.
    items: Condvar,
    /// Producers wait here for a free place, or for the end.
    places: Condvar,
}

struct State<T> {
    /// Oldest in front.
    queue: VecDeque<T>,
    /// Set once and never cleared.
    closed: bool,
    /// Waiters on `items`.
    consumers: Waiters,
    /// Waiters on `places`.
    producers: Waiters,
}

/// How many wait on a condition variable and have not been notified, or more: one that wakes up
/// by itself stays counted. To notify is a system call even if nobody waits, so it is done for
/// those counted and once for each.
#[derive(Default)]
struct Waiters(usize);

impl Waiters {
    /// Whether one has to be notified; from now on it counts as that.
    fn notify_one(&mut self) -> bool {
        let any = self.0 > 0;
        self.0 = self.0.saturating_sub(1);
        any
    }

    /// Whether anybody has to be notified; from now on all count as that.
    fn notify_all(&mut self) -> bool {
        std::mem::take(&mut self.0) > 0
    }
}

impl<T> Buffer<T> {
    /// An empty buffer.
    pub fn new(capacity: NonZeroUsize) -> Self {
        let capacity = capacity.get();
        Buffer {
            capacity,
            state: Mutex::new(State {
                queue: VecDeque::with_capacity(capacity),
                closed: false,
                consumers: Waiters::default(),
                producers: Waiters::default(),
            }),
            items: Condvar::new(),
            places: Condvar::new(),
        }
    }

    /// Put an item in. Blocks while the buffer is full.
    ///
    /// # Errors
    /// [`Closed`] with the item.
    pub fn put(&self, item: T) -> Result<(), Closed<T>> {
        let mut state = self.lock();
        while state.queue.len() == self.capacity && !state.closed {
            state.producers.0 += 1;
            state = wait(&self.places, state);
        }
        if state.closed {
            return Err(Closed(item));
        }
        state.queue.push_back(item);
        let wanted = state.consumers.notify_one();
        // Whoever is notified would only wait for the mutex.
        drop(state);
        if wanted {
            self.items.notify_one();
        }
        Ok(())
    }

    /// Take the oldest item out; `None` if the buffer is closed and empty. Blocks while it is
    /// empty and not closed.
    pub fn take(&self) -> Option<T> {
        let mut state = self.wait_for_item();
        let item = state.queue.pop_front()?;
        let wanted = state.producers.notify_one();
        drop(state);
        if wanted {
            self.places.notify_one();
        }
        Some(item)
    }

    /// Take all items out, in their order, and append them to `batch`: for a consumer that does
    /// not want the mutex for each. Nothing is appended if the buffer is closed and empty. Blocks
    /// while it is empty and not closed.
    pub fn take_all(&self, batch: &mut VecDeque<T>) {
        let mut state = self.wait_for_item();
        batch.append(&mut state.queue);
        let wanted = state.producers.notify_all();
        drop(state);
        if wanted {
            self.places.notify_all();
        }
    }

    /// Take no more items in. Whoever waits for a place gets the item back, whoever waits for an
    /// item sees the end.
    pub fn close(&self) {
        self.lock().closed = true;
        self.items.notify_all();
        self.places.notify_all();
    }

    /// Wait until there is an item, or the end.
    fn wait_for_item(&self) -> MutexGuard<'_, State<T>> {
        let mut state = self.lock();
        while state.queue.is_empty() && !state.closed {
            state.consumers.0 += 1;
            state = wait(&self.items, state);
        }
        state
    }

    /// No code of others runs under the lock: what a thread that panics leaves behind is in order.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}
