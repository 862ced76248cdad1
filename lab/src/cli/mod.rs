// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line of `lab`.

#[path = "../../measure/src/cli/bench.rs"]
mod bench;
#[path = "../../measure/src/cli/bench_machines.rs"]
mod bench_machines;
mod console;
mod demo;
#[path = "../../grade/src/cli/doctor.rs"]
mod doctor;
#[path = "../../fuzz/src/cli/fuzz.rs"]
mod fuzz;
#[path = "../../grade/src/cli/grade.rs"]
mod grade;
#[path = "../../grade/src/cli/hint.rs"]
mod hint;
#[path = "../../fuzz/src/cli/soak.rs"]
mod soak;
#[path = "../../grade/src/cli/starter.rs"]
mod starter;
#[path = "../../grade/src/cli/verify.rs"]
mod verify;

use std::{path::PathBuf, process::ExitCode, thread};

use anstyle::{AnsiColor, Style};
use anyhow::Context;
use clap::{Parser, Subcommand};
use lab_base::paths::Paths;
use lab_build::{kernel_build, kernels::Which, modules::Care};
use lab_machine::qemu;
use lab_scene::workshop::{Start, Workshop};
use nix::sys::signal::{SigSet, Signal};

/// Boots kernels, inserts modules and shows what really happens.
#[derive(Parser)]
#[command(version)]
pub(crate) struct Arguments {
    /// Which kernel; without it `lab` if it is built, else `stock`.
    #[arg(long, env = "KERNEL", global = true, value_enum)]
    kernel: Option<Which>,
    /// How machines come to life: `warm` goes on from a saved one, `cold` boots each.
    #[arg(
        long,
        env = "MACHINE",
        global = true,
        value_enum,
        default_value = "warm"
    )]
    machine: Start,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show a demonstration: build, boot, insert, run, compare, remove.
    Demo {
        /// Which stage, as in `make NAME`.
        stage: String,
        /// Only this step of it.
        #[arg(long, env = "STEP")]
        step: Option<String>,
    },
    /// Build the lab or the debug kernel from the distribution's source.
    Kernel,
    /// Build all modules and programs.
    Modules {
        /// With W=1 C=1, and every warning an error.
        #[arg(long)]
        strict: bool,
    },
    /// Open a shell in a machine.
    Shell,
    /// Say what a saved log of a console has to report: exit status 0 nothing, 1 something, 2 the
    /// file cannot be read.
    Console {
        /// The log, as in build/consoles/.
        file: PathBuf,
    },
    /// Measure buffer, slot and router beside what the system offers.
    Bench,
    /// Measure how long machines of every kernel take to come to life.
    BenchMachines {
        /// How often each saved machine is restored in a row, to see one that fails.
        #[arg(long, default_value_t = 200)]
        restores: usize,
    },
    /// Go through what may meet, and through random requests, until the time is up.
    Soak(soak::Arguments),
    /// Grade a submission, or without one this tree. Exit status: 0 full score, 1 points lost, 2
    /// usage or unreadable submission, 3 the machinery failed.
    Grade(grade::Arguments),
    /// Print the next hint for a check.
    Hint {
        /// Its id, as in a report.
        #[arg(env = "CHECK")]
        check: String,
    },
    /// Compare modules with their models in operations drawn at random, until the time is up.
    Fuzz(fuzz::Arguments),
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
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    die_with_parent().context("asking to be told when make ends")?;
    let which = arguments.kernel;
    match arguments.command {
        Command::Demo { stage, step } => {
            let step = step.filter(|step| !step.is_empty());
            demo::run(&stage, step.as_deref(), which, arguments.machine)
        }
        Command::Kernel => {
            let which = which.unwrap_or(Which::Lab);
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
            let care = if strict { Care::Strict } else { Care::Normal };
            let workshop = Workshop::open(which, Start::Cold)?;
            for module in workshop.all_modules(care)? {
                println!("{}", module.display());
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Shell => {
            let launch = Workshop::open(which, Start::Cold)?.shell()?;
            println!(
                "modules and programs are in /lab; try: insmod /lab/nl_pubsub.ko; leave with exit"
            );
            Err(qemu::become_qemu(&launch).into())
        }
        Command::Console { file } => match console::run(&file, which) {
            Err(error) => {
                anstream::eprintln!("{}: {error:#}", red("lab"));
                Ok(ExitCode::from(2))
            }
            found => found,
        },
        Command::Bench => bench::run(which),
        Command::BenchMachines { restores } => bench_machines::run(restores, which),
        Command::Soak(wish) => soak::run(&wish, which, arguments.machine),
        Command::Hint { check } => hint::run(&check),
        Command::Grade(wish) => grade::run(&wish, which, arguments.machine),
        Command::Fuzz(wish) => fuzz::run(&wish, which, arguments.machine),
        Command::Starter(wish) => starter::run(&wish),
        Command::Verify { what, filter } => {
            let filter = filter.unwrap_or_default();
            verify::run(what, &filter, which, arguments.machine)
        }
        Command::Doctor => doctor::run(which),
    }
}

/// If make is killed, end too, and QEMU with us. Without this a kill -9 of make would leave us
/// running to the end.
fn die_with_parent() -> nix::Result<()> {
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGTERM)
}

/// Have `act` called each time that Ctrl-C is pressed, or when make ends. To be called before there is
/// another thread: all leave these signals to the one that waits for them.
pub(crate) fn on_interrupt(mut act: impl FnMut() + Send + 'static) -> anyhow::Result<()> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    signals.thread_block().context("blocking signals")?;
    spawn("signals", move || {
        while signals.wait().is_ok() {
            act();
        }
    })
}

/// Start a thread that nobody joins.
pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    let spawned = thread::Builder::new().name(name.into()).spawn(work);
    spawned.map(drop).context("starting a thread")
}

/// This host, for whoever compares figures: its processor and how many there are.
pub(crate) fn host() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores of {}", processor())
}

/// What kind of processor this host has.
pub(crate) fn processor() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or("an unknown processor", |(_, name)| name)
        .to_owned()
}

/// Style of the status words.
pub(crate) fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

pub(crate) fn bold(text: impl std::fmt::Display) -> String {
    styled(Style::new().bold(), text)
}

pub(crate) fn red(text: impl std::fmt::Display) -> String {
    styled(AnsiColor::Red.on_default().bold(), text)
}

pub(crate) fn green(text: impl std::fmt::Display) -> String {
    styled(AnsiColor::Green.on_default().bold(), text)
}
