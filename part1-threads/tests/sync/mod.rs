// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loom's primitives under the names of the standard library. The condition variable can leave out
//! the notifications of one place in the source.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    panic::Location,
};

use loom::sync::LockResult;
pub(crate) use loom::sync::{Mutex, MutexGuard};

/// Line and column of a call.
pub(crate) type Place = (u32, u32);

// Loom runs all threads of a model on the calling thread, so these belong to one test each.
thread_local! {
    static NOTIFYING: RefCell<BTreeSet<Place>> = const { RefCell::new(BTreeSet::new()) };
    static LEFT_OUT: Cell<Option<Place>> = const { Cell::new(None) };
}

/// Places from which this thread's models have notified so far.
pub(crate) fn notifying() -> BTreeSet<Place> {
    NOTIFYING.with_borrow(Clone::clone)
}

/// Leave out the notifications of one place from now on.
pub(crate) fn leave_out(place: Option<Place>) {
    LEFT_OUT.set(place);
}

pub(crate) struct Condvar(loom::sync::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Condvar(loom::sync::Condvar::new())
    }

    #[track_caller]
    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        self.0.wait(guard)
    }

    #[track_caller]
    pub(crate) fn notify_one(&self) {
        if carried_out(Location::caller()) {
            self.0.notify_one();
        }
    }

    #[track_caller]
    pub(crate) fn notify_all(&self) {
        if carried_out(Location::caller()) {
            self.0.notify_all();
        }
    }
}

fn carried_out(caller: &Location<'_>) -> bool {
    let place = (caller.line(), caller.column());
    NOTIFYING.with_borrow_mut(|known| known.insert(place));
    LEFT_OUT.get() != Some(place)
}
