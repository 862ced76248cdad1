// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab-watch`: the program behind `make watch`. `lab/lab.sh` calls it.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lab_cli::Wish;

/// Repeats the demonstration of a step whenever its code is saved.
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
    /// Watch the code of a stage.
    Watch {
        /// Stage, as in `make NAME`.
        #[arg(env = "STAGE")]
        stage: Option<String>,
        /// The step to begin with; by default the first.
        #[arg(long, env = "STEP")]
        step: Option<String>,
    },
    /// Build and carry out at the orders of `watch`.
    #[command(hide = true)]
    Work {
        /// Stage.
        stage: String,
    },
}

fn main() -> ExitCode {
    lab_cli::main(|Arguments { wish, command }| match command {
        Command::Watch { stage, step } => {
            let step = step.filter(|step| !step.is_empty());
            lab_watch::watch(&stage.unwrap_or_default(), step.as_deref(), wish)
        }
        Command::Work { stage } => lab_watch::work(&stage, wish),
    })
}
