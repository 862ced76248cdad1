// SPDX-License-Identifier: MIT OR Apache-2.0
//! Clauses T2, T3 and T6 with faulty buffers: the run reports the fault, and ends.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

mod faulty;

use std::{num::NonZeroUsize, process::ExitCode};

use faulty::Fault;
use part1_threads::{
    Error,
    buffer::{crossbeam, mpsc, own},
    report::{finish, summary},
    run::{Plan, run},
};

/// Stdout, stderr and exit status of a run over this crate's own buffer. The other two buffers must
/// give the same.
fn outcome(
    fault: Fault,
    items: u64,
    producers: usize,
    consumers: usize,
) -> (String, String, ExitCode) {
    let number = |number| NonZeroUsize::new(number).unwrap();
    let plan = Plan {
        items,
        producers: number(producers),
        consumers: number(consumers),
    };
    let capacity = number(4);
    let results = [
        run(plan, faulty::ends(own::open(capacity), fault), &|_| ()),
        run(
            plan,
            faulty::ends(crossbeam::open(capacity), fault),
            &|_| (),
        ),
        run(plan, faulty::ends(mpsc::open(capacity), fault), &|_| ()),
    ];
    let [own, others @ ..] = results.map(|result| {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let text = result.map(|_| summary(plan, 4, "buffer", std::time::Duration::from_secs(1)));
        let status = finish(text, &mut out, &mut err).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(out), text(err), status)
    });
    assert_eq!(others, [own.clone(), own.clone()]);
    own
}

/// The one line on stderr of a run that must fail.
fn error(fault: Fault, items: u64, producers: usize, consumers: usize) -> String {
    let (out, err, status) = outcome(fault, items, producers, consumers);
    assert_eq!((out.as_str(), status), ("", ExitCode::FAILURE), "{err}");
    err
}

#[test]
fn t2_success_is_one_line() {
    let (out, err, status) = outcome(Fault::None, 100, 1, 1);
    let line =
        "100 items in order, 1 producer, 1 consumer, capacity 4, buffer: 1.000 s, 100 items/s\n";
    assert_eq!((&*out, &*err, status), (line, "", ExitCode::SUCCESS));
}

#[test]
fn t2_the_first_that_is_out_of_place() {
    assert_eq!(
        error(Fault::Swap(6), 100, 1, 1),
        "ERROR! data 7 should be 6!\n"
    );
    assert_eq!(
        error(Fault::Swap(0), 2, 1, 1),
        "ERROR! data 1 should be 0!\n"
    );
    assert_eq!(
        error(Fault::Lose(6), 100_000, 1, 1),
        "ERROR! data 7 should be 6!\n"
    );
    assert_eq!(
        error(Fault::Repeat(6), 100_000, 1, 1),
        "ERROR! data 6 should be 7!\n"
    );
}

#[test]
fn t2_an_item_left_over() {
    assert_eq!(
        error(Fault::EndBefore(9), 10, 1, 1),
        "ERROR! List not empty\n"
    );
    // The rest is more than the capacity, and the producer must not wait for ever.
    assert_eq!(
        error(Fault::EndBefore(5), 1000, 1, 1),
        "ERROR! List not empty\n"
    );
}

#[test]
fn t3_each_exactly_once() {
    let (_, err, status) = outcome(Fault::None, 10_001, 3, 2);
    assert_eq!((&*err, status), ("", ExitCode::SUCCESS));
    assert_eq!(
        error(Fault::Lose(9), 10, 1, 1),
        "ERROR! data 9 is missing!\n"
    );
    assert_eq!(
        error(Fault::Lose(77), 1000, 3, 2),
        "ERROR! data 77 is missing!\n"
    );
    let repeated = error(Fault::Repeat(77), 1000, 3, 1);
    assert_eq!(repeated, "ERROR! data 77 should be 78!\n");
}

#[test]
fn t6_a_panicking_producer_ends_the_run() {
    for (producers, consumers) in [(1, 1), (2, 3), (4, 1)] {
        let said = error(Fault::PanicInPut(50), 1_000_000, producers, consumers);
        assert_eq!(said, "threads: producer 1 panicked: put 50\n");
    }
}

#[test]
fn t6_a_panicking_consumer_ends_the_run() {
    let said = error(Fault::PanicInTake(50), 1_000_000, 1, 1);
    assert_eq!(said, "threads: consumer 1 panicked: took 50\n");
    let said = error(Fault::PanicInTake(50), 1_000_000, 4, 1);
    assert_eq!(said, "threads: consumer 1 panicked: took 50\n");
}

#[test]
fn t6_one_of_several_consumers_panics() {
    let number = |number| NonZeroUsize::new(number).unwrap();
    let plan = Plan {
        items: 1_000_000,
        producers: number(2),
        consumers: number(3),
    };
    // The thread depends on the consumer that gets the item.
    let result = run(
        plan,
        faulty::ends(own::open(number(4)), Fault::PanicInTake(50)),
        &|_| (),
    );
    let Err(Error::Panicked { thread, message }) = result else {
        panic!("{result:?}");
    };
    assert!(thread.starts_with("consumer "), "{thread}");
    assert_eq!(message, "took 50");
}
