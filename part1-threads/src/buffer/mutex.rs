// SPDX-License-Identifier: MIT OR Apache-2.0
//! Our own bounded buffer: one mutex, two condition variables.
//!
//! It knows nothing of ends; `own` adds them. `tests/t9_model.rs` and the grader compile this file a
//! second time, against loom: of the crate it may name [`Closed`] and [`crate::sync`] only, and no
//! other synchronisation. More files go in as `#[path = "ring.rs"] mod ring;`, and lie beside it.

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

// lab:begin buffer-state: what the mutex guards (T1, T4)
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
        // lab:begin buffer-put: wait for a place; wake who waits for an item (T1, T4, T9)
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
        // lab:end stub: Err(Closed(item))
    }

    /// Take the oldest item out; `None` if the buffer is closed and empty. Blocks while it is
    /// empty and not closed.
    pub fn take(&self) -> Option<T> {
        // lab:begin buffer-take: wait for an item; wake who waits for a place (T1, T4, T9)
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

    /// Take all items out, in their order, and append them to `batch`: for a consumer that does
    /// not want the mutex for each. Nothing is appended if the buffer is closed and empty. Blocks
    /// while it is empty and not closed.
    pub fn take_all(&self, batch: &mut VecDeque<T>) {
        // lab:begin buffer-take-all: wait for an item and take all there are; wake who waits for a place (T1, T4, T9)
        let mut state = self.wait_for_item();
        batch.append(&mut state.queue);
        let wanted = state.producers.notify_all();
        drop(state);
        if wanted {
            self.places.notify_all();
        }
        // lab:end stub: batch.clear();
    }

    /// Take no more items in. Whoever waits for a place gets the item back, whoever waits for an
    /// item sees the end.
    pub fn close(&self) {
        // lab:begin buffer-close: nobody waits any more (T4, T6, T9)
        self.lock().closed = true;
        self.items.notify_all();
        self.places.notify_all();
        // lab:end
    }

    // lab:begin buffer-wait: wait for an item; the lock, when another thread has panicked (T1, T6)
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
    // lab:end
}

// lab:begin buffer-condvar: wait on a condition variable, whatever happened to others (T6)
fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}
// lab:end
