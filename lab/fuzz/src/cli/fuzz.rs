// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab fuzz`: compares modules with their models, in turn, until the time is up or a difference is
//! found.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use anstream::{print, println};
use lab_build::{kernels::Which, modules::Strictness};
use lab_cli::{green, on_interrupt, red, spawn};
use lab_fuzz::{Found, TARGETS, Tally, Target, target};
use lab_scene::workshop::{Start, Workshop};

/// Operations of one module before the next module's turn. A number, not a time, because a turn
/// must be repeatable.
const TURN: u64 = 10_000;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Duration in minutes.
    #[arg(long, env = "MINUTES", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    minutes: u32,
    /// Seed of the sequences; by default a random one.
    #[arg(long, env = "SEED")]
    seed: Option<u64>,
    /// Only this module.
    #[arg(long, value_name = "NAME", value_parser = module)]
    module: Option<&'static Target>,
}

fn module(name: &str) -> Result<&'static Target, String> {
    let names: Vec<_> = TARGETS.iter().map(|target| target.module).collect();
    target(name).ok_or_else(|| format!("expected one of {}", names.join(", ")))
}

/// Messages of the comparing thread.
enum Event {
    /// With the seed of the turn.
    Found(&'static Target, u64, Found),
    Broken(String),
    Done,
    /// Ctrl-C, or make has ended.
    Interrupted,
}

pub(crate) fn run(
    arguments: &Arguments,
    which: Option<Which>,
    start: Start,
) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(which, start)?;
    workshop.all_modules(Strictness::Normal)?;
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..));
    println!(
        "kernel {}, {} minutes, seed {seed}",
        workshop.kernel, arguments.minutes
    );
    let (tell, events) = channel();
    let interrupts = tell.clone();
    on_interrupt(move || drop(interrupts.send(Event::Interrupted)))?;
    let deadline = Instant::now() + Duration::from_secs(60) * arguments.minutes;
    let targets: Vec<&'static Target> = match arguments.module {
        Some(only) => vec![only],
        None => TARGETS.iter().collect(),
    };
    let tallies: Arc<Vec<_>> = Arc::new(
        targets
            .into_iter()
            .map(|target| (target, Tally::default()))
            .collect(),
    );
    let counted = tallies.clone();
    spawn("machine", move || {
        go_on(&workshop, seed, deadline, &tallies, &tell);
    })?;
    Ok(listen(&events, &counted))
}

/// One module after the other. Each turn has a seed of its own, and the first has the given one, so
/// that a turn can be repeated.
fn go_on(
    workshop: &Workshop,
    seed: u64,
    deadline: Instant,
    tallies: &[(&'static Target, Tally)],
    tell: &Sender<Event>,
) {
    let mut seeds = fastrand::Rng::with_seed(seed);
    let mut seed = seed;
    let event = 'over: loop {
        for (target, tally) in tallies {
            let over = || Instant::now() >= deadline;
            if over() {
                break 'over Event::Done;
            }
            let operations = |tally: &Tally| tally.operations.load(Ordering::Relaxed);
            let end = operations(tally) + TURN;
            let mut enough = |tally: &Tally| over() || operations(tally) >= end;
            match target.compare(workshop, seed, tally, &mut enough) {
                Ok(None) => {}
                Ok(Some(found)) => break 'over Event::Found(target, seed, found),
                Err(error) => break 'over Event::Broken(error.to_string()),
            }
        }
        seed = seeds.u64(..);
    };
    // The receiver has gone: the program is about to end.
    let _ = tell.send(event);
}

/// Wait for the end, and print a summary.
fn listen(events: &Receiver<Event>, tallies: &[(&'static Target, Tally)]) -> ExitCode {
    let event = events.recv().unwrap_or(Event::Done);
    for (target, tally) in tallies {
        println!("{}: {tally}", target.module);
    }
    let mut found = tallies.iter().map(|(_, tally)| &tally.found);
    let shrinking = found.any(|found| found.load(Ordering::Relaxed));
    match event {
        Event::Done => {
            println!("{}", green("all answers are those of the models"));
            return ExitCode::SUCCESS;
        }
        Event::Interrupted if shrinking => {
            let why =
                "interrupted while a difference was being shrunk; repeat it with the same seed";
            println!("{}", red(why));
        }
        Event::Interrupted => {
            let why = "interrupted; all answers so far were those of the models";
            println!("{}", green(why));
            return ExitCode::SUCCESS;
        }
        Event::Broken(why) => println!("{} {why}", red("no machine:")),
        Event::Found(target, seed, found) => {
            println!("{}", red(format!("{} and its model differ", target.module)));
            print!("{found}");
            println!(
                "to repeat it: lab/lab.sh fuzz --module {} --seed {seed}",
                target.module
            );
        }
    }
    ExitCode::FAILURE
}
