// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab-fuzz`: random operations and scenarios, until the time is up. `lab/lab.sh` calls it.

mod cli {
    pub(crate) mod fuzz;
    pub(crate) mod soak;
}

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lab_cli::Wish;

use cli::{fuzz, soak};

/// Carries out random operations and scenarios until the time is up.
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
    /// Repeat scenarios with concurrent processes and random requests, until the time is up.
    Soak(soak::Arguments),
    /// Compare modules with their models in random operations, until the time is up.
    Fuzz(fuzz::Arguments),
}

fn main() -> ExitCode {
    lab_cli::main(|Arguments { wish, command }| match command {
        Command::Soak(arguments) => soak::run(&arguments, wish.kernel, wish.start),
        Command::Fuzz(arguments) => fuzz::run(&arguments, wish.kernel, wish.start),
    })
}
