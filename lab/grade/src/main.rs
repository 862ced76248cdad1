// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab-grade`: grading, hints, starters and mutants; and doctor, which tries all of the lab. `lab/lab.sh` calls it.

mod cli {
    pub(crate) mod arguments;
    pub(crate) mod array;
    pub(crate) mod batch;
    pub(crate) mod best_kernel;
    pub(crate) mod board;
    pub(crate) mod children;
    pub(crate) mod completions;
    pub(crate) mod doctor;
    pub(crate) mod ending;
    pub(crate) mod grade;
    pub(crate) mod hint;
    pub(crate) mod outputs;
    pub(crate) mod prepare;
    pub(crate) mod remember;
    pub(crate) mod request;
    pub(crate) mod starter;
    pub(crate) mod submission;
    pub(crate) mod tally;
    pub(crate) mod verify;
    pub(crate) mod worker;
}

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use lab_cli::Wish;

use cli::{arguments, array, completions, doctor, hint, request, starter, verify};

/// Judges submissions, and makes what a course needs.
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
    /// Grade a submission, several, or without one this tree. Exit status: 0 full score, 1 points lost,
    /// 2 usage or unreadable submission, 3 the machinery failed. Of a batch: 0 all were graded, 1 some
    /// could not be graded, 2 usage, 3 the machinery failed, or was interrupted.
    #[command(after_help = arguments::EXAMPLES)]
    Grade(Box<arguments::Arguments>),
    /// The steps of a batch, for lab/slurm/grade.sh.
    #[command(hide = true)]
    Array {
        #[command(subcommand)]
        step: array::Step,
    },
    /// Print the next hint for a check.
    Hint {
        /// Its id as in a report, or a part of it; without it, the first check that failed.
        #[arg(default_value = "")]
        check: String,
    },
    /// Write the tree that students begin with: the solutions without what they are to write.
    Starter(starter::Arguments),
    /// Carry out what a teacher relies on.
    Verify {
        /// What.
        #[arg(value_enum)]
        what: verify::What,
        /// Of the mutants, only those whose name or file contains this.
        filter: Option<String>,
    },
    /// Check kernels, KVM, disk and memory.
    Doctor,
    /// Write shell completions and a man page of lab/grade.sh below your home.
    Completions,
}

/// What `lab/grade.sh` accepts.
fn grade_command() -> clap::Command {
    let arguments = arguments::Arguments::augment_args;
    Wish::augment_args(arguments(clap::Command::new("grade")))
        .about("Grade submissions")
        .after_help(arguments::EXAMPLES)
}

fn main() -> ExitCode {
    lab_cli::main(|Arguments { wish, command }| match command {
        Command::Grade(arguments) => request::run(&arguments, wish.kernel, wish.start),
        Command::Array { step } => array::run(&step, wish.kernel, wish.start),
        Command::Hint { check } => hint::run(&check),
        Command::Starter(arguments) => starter::run(&arguments),
        Command::Verify { what, filter } => {
            let filter = filter.unwrap_or_default();
            verify::run(what, &filter, wish.kernel, wish.start)
        }
        Command::Doctor => doctor::run(wish.kernel),
        Command::Completions => completions::run(grade_command()),
    })
}
