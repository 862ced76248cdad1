// SPDX-License-Identifier: MIT OR Apache-2.0
//! This crate's own bounded buffer: one mutex, two condition variables.
//!
//! It knows nothing of ends; `own` adds them. `tests/t9_model.rs` and the grader compile this file
//! a second time with loom. So it may use only [`Closed`] and [`crate::sync`] of the crate, and no
//! other synchronisation. Further files are beside it and included as `#[path = "ring.rs"] mod
//! ring;`.

use std::{collections::VecDeque, num::NonZeroUsize, sync::PoisonError};

use crate::{
    Closed,
    sync::{Condvar, Mutex, MutexGuard},
};

/// A queue with a limited length, shared by any number of producers and consumers.
pub struct Buffer<T> {
    /// The most items in the queue.
    capacity: usize,
    /// All mutable state. A waiting thread releases the mutex.
    state: Mutex<State<T>>,
    /// Consumers wait here for an item, or for the end.
    items: Condvar,
    /// Producers wait here for a free place, or for the end.
    places: Condvar,
}

// lab:begin buffer-state: what the mutex guards (T1, T4)
struct State<T> {
    /// The oldest item is in front.
    queue: VecDeque<T>,
    /// Set once and never cleared.
    closed: bool,
    /// Waiters on `items`.
    consumers: Waiters,
    /// Waiters on `places`.
    producers: Waiters,
}

/// The most threads that wait on a condition variable and have not been notified. A thread that
/// wakes up by itself stays counted. Notifying is a system call even if no thread waits, so only
/// counted threads are notified, once each.
#[derive(Default)]
struct Waiters(usize);

impl Waiters {
    /// Whether a thread must be notified. It is then not counted any more.
    fn notify_one(&mut self) -> bool {
        let any = self.0 > 0;
        self.0 = self.0.saturating_sub(1);
        any
    }

    /// Whether any thread must be notified. No thread is then counted any more.
    fn notify_all(&mut self) -> bool {
        std::mem::take(&mut self.0) > 0
    }
}

impl<T> State<T> {
    fn with_capacity(capacity: usize) -> Self {
        State {
            queue: VecDeque::with_capacity(capacity),
            closed: false,
            consumers: Waiters::default(),
            producers: Waiters::default(),
        }
    }
}
// lab:end stub: type State<T> = VecDeque<T>;

impl<T> Buffer<T> {
    /// An empty buffer.
    pub fn new(capacity: NonZeroUsize) -> Self {
        let capacity = capacity.get();
        Buffer {
            capacity,
            state: Mutex::new(State::with_capacity(capacity)),
            items: Condvar::new(),
            places: Condvar::new(),
        }
    }

    /// Put an item in. Blocks while the buffer is full.
    ///
    /// # Errors
    /// [`Closed`] with the item.
    pub fn put(&self, item: T) -> Result<(), Closed<T>> {
        // lab:begin buffer-put: wait for a place; wake a thread that waits for an item (T1, T4, T9)
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
        // Unlock first, because a notified thread would wait for the mutex.
        drop(state);
        if wanted {
            self.items.notify_one();
        }
        Ok(())
        // lab:end stub: Err(Closed(item))
    }

    /// Take the oldest item out; `None` if the buffer is closed and empty. Blocks while it is
    /// empty and not closed.
    pub fn take(&self) -> Option<T> {
        // lab:begin buffer-take: wait for an item; wake a thread that waits for a place (T1, T4, T9)
        let mut state = self.wait_for_item();
        let item = state.queue.pop_front()?;
        let wanted = state.producers.notify_one();
        drop(state);
        if wanted {
            self.places.notify_one();
        }
        Some(item)
        // lab:end stub: None
    }

    /// Take all items out, in order, and append them to `batch`, with a single use of the mutex.
    /// Nothing is appended if the buffer is closed and empty. Blocks while it is empty and not
    /// closed.
    pub fn take_all(&self, batch: &mut VecDeque<T>) {
        // lab:begin buffer-take-all: take all items; wake the threads that wait for a place (T1, T4, T9)
        let mut state = self.wait_for_item();
        batch.append(&mut state.queue);
        let wanted = state.producers.notify_all();
        drop(state);
        if wanted {
            self.places.notify_all();
        }
        // lab:end stub: batch.clear();
    }

    /// Accept no more items. A thread that waits for a place gets its item back; one that waits for
    /// an item sees the end.
    pub fn close(&self) {
        // lab:begin buffer-close: no thread waits any more (T4, T6, T9)
        self.lock().closed = true;
        self.items.notify_all();
        self.places.notify_all();
        // lab:end
    }

    // lab:begin buffer-wait: wait for an item; the lock after a panic of another thread (T1, T6)
    /// Wait until there is an item, or the end.
    fn wait_for_item(&self) -> MutexGuard<'_, State<T>> {
        let mut state = self.lock();
        while state.queue.is_empty() && !state.closed {
            state.consumers.0 += 1;
            state = wait(&self.items, state);
        }
        state
    }

    /// No code of the caller runs under the lock, so a panic leaves the state consistent.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    // lab:end
}

// lab:begin buffer-condvar: wait on a condition variable, even after a panic of another thread (T6)
fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}
// lab:end
