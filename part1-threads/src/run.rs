// SPDX-License-Identifier: MIT OR Apache-2.0
//! The threads of a run: they start, work, end, and are always joined.

use std::{
    any::Any,
    num::NonZeroUsize,
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
    thread::{Builder, Scope, ScopedJoinHandle, panicking, scope},
    time::{Duration, Instant},
};

use crate::{
    Error,
    buffer::{Put, Take},
    check::Tally,
    shares::Shares,
};

/// Items that a consumer takes between two reports of progress.
const REPORT_EVERY: u64 = 1 << 16;

/// The size of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Number of items in total.
    pub items: u64,
    /// Number of threads that put items in.
    pub producers: NonZeroUsize,
    /// Number of threads that take items out.
    pub consumers: NonZeroUsize,
}

/// Set when a thread has failed. Relaxed, because it only makes the others stop sooner.
#[derive(Default)]
struct Failed(AtomicBool);

impl Failed {
    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Stops the other threads if its thread panics.
struct Witness<'a>(&'a Failed);

impl Drop for Witness<'_> {
    fn drop(&mut self) {
        if panicking() {
            self.0.set();
        }
    }
}

/// Carry out a plan over the two ends of a buffer and return its duration. Blocks until all threads
/// have ended. `taken` is called from time to time with the number of items taken since.
///
/// No thread waits for a failed one, because its end of the buffer is dropped.
///
/// # Errors
/// The error in the items, or the thread that panicked or could not be started.
pub fn run(
    plan: Plan,
    (putter, taker): (impl Put<u64>, impl Take<u64>),
    taken: &(dyn Fn(u64) + Sync),
) -> Result<Duration, Error> {
    let shares = Shares::new(plan.items, plan.producers);
    let consumers = plan.consumers.get();
    let mut tallies = Vec::with_capacity(consumers);
    for _ in 0..consumers {
        tallies.push(match consumers {
            1 => Tally::of_all(&shares),
            _ => Tally::of_some(&shares)?,
        });
    }
    let failed = Failed::default();
    let start = Instant::now();
    scope(|scope| {
        let mut consuming = Vec::with_capacity(consumers);
        let mut producing = Vec::with_capacity(shares.producers());
        let started = (|| {
            for (number, tally) in (1..).zip(tallies) {
                let (taker, failed) = (taker.clone(), &failed);
                let work = move || consume(taker, tally, failed, taken);
                consuming.push(Thread::start(scope, "consumer", number, failed, work)?);
            }
            for number in 1..=shares.producers() {
                let (putter, failed) = (putter.clone(), &failed);
                let items = shares.of(number - 1);
                let work = move || produce(putter, items, failed);
                producing.push(Thread::start(scope, "producer", number, failed, work)?);
            }
            Ok(())
        })();
        // Each thread has ends of its own. The original ends are dropped, so that no thread waits
        // for them.
        drop((putter, taker));
        let mut error = started.err();
        if error.is_some() {
            failed.set();
        }
        let mut ended = Vec::with_capacity(consumers);
        for consumer in consuming {
            match consumer.join().and_then(|result| result) {
                Ok(end) => ended.push(end),
                Err(why) => error = error.or(Some(why)),
            }
        }
        let duration = start.elapsed();
        // An end can be taken back only after all producers have closed theirs.
        let mut left = false;
        let mut tallies = Vec::with_capacity(ended.len());
        for (tally, mut taker) in ended {
            while taker.take().is_some() {
                left = true;
            }
            tallies.push(tally);
        }
        for producer in producing {
            if let Err(why) = producer.join() {
                error = error.or(Some(why));
            }
        }
        match error {
            Some(error) => Err(error),
            None if left => Err(Error::NotEmpty),
            None => Tally::complete(&tallies).map(|()| duration),
        }
    })
}

/// Put a range of items in. If the buffer is already closed, this is not the producer's failure:
/// the consumer that closed it reports one, or items are missing.
fn produce(mut putter: impl Put<u64>, items: Range<u64>, failed: &Failed) {
    // lab:begin produce: put the items in, unless something has failed (T1, T3, T6)
    for item in items {
        if failed.is_set() || putter.put(item).is_err() {
            return;
        }
    }
    // lab:end
}

/// Take items out until the end, and return the end of the buffer and the tally.
fn consume<'a, T: Take<u64>>(
    mut taker: T,
    mut tally: Tally<'a>,
    failed: &Failed,
    taken: &(dyn Fn(u64) + Sync),
) -> Result<(Tally<'a>, T), Error> {
    // lab:begin consume: take until the end, note each, report progress (T2, T3, T8)
    let mut unreported = 0;
    while let Some(item) = taker.take() {
        tally.note(item).inspect_err(|_| failed.set())?;
        unreported += 1;
        if unreported == REPORT_EVERY {
            taken(unreported);
            unreported = 0;
        }
    }
    taken(unreported);
    Ok((tally, taker))
    // lab:end stub: Ok((tally, taker))
}

/// A thread with its name.
struct Thread<'scope, T> {
    name: String,
    handle: ScopedJoinHandle<'scope, T>,
}

impl<'scope, T: Send + 'scope> Thread<'scope, T> {
    fn start(
        scope: &'scope Scope<'scope, '_>,
        role: &str,
        number: usize,
        failed: &'scope Failed,
        work: impl FnOnce() -> T + Send + 'scope,
    ) -> Result<Self, Error> {
        let name = format!("{role} {number}");
        let started = Builder::new()
            .name(name.clone())
            .spawn_scoped(scope, move || {
                let _witness = Witness(failed);
                work()
            });
        match started {
            Ok(handle) => Ok(Thread { name, handle }),
            Err(source) => Err(Error::Start {
                thread: name,
                source,
            }),
        }
    }

    fn join(self) -> Result<T, Error> {
        self.handle.join().map_err(|panic| Error::Panicked {
            message: message(&*panic),
            thread: self.name,
        })
    }
}

/// The message of a panic, if it is a text, as after `panic!`.
fn message(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "without a message".to_owned(),
    }
}
