// SPDX-License-Identifier: MIT OR Apache-2.0
//! Behaviour of part 1's library that its program does not show: threads that follow orders, and
//! runs over a buffer with mistakes. The host judges the results; this program contains no
//! expectations.
//!
//! It uses only the interfaces that the starter gives, and no code that students write.

mod ends;
// The same faults as in the crate's own tests.
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

/// Drive the library of part 1 and report its behaviour.
#[derive(Parser)]
#[command(name = "lab-threads", version)]
struct Arguments {
    /// The buffer.
    #[arg(long, value_enum)]
    buffer: Kind,
    /// Capacity of the buffer.
    #[arg(long)]
    capacity: NonZeroUsize,
    /// Number of threads that put.
    #[arg(long)]
    producers: NonZeroUsize,
    /// Number of threads that take.
    #[arg(long)]
    consumers: NonZeroUsize,
    #[command(subcommand)]
    order: Order,
}

#[derive(Subcommand)]
enum Order {
    /// The threads follow orders on stdin, one per line, as in `producer 1: put 7`.
    Ends,
    /// The threads of a run.
    Run {
        /// Number of items in total.
        #[arg(long)]
        items: u64,
        /// The mistake of the buffer.
        #[arg(long, value_enum)]
        fault: What,
        /// The item at which it happens.
        #[arg(long, default_value_t = 0)]
        at: u64,
        /// Instead of the result, print the items that were taken, in ascending order.
        #[arg(long)]
        list: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// The student's buffer without ends: closing it closes it for all threads.
    Plain,
    /// The student's buffer with ends.
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

/// An end that can record the items that were taken.
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
        // No thread would close it.
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
            // The run's report of a panic counts, not that of the standard library.
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
