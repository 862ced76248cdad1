// SPDX-License-Identifier: MIT OR Apache-2.0
//! Clause T9: every interleaving of the buffer's synchronisation, within a bounded number of
//! pre-emptions, tried by loom.
//!
//! The buffer's source is compiled a second time here, against loom's mutex and condition variable
//! (`sync`). For each notification in it, it is shown that the models fail without it.

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
    /// All that is there.
    All,
}

/// Try all interleavings with at most so many pre-emptions; the model is carried out for each.
fn explore(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// Shared by an `Arc` of the standard library: it is not what is modelled, and loom's cannot be
/// dropped when a model has ended in a deadlock.
fn buffer(capacity: usize) -> Arc<Buffer<u32>> {
    Arc::new(Buffer::new(NonZeroUsize::new(capacity).unwrap()))
}

/// Two producers with so many items each, two consumers; closed when the producers have ended. No
/// consumer sees the end before that, and none finds more than there are places.
fn everything_comes_once(preemptions: usize, capacity: usize, each: u32, taking: Taking) {
    explore(preemptions, move || {
        let buffer = buffer(capacity);
        // Of the standard library as well: seeing it must give loom nothing to try.
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

/// Two producers and nobody who takes: closing gives them back what has no place.
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

// With two pre-emptions this would take minutes.
#[test]
fn t9_capacity_1_two_items_each() {
    everything_comes_once(1, 1, 2, Taking::One);
    everything_comes_once(1, 1, 2, Taking::All);
}

// Two items each: they fill the buffer, and there is still one that has to wait.

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
        assert!(deadlocks, "nobody misses the notification at {place:?}");
    }
}
