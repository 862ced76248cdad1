// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the library of part 1 does that does not show in its program: threads that are told what to
//! do with a buffer, and runs over a buffer that does wrong. Whether that is right is the host's to
//! say: here is nothing that knows it.
//!
//! It knows the library by what the starter gives, and nothing of what students write.

mod ends;
// The same faults as in the tests of our own crate.
#[path = "../../../part1-threads/tests/faulty/mod.rs"]
mod faulty;

use std::{
    io::{stderr, stdout},
    num::NonZeroUsize,
    process::ExitCode,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use clap::{Parser, Subcommand, ValueEnum};
use part1_threads::{
    buffer::{Closed, Put, Take, crossbeam, mpsc, mutex::Buffer, own},
    report::{finish, summary},
    run::{Plan, run},
};

use faulty::Fault;

/// Drive the library of part 1 and report what it does.
#[derive(Parser)]
#[command(name = "lab-threads", version)]
struct Arguments {
    /// Which buffer.
    #[arg(long, value_enum)]
    buffer: Kind,
    /// How many items it holds.
    #[arg(long)]
    capacity: NonZeroUsize,
    /// How many threads have an end to put.
    #[arg(long)]
    producers: NonZeroUsize,
    /// How many threads have an end to take.
    #[arg(long)]
    consumers: NonZeroUsize,
    #[command(subcommand)]
    order: Order,
}

#[derive(Subcommand)]
enum Order {
    /// The threads do what stdin says, a line each, as in `producer 1: put 7`.
    Ends,
    /// The threads are those of a run.
    Run {
        /// How many items in all.
        #[arg(long)]
        items: u64,
        /// What the buffer does wrong.
        #[arg(long, value_enum)]
        fault: What,
        /// At which item.
        #[arg(long, default_value_t = 0)]
        at: u64,
        /// Instead of the result, print the items that were taken, in ascending order.
        #[arg(long)]
        list: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// Our own, without ends: who closes it closes it for all.
    Plain,
    /// Our own.
    Mutex,
    /// A channel of crossbeam-channel.
    Crossbeam,
    /// A channel of the standard library.
    Std,
}

/// See [`Fault`].
#[derive(Clone, Copy, ValueEnum)]
enum What {
    None,
    Swap,
    Lose,
    Repeat,
    EndBefore,
    PanicInPut,
    PanicInTake,
}

impl What {
    fn at(self, item: u64) -> Fault {
        match self {
            What::None => Fault::None,
            What::Swap => Fault::Swap(item),
            What::Lose => Fault::Lose(item),
            What::Repeat => Fault::Repeat(item),
            What::EndBefore => Fault::EndBefore(item),
            What::PanicInPut => Fault::PanicInPut(item),
            What::PanicInTake => Fault::PanicInTake(item),
        }
    }
}

/// Either end of a buffer without ends.
#[derive(Clone)]
struct Plain(Arc<Buffer<u64>>);

impl Put<u64> for Plain {
    fn put(&mut self, item: u64) -> Result<(), Closed<u64>> {
        self.0.put(item)
    }

    fn close(&mut self) {
        self.0.close();
    }
}

impl Take<u64> for Plain {
    fn take(&mut self) -> Option<u64> {
        self.0.take()
    }
}

/// An end that may remember what was taken.
#[derive(Clone)]
struct Listed<T> {
    end: T,
    taken: Option<Arc<Mutex<Vec<u64>>>>,
}

impl<T: Take<u64>> Take<u64> for Listed<T> {
    fn take(&mut self) -> Option<u64> {
        let item = self.end.take()?;
        if let Some(taken) = &self.taken {
            lock(taken).push(item);
        }
        Some(item)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let capacity = arguments.capacity;
    match arguments.buffer {
        Kind::Plain => {
            let plain = Plain(Arc::new(Buffer::new(capacity)));
            carry_out(&arguments, (plain.clone(), plain))
        }
        Kind::Mutex => carry_out(&arguments, own::open(capacity)),
        Kind::Crossbeam => carry_out(&arguments, crossbeam::open(capacity)),
        Kind::Std => carry_out(&arguments, mpsc::open(capacity)),
    }
}

/// Drive the two ends of a buffer.
fn carry_out<P, T>(arguments: &Arguments, ends: (P, T)) -> anyhow::Result<ExitCode>
where
    P: Put<u64> + 'static,
    T: Take<u64> + 'static,
{
    let (producers, consumers) = (arguments.producers, arguments.consumers);
    match arguments.order {
        Order::Ends => ends::serve(ends, producers.get(), consumers.get()),
        // Nobody would close it.
        Order::Run { .. } if matches!(arguments.buffer, Kind::Plain) => {
            anyhow::bail!("expected a buffer with ends, found plain")
        }
        Order::Run {
            items,
            fault,
            at,
            list,
        } => {
            let plan = Plan {
                items,
                producers,
                consumers,
            };
            // What the run says of a panic counts, not what the standard library does.
            std::panic::set_hook(Box::new(|_| ()));
            let (putter, taker) = faulty::ends(ends, fault.at(at));
            let taken = list.then(Arc::default);
            let taker = Listed {
                end: taker,
                taken: taken.clone(),
            };
            let result = run(plan, (putter, taker), &|_| ());
            let text = result.map(|duration| match taken {
                Some(taken) => {
                    let mut taken = lock(&taken);
                    taken.sort_unstable();
                    format!("taken: {taken:?}")
                }
                None => summary(plan, arguments.capacity.get(), "faulty", duration),
            });
            Ok(finish(text, &mut stdout(), &mut stderr())?)
        }
    }
}
