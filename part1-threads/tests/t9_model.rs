// SPDX-License-Identifier: MIT OR Apache-2.0
//! Clause T9: loom tries every interleaving of the buffer's synchronisation, within a bounded
//! number of pre-emptions.
//!
//! The buffer's source is compiled a second time here, with loom's mutex and condition variable
//! (`sync`). The models must fail without any one of its notifications.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use loom::{model::Builder, thread};
use part1_threads::Closed;

#[path = "../src/buffer/mutex.rs"]
pub mod mutex;
mod sync;

use mutex::Buffer;

/// How consumers take.
#[derive(Clone, Copy, Debug)]
enum Taking {
    /// Item by item.
    One,
    /// All available items.
    All,
}

/// Try all interleavings with at most this many pre-emptions. Each carries out the model.
fn explore(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// Shared by an `Arc` of the standard library. It is not part of the model, and loom's cannot be
/// dropped after a deadlock.
fn buffer(capacity: usize) -> Arc<Buffer<u32>> {
    Arc::new(Buffer::new(NonZeroUsize::new(capacity).unwrap()))
}

/// Two producers with this many items each, and two consumers. The buffer is closed when the
/// producers have ended. No consumer sees the end before that, or more items than there are places.
fn everything_comes_once(preemptions: usize, capacity: usize, each: u32, taking: Taking) {
    explore(preemptions, move || {
        let buffer = buffer(capacity);
        // Of the standard library, because access to it must not create interleavings.
        let closing = Arc::new(AtomicBool::new(false));
        let producers = [0, 10].map(|first| {
            let buffer = Arc::clone(&buffer);
            thread::spawn(move || {
                for item in first..first + each {
                    assert_eq!(buffer.put(item), Ok(()));
                }
            })
        });
        let consumers = [(); 2].map(|()| {
            let (buffer, closing) = (Arc::clone(&buffer), Arc::clone(&closing));
            thread::spawn(move || {
                let came = consume(&buffer, capacity, taking);
                assert!(closing.load(Relaxed), "the end before it is closed");
                came
            })
        });
        for producer in producers {
            producer.join().unwrap();
        }
        closing.store(true, Relaxed);
        buffer.close();
        assert_eq!(buffer.put(99), Err(Closed(99)));
        let mut came = Vec::new();
        for consumer in consumers {
            let items = consumer.join().unwrap();
            for of_one in [0..10, 10..20] {
                let order: Vec<_> = items.iter().filter(|item| of_one.contains(*item)).collect();
                assert!(order.is_sorted(), "{order:?}");
            }
            came.extend(items);
        }
        came.sort_unstable();
        let put: Vec<_> = (0..each).chain(10..10 + each).collect();
        assert_eq!(came, put);
    });
}

fn consume(buffer: &Buffer<u32>, capacity: usize, taking: Taking) -> Vec<u32> {
    let mut came = Vec::new();
    match taking {
        Taking::One => came.extend(std::iter::from_fn(|| buffer.take())),
        Taking::All => loop {
            let mut batch = VecDeque::new();
            buffer.take_all(&mut batch);
            if batch.is_empty() {
                break;
            }
            assert!(batch.len() <= capacity, "more than fit in: {batch:?}");
            came.extend(batch);
        },
    }
    came
}

/// Two producers without consumers: closing returns the items that have no place.
fn nobody_waits_for_a_place_in_a_closed_buffer() {
    explore(2, || {
        let buffer = buffer(1);
        let producers = [0, 1].map(|item| {
            let buffer = Arc::clone(&buffer);
            thread::spawn(move || buffer.put(item))
        });
        buffer.close();
        let put = producers.map(|producer| producer.join().unwrap().is_ok());
        assert_eq!(buffer.take().is_some(), put.contains(&true));
        assert_eq!(buffer.take(), None);
    });
}

#[test]
fn t9_capacity_1_item_by_item() {
    everything_comes_once(2, 1, 1, Taking::One);
}

#[test]
fn t9_capacity_1_all_at_once() {
    everything_comes_once(2, 1, 1, Taking::All);
}

// Two pre-emptions would take minutes.
#[test]
fn t9_capacity_1_two_items_each() {
    everything_comes_once(1, 1, 2, Taking::One);
    everything_comes_once(1, 1, 2, Taking::All);
}

// Two items each: they fill the buffer, and a producer must still wait.

#[test]
fn t9_capacity_2_item_by_item() {
    everything_comes_once(2, 2, 2, Taking::One);
}

#[test]
fn t9_capacity_2_all_at_once() {
    everything_comes_once(2, 2, 2, Taking::All);
}

#[test]
fn t9_closed_without_consumers() {
    nobody_waits_for_a_place_in_a_closed_buffer();
}

#[test]
fn t9_each_notification_is_needed() {
    let models: [&dyn Fn(); 3] = [
        &|| everything_comes_once(2, 1, 1, Taking::One),
        &|| everything_comes_once(2, 1, 1, Taking::All),
        &nobody_waits_for_a_place_in_a_closed_buffer,
    ];
    for model in models {
        model();
    }
    let places = sync::notifying();
    assert!(!places.is_empty(), "no notification in the source");
    for place in places {
        sync::leave_out(Some(place));
        let deadlocks = models.iter().any(|model| {
            let Err(panic) = catch_unwind(AssertUnwindSafe(model)) else {
                return false;
            };
            panic
                .downcast_ref::<String>()
                .is_some_and(|text| text.starts_with("deadlock"))
        });
        assert!(
            deadlocks,
            "no model fails without the notification at {place:?}"
        );
    }
}
