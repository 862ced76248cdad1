// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab`: the commands behind the Makefile's targets for students, called by `lab/lab.sh`. Code
//! that only grading, fuzzing or measuring needs is in other programs.

mod console;
mod demo;
mod progress;
mod reset;
mod todo;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use lab_base::paths::Paths;
use lab_build::{
    editor, kernel_build,
    kernels::{Kernel, Which},
    modules::Strictness,
};
use lab_cli::{Wish, red};
use lab_machine::{Start, qemu};
use lab_scene::workshop::Workshop;

/// Boots kernels, inserts modules and checks their behaviour.
#[derive(Parser)]
#[command(name = "lab", bin_name = "lab", version, after_help = OTHERS)]
struct Arguments {
    #[command(flatten)]
    wish: Wish,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show a demonstration: build, boot, insert, run, compare, remove.
    Demo {
        /// Stage, as in `make NAME`.
        stage: String,
        /// Only this step of it.
        #[arg(long, env = "STEP")]
        step: Option<String>,
    },
    /// List what is left to write, in order, with the clauses in words.
    Todo {
        /// Only this stage.
        #[arg(long, env = "STAGE")]
        stage: Option<String>,
    },
    /// Show how far you are: tasks, checks and points of each step, and what is next.
    Progress,
    /// Give back the first text of a task. The old file is kept in build/replaced/.
    Reset {
        /// Its name; several are separated by commas.
        #[arg(env = "TASK")]
        task: String,
    },
    /// Print the solution of a task, if the teacher's starter has it.
    Solution {
        /// Its name.
        #[arg(env = "TASK")]
        task: String,
    },
    /// Build the lab or the debug kernel from the distribution's source.
    Kernel,
    /// Build all modules and programs.
    Modules {
        /// With W=1 C=1, and every warning an error.
        #[arg(long)]
        strict: bool,
    },
    /// Write compile_commands.json, from which clangd knows how each C file in kernel/ is compiled.
    Editor,
    /// Open a shell in a machine.
    Shell,
    /// Print the first report in a saved kernel log: exit status 0 none, 1 a report, 2 the file
    /// cannot be read or is not the log of a kernel.
    Console {
        /// The log: a console as in build/consoles/, or what dmesg, journalctl or syslog write.
        file: PathBuf,
    },
}

/// Commands that `lab/lab.sh` gives to other programs.
const OTHERS: &str = "\
With lab/lab.sh also: grade, hint, starter, verify, doctor; watch; soak, fuzz; bench, bench-machines.";

fn main() -> ExitCode {
    lab_cli::main(run)
}

fn run(Arguments { wish, command }: Arguments) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo { stage, step } => {
            let step = step.filter(|step| !step.is_empty());
            demo::run(
                lab_stages::stage_named(&stage)?,
                step.as_deref(),
                wish.kernel,
                wish.start,
            )
        }
        Command::Todo { stage } => todo::run(stage.as_deref().filter(|name| !name.is_empty())),
        Command::Progress => progress::run(),
        Command::Reset { task } => reset::run(&task),
        Command::Solution { task } => reset::solution(&task),
        Command::Kernel => {
            let which = wish.kernel.unwrap_or(Which::Lab);
            let plan = kernel_build::Plan::new(&Paths::find()?, which)?;
            let known = plan.is_complete();
            plan.build()?;
            println!(
                "the {which} kernel is {} in {}",
                if known { "there already," } else { "built," },
                plan.objects.display()
            );
            Ok(ExitCode::SUCCESS)
        }
        Command::Modules { strict } => {
            let strictness = if strict {
                Strictness::Strict
            } else {
                Strictness::Normal
            };
            let workshop = Workshop::open(wish.kernel, Start::Cold)?;
            for module in workshop.all_modules(strictness)? {
                println!("{}", module.display());
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Editor => {
            let paths = Paths::find()?;
            let kernel = Kernel::find(&paths, wish.kernel)?;
            let (file, count) = editor::write(&paths, &kernel)?;
            println!("{}: {count} files, for kernel {kernel}", file.display());
            println!("clangd reads it; rust-analyzer needs Cargo.toml only");
            Ok(ExitCode::SUCCESS)
        }
        Command::Shell => {
            let launch = Workshop::open(wish.kernel, Start::Cold)?.shell()?;
            println!(
                "modules and programs are in /lab; try: insmod /lab/nl_pubsub.ko; leave with exit"
            );
            Err(qemu::become_qemu(&launch).into())
        }
        Command::Console { file } => match console::run(&file, wish.kernel) {
            Err(error) => {
                anstream::eprintln!("{}: {error:#}", red("lab"));
                Ok(ExitCode::from(2))
            }
            found => found,
        },
    }
}
