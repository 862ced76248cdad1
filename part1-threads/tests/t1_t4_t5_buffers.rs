// SPDX-License-Identifier: MIT OR Apache-2.0
//! Clauses T1, T4 and T5: how each of the three buffers waits, closes and fills up.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::{
    fs,
    num::NonZeroUsize,
    sync::mpsc::channel,
    thread,
    time::{Duration, Instant},
};

use nix::unistd::gettid;
use part1_threads::buffer::{Closed, Put, Take, crossbeam, mpsc, mutex::Buffer, own};

/// Deadline of events that must happen. A test that passes never waits this long.
const PATIENCE: Duration = Duration::from_secs(300);

/// futex(2) on x86-64.
const FUTEX: &str = "202";

fn capacity(capacity: usize) -> NonZeroUsize {
    NonZeroUsize::new(capacity).unwrap()
}

/// Wait until a thread of this process waits in futex(2) without a time limit.
/// `/proc/PID/task/TID/syscall` has the call's number and arguments; the fourth is the limit. The
/// error is the thread's state.
fn wait_until_blocked(tid: nix::unistd::Pid) -> Result<(), String> {
    let path = format!("/proc/self/task/{tid}/syscall");
    let start = Instant::now();
    loop {
        let text = fs::read_to_string(&path).unwrap();
        let words: Vec<_> = text.split_whitespace().collect();
        if words[0] == FUTEX && words[4] == "0x0" {
            return Ok(());
        }
        if start.elapsed() > PATIENCE {
            return Err(text);
        }
        thread::yield_now();
    }
}

/// Start a thread, wait until it is blocked, carry out `release`, and return the thread's result.
fn blocked_until<R: Send>(work: impl FnOnce() -> R + Send, release: impl FnOnce()) -> R {
    let (sender, receiver) = channel();
    thread::scope(|scope| {
        let thread = scope.spawn(move || {
            sender.send(gettid()).unwrap();
            work()
        });
        let blocked = wait_until_blocked(receiver.recv().unwrap());
        // First, because the scope would wait for a thread that has not ended.
        release();
        let result = thread.join().unwrap();
        assert_eq!(blocked, Ok(()), "it does not wait in futex");
        result
    })
}

#[test]
fn t1_an_empty_buffer_is_waited_for_in_futex() {
    let buffer = Buffer::new(capacity(1));
    let took = blocked_until(|| buffer.take(), || buffer.put(7).unwrap());
    assert_eq!(took, Some(7));
}

#[test]
fn t1_a_full_buffer_is_waited_for_in_futex() {
    let buffer = Buffer::new(capacity(1));
    buffer.put(6).unwrap();
    let put = blocked_until(|| buffer.put(7), || assert_eq!(buffer.take(), Some(6)));
    assert_eq!((put, buffer.take()), (Ok(()), Some(7)));
}

#[test]
fn t4_close_drains_and_then_ends() {
    let buffer = Buffer::new(capacity(3));
    buffer.put("a").unwrap();
    buffer.put("b").unwrap();
    buffer.close();
    assert_eq!(buffer.put("c"), Err(Closed("c")));
    assert_eq!([buffer.take(), buffer.take()], [Some("a"), Some("b")]);
    assert_eq!([buffer.take(), buffer.take()], [None, None]);
    assert_eq!(buffer.put("d"), Err(Closed("d")));
    buffer.close();
}

#[test]
fn t4_close_wakes_who_waits() {
    let empty = Buffer::<u8>::new(capacity(1));
    assert_eq!(blocked_until(|| empty.take(), || empty.close()), None);
    let full = Buffer::new(capacity(1));
    full.put(6).unwrap();
    let put = blocked_until(|| full.put(7), || full.close());
    assert_eq!(
        (put, full.take(), full.take()),
        (Err(Closed(7)), Some(6), None)
    );
}

/// Behaviour of the ends of any buffer when they are closed; `ends` has a capacity of 3.
fn t4_ends<P: Put<u64>, T: Take<u64>>((mut putter, mut taker): (P, T)) {
    let mut other = putter.clone();
    putter.put(1).unwrap();
    putter.close();
    assert_eq!(putter.put(2), Err(Closed(2)));
    // While one is open, more items may come.
    other.put(3).unwrap();
    assert_eq!([taker.take(), taker.take()], [Some(1), Some(3)]);
    assert_eq!(blocked_until(|| taker.take(), || other.close()), None);
}

/// Behaviour of the ends of any buffer without consumers; `ends` has a capacity of 3.
fn t4_nobody_takes<P: Put<u64>, T: Take<u64>>((mut putter, taker): (P, T)) {
    let other = taker.clone();
    for item in 0..3 {
        putter.put(item).unwrap();
    }
    drop(taker);
    // Full, as in T5, and a consumer is left.
    let put = blocked_until(|| putter.put(3), || drop(other));
    assert_eq!(put, Err(Closed(3)));
    assert_eq!(putter.put(4), Err(Closed(4)));
}

#[test]
fn t4_ends_of_all_buffers_close_alike() {
    t4_ends(own::open(capacity(3)));
    t4_ends(crossbeam::open(capacity(3)));
    t4_ends(mpsc::open(capacity(3)));
}

#[test]
fn t4_t5_a_full_buffer_nobody_takes_from() {
    t4_nobody_takes(own::open(capacity(3)));
    t4_nobody_takes(crossbeam::open(capacity(3)));
    t4_nobody_takes(mpsc::open(capacity(3)));
}
