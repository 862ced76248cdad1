// SPDX-License-Identifier: MIT OR Apache-2.0
//! Measures slot and router, and the kernel's own mechanisms, inside the machine. Both modules must
//! be inserted. The compared ways are measured in turns of a few milliseconds. So a busy moment of
//! the host spoils few samples, and not those of one way only.

mod clock;
mod fan_out;
mod message;
mod slot;
mod work;

use std::{
    io::{Write, stdout},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context;
use clap::Parser;
use lab_bench::{Sample, Spent};
use nix::{
    sched::{CpuSet, sched_setaffinity},
    unistd::Pid,
};

/// Measure slot and router, and print one JSON value per measurement.
#[derive(Parser)]
#[command(name = "lab-bench", version)]
struct Arguments {
    /// A directory for device nodes.
    directory: PathBuf,
    /// Number of rounds of each time.
    #[arg(long, default_value_t = 101, value_parser = clap::value_parser!(u64).range(1..=1000))]
    rounds: u64,
    /// As little work as possible, to test that everything is measured.
    #[arg(long)]
    quick: bool,
}

fn main() -> ExitCode {
    match measure(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lab-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    stay_on_one_processor().context("sched_setaffinity")?;
    let work = work::Work::new(arguments.rounds, arguments.quick);
    let mut slots = slot::Slots::new(&arguments.directory);
    // Printed at the end, because the reader of a line would take the processor from the next
    // sample.
    let mut samples = Vec::new();
    message::run(&work, &mut slots, &mut samples)?;
    slot::lookup(&work, &mut slots, &mut samples)?;
    slot::memory(&work, &mut slots, &mut samples)?;
    fan_out::run(&work, &mut samples)?;
    forget_ticks(&mut samples);
    print(&samples).context("writing to stdout")
}

/// A move to another processor would be measured, too. The last processor is used, because the
/// first handles the interrupts.
fn stay_on_one_processor() -> anyhow::Result<()> {
    let mut set = CpuSet::new();
    set.set(std::thread::available_parallelism()?.get() - 1)?;
    sched_setaffinity(Pid::from_raw(0), &set)?;
    Ok(())
}

/// If the scheduler's clock is only as fine as the timer's tick, processor times are useless: zero
/// or a whole tick. This is so on emulated machines with the stock kernel.
fn forget_ticks(samples: &mut [Sample]) {
    let times = || samples.iter().map(|sample| sample.spent);
    if !times().any(|spent| {
        matches!(
            spent,
            Spent::Time {
                cpu_ns: Some(0),
                ..
            }
        )
    }) {
        return;
    }
    for sample in samples {
        if let Spent::Time { cpu_ns, .. } = &mut sample.spent {
            *cpu_ns = None;
        }
    }
}

fn print(samples: &[Sample]) -> anyhow::Result<()> {
    let mut stdout = stdout().lock();
    for sample in samples {
        serde_json::to_writer(&mut stdout, sample)?;
        stdout.write_all(b"\n")?;
    }
    stdout.flush()?;
    Ok(())
}
