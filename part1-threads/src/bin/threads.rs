// SPDX-License-Identifier: MIT OR Apache-2.0
//! Producers and consumers around a bounded buffer, and its speed.

use std::{
    io::{IsTerminal, stderr, stdout},
    num::NonZeroUsize,
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use part1_threads::{
    Error,
    buffer::{crossbeam, mpsc, own},
    report::{finish, summary, table},
    run::{Plan, run},
};

/// Largest capacity: a buffer of 128 MiB. More makes no sense, and a mistyped number would use up
/// all memory.
const CAPACITY_MAX: usize = 1 << 24;

/// The most threads of a kind. Today's systems can start this many.
const THREADS_MAX: usize = 1024;

/// Let producers put the numbers 0..N into a bounded buffer and consumers take them out, all in one
/// process, and check their order.
#[derive(Parser)]
#[command(name = "threads", version)]
struct Arguments {
    /// Number of items in total.
    #[arg(long, default_value_t = 10_000_000)]
    items: u64,
    /// Capacity of the buffer.
    #[arg(long, default_value = "1024", value_parser = |text: &str| between(text, CAPACITY_MAX))]
    capacity: NonZeroUsize,
    /// Number of threads that put numbers in; each has a share of its own.
    #[arg(long, default_value = "1", value_parser = |text: &str| between(text, THREADS_MAX))]
    producers: NonZeroUsize,
    /// Number of threads that take numbers out.
    #[arg(long, default_value = "1", value_parser = |text: &str| between(text, THREADS_MAX))]
    consumers: NonZeroUsize,
    /// Kind of buffer.
    #[arg(long, value_enum, default_value_t = Kind::Mutex, conflicts_with = "compare")]
    buffer: Kind,
    /// Run all three, one after the other, and compare them.
    #[arg(long)]
    compare: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// A mutex and two condition variables.
    Mutex,
    /// A channel of crossbeam-channel.
    Crossbeam,
    /// A channel of the standard library.
    Std,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Mutex => "mutex",
            Kind::Crossbeam => "crossbeam",
            Kind::Std => "std",
        }
    }
}

/// A number from 1 to `max`.
fn between(text: &str, max: usize) -> Result<NonZeroUsize, String> {
    text.parse()
        .ok()
        .filter(|number: &NonZeroUsize| number.get() <= max)
        .ok_or_else(|| format!("expected a number from 1 to {max}"))
}

fn main() -> ExitCode {
    let result = carry_out(&Arguments::parse());
    finish(result, &mut stdout(), &mut stderr()).unwrap_or(ExitCode::FAILURE)
}

fn carry_out(arguments: &Arguments) -> Result<String, Error> {
    let plan = Plan {
        items: arguments.items,
        producers: arguments.producers,
        consumers: arguments.consumers,
    };
    let capacity = arguments.capacity;
    if !arguments.compare {
        let duration = run_over(arguments.buffer, plan, capacity)?;
        return Ok(summary(
            plan,
            capacity.get(),
            arguments.buffer.name(),
            duration,
        ));
    }
    let mut runs = Vec::new();
    for kind in Kind::value_variants() {
        runs.push((kind.name(), run_over(*kind, plan, capacity)?));
    }
    Ok(table(plan, capacity.get(), &runs))
}

fn run_over(kind: Kind, plan: Plan, capacity: NonZeroUsize) -> Result<Duration, Error> {
    let progress = progress(kind, plan.items);
    let taken = |count| progress.inc(count);
    let result = match kind {
        Kind::Mutex => run(plan, own::open(capacity), &taken),
        Kind::Crossbeam => run(plan, crossbeam::open(capacity), &taken),
        Kind::Std => run(plan, mpsc::open(capacity), &taken),
    };
    progress.finish_and_clear();
    result
}

/// A bar on the terminal; no output unless stdout and stderr are terminals.
fn progress(kind: Kind, items: u64) -> ProgressBar {
    if !stdout().is_terminal() || !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(items).with_prefix(kind.name());
    match ProgressStyle::with_template("{prefix:<10} {bar:40} {percent:>3} % {per_sec}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
