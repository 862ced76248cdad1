// SPDX-License-Identifier: MIT OR Apache-2.0
//! Clause T9: loom tries every interleaving of the buffer's synchronisation, within a bounded
//! number of pre-emptions. The outcomes are reported, and the host judges them. If all threads
//! wait, loom reports this and ends.
//!
//! The first line of stdin is a key, and each line of the result begins with it. The library that is
//! tried can print too, but it has not seen the key.
//!
//! The buffer's source is compiled a second time here, against loom's mutex and condition variable
//! (`sync`).

use std::{
    collections::{BTreeSet, VecDeque},
    io::stdin,
    num::NonZeroUsize,
    process::exit,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use clap::{Parser, ValueEnum};
use loom::{model::Builder, thread};
use part1_threads::Closed;

#[path = "../../../../part1-threads/src/buffer/mutex.rs"]
pub mod mutex;
#[path = "../outcome.rs"]
mod outcome;
mod sync {
    pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
}

use mutex::Buffer;
use outcome::{Explored, FIRST, LATE, Outcome};

/// Try every interleaving of two producers and some consumers.
#[derive(Clone, Copy, Parser)]
#[command(name = "lab-model", version)]
struct Arguments {
    /// Capacity of the buffer.
    #[arg(long)]
    capacity: NonZeroUsize,
    /// Number of items of each producer.
    #[arg(long)]
    each: u32,
    /// Number of consumers. Without consumers, the buffer is closed while producers put.
    #[arg(long)]
    consumers: usize,
    /// How consumers take.
    #[arg(long, value_enum, default_value = "one")]
    taking: Taking,
    /// The most pre-emptions of an interleaving.
    #[arg(long)]
    preemptions: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Taking {
    /// Item by item.
    One,
    /// All available items.
    All,
    /// A single item each, and then the buffer is closed. So no consumer returns to take an item
    /// for which another was not woken.
    Once,
    /// All available items, until it has as many as the buffer holds. So no later take wakes a
    /// producer that was not woken. Both producers together put twice as many.
    Fill,
}

impl Taking {
    /// Whether a consumer that has taken this many items, in this many takes, takes no more.
    fn has_enough(self, takes: usize, items: usize, capacity: NonZeroUsize) -> bool {
        match self {
            Taking::One | Taking::All => false,
            Taking::Once => takes > 0,
            Taking::Fill => items >= capacity.get(),
        }
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    // Before any code of the library runs.
    let mut key = String::new();
    stdin().read_line(&mut key)?;
    let key = key.trim_end();
    // Threads of a model that ends in a deadlock cannot be stopped.
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let said = payload.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| payload.downcast_ref::<&str>().copied());
        eprintln!("lab-model: {}", said.unwrap_or("a panic without a text"));
        exit(1);
    }));
    let outcomes = Arc::new(Mutex::new(BTreeSet::new()));
    let interleavings = Arc::new(AtomicU64::new(0));
    let mut builder = Builder::new();
    builder.preemption_bound = Some(arguments.preemptions);
    {
        let (outcomes, interleavings) = (Arc::clone(&outcomes), Arc::clone(&interleavings));
        builder.check(move || {
            let outcome = model(arguments);
            let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
            outcomes.insert(outcome);
            interleavings.fetch_add(1, Relaxed);
        });
    }
    for outcome in &*outcomes.lock().unwrap_or_else(PoisonError::into_inner) {
        println!("{key}{}", serde_json::to_string(outcome)?);
    }
    let explored = Explored {
        interleavings: interleavings.load(Relaxed),
    };
    println!("{key}{}", serde_json::to_string(&explored)?);
    Ok(())
}

/// One interleaving. Types that are not of `loom` here are shared without its knowledge. They are
/// not part of the model, and access to them must not create interleavings.
fn model(arguments: Arguments) -> Outcome {
    let buffer = Arc::new(Buffer::new(arguments.capacity));
    let closing = Arc::new(AtomicBool::new(false));
    let producers = FIRST.map(|first| {
        let buffer = Arc::clone(&buffer);
        thread::spawn(move || {
            let refused = |item| buffer.put(item).err().map(|Closed(item)| item);
            (first..first + arguments.each)
                .filter_map(refused)
                .collect::<Vec<_>>()
        })
    });
    let start = |_| {
        let (buffer, closing) = (Arc::clone(&buffer), Arc::clone(&closing));
        thread::spawn(move || {
            let (took, ended) = consume(&buffer, arguments);
            (took, ended && !closing.load(Relaxed))
        })
    };
    let mut consumers: Vec<_> = (0..arguments.consumers).map(start).collect();
    let close = || {
        closing.store(true, Relaxed);
        buffer.close();
    };
    if consumers.is_empty() {
        close();
    }
    let mut ended = Vec::new();
    if matches!(arguments.taking, Taking::Once | Taking::Fill) {
        ended.extend(consumers.drain(..).map(joined));
    }
    let mut back: Vec<_> = producers.into_iter().flat_map(joined).collect();
    back.sort_unstable();
    close();
    let late = buffer.put(LATE).err().map(|Closed(item)| item);
    ended.extend(consumers.into_iter().map(joined));
    let (took, early): (_, Vec<_>) = ended.into_iter().unzip();
    Outcome {
        took,
        early: early.contains(&true),
        back,
        left: std::iter::from_fn(|| buffer.take()).collect(),
        late,
    }
}

/// The result of a thread. If it had panicked, this process would have ended.
fn joined<T>(thread: thread::JoinHandle<T>) -> T {
    match thread.join() {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// What a consumer takes, call by call, and whether it has met the end.
fn consume(buffer: &Buffer<u32>, arguments: Arguments) -> (Vec<Vec<u32>>, bool) {
    let Arguments {
        capacity, taking, ..
    } = arguments;
    let mut took: Vec<Vec<u32>> = Vec::new();
    while !taking.has_enough(took.len(), took.iter().map(Vec::len).sum(), capacity) {
        let mut batch = VecDeque::new();
        match taking {
            Taking::One | Taking::Once => batch.extend(buffer.take()),
            Taking::All | Taking::Fill => buffer.take_all(&mut batch),
        }
        if batch.is_empty() {
            return (took, true);
        }
        took.push(batch.into());
    }
    (took, false)
}
