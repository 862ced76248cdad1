// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab-measure`: measures costs. `lab/lab.sh` calls it.

mod cli {
    pub(crate) mod bench;
    pub(crate) mod bench_machines;
}

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lab_cli::Wish;

use cli::{bench, bench_machines};

/// Measures buffers, slots, routers and machines.
#[derive(Parser)]
#[command(name = "lab", bin_name = "lab", version)]
struct Arguments {
    #[command(flatten)]
    wish: Wish,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure buffer, slot and router, and compare them with other mechanisms of the system.
    Bench,
    /// Measure how long machines of every kernel take to start.
    BenchMachines {
        /// How often each saved machine is restored in a row, to find one that fails.
        #[arg(long, default_value_t = 200)]
        restores: usize,
    },
}

fn main() -> ExitCode {
    lab_cli::main(|Arguments { wish, command }| match command {
        Command::Bench => bench::run(wish.kernel),
        Command::BenchMachines { restores } => bench_machines::run(restores, wish.kernel),
    })
}
