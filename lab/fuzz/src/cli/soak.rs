// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab soak`: repeats scenarios until the time is up, each on a machine of its own and with a new
//! seed.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    time::{Duration, Instant},
};

use anstream::println;
use anyhow::{Context, bail};
use lab_build::{kernels::Which, modules::Strictness};
use lab_cli::{green, on_interrupt, red, spawn};
use lab_scene::{
    Scenario,
    transcript::{Entry, Status, Transcript},
    workshop::{Start, Workshop},
};
use lab_stages::soak;
use nix::sys::signal::SigSet;

/// Number of machines that run at the same time.
const MACHINES: usize = 2;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Duration in minutes. Scenarios that have begun by then are finished.
    #[arg(long, env = "MINUTES", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    minutes: u32,
    /// Only this scenario, once.
    #[arg(long, value_name = "ID")]
    scenario: Option<String>,
    /// The seed with which to repeat it.
    #[arg(long, requires = "scenario")]
    seed: Option<u64>,
}

/// Messages of the threads that use machines.
enum Event {
    /// A scenario has ended.
    Ended(Run),
    /// A machine could not be started.
    Broken(String),
    /// One of the threads has ended.
    Done,
    /// Ctrl-C, or make has ended.
    Interrupted,
}

/// One scenario on one machine.
struct Run {
    scenario: &'static Scenario,
    seed: u64,
    took: Duration,
    transcript: Transcript,
    healthy: bool,
}

impl Run {
    /// Whether the run found nothing wrong.
    fn is_clean(&self) -> bool {
        self.healthy && self.transcript.status() == Status::Pass
    }
}

pub(crate) fn run(
    arguments: &Arguments,
    which: Option<Which>,
    start: Start,
) -> anyhow::Result<ExitCode> {
    let only = match &arguments.scenario {
        Some(id) => Some(soak::find(id).with_context(|| format!("unknown scenario {id}"))?),
        None => None,
    };
    let workshop = Workshop::open(which, start)?;
    // Once, and not on both machines at the same time.
    workshop.all_modules(Strictness::Normal)?;
    if let Some(scenario) = only {
        return repeat(scenario, arguments.seed, &workshop);
    }
    println!(
        "kernel {}, {MACHINES} machines at a time, {} minutes; to repeat a run: lab/lab.sh soak --scenario ID --seed N",
        workshop.kernel, arguments.minutes
    );
    let deadline = Instant::now() + Duration::from_secs(60) * arguments.minutes;
    let (tell, events) = channel();
    let interrupts = tell.clone();
    on_interrupt(move || drop(interrupts.send(Event::Interrupted)))?;
    let workshop = Arc::new(workshop);
    let stop = Arc::new(AtomicBool::new(false));
    let next = Arc::new(AtomicUsize::new(0));
    for _ in 0..MACHINES {
        let (workshop, next) = (workshop.clone(), next.clone());
        let (stop, tell) = (stop.clone(), tell.clone());
        spawn("machine", move || {
            go_through(&workshop, &next, &stop, &tell);
        })?;
    }
    Ok(listen(&events, deadline, &stop))
}

/// One scenario after the other; each thread takes the next one.
fn go_through(workshop: &Workshop, next: &AtomicUsize, stop: &AtomicBool, tell: &Sender<Event>) {
    let scenarios: Vec<_> = soak::all().collect();
    while !stop.load(Ordering::Relaxed) {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let scenario = scenarios[at % scenarios.len()];
        let seed = fastrand::u64(..);
        let begin = Instant::now();
        let event = match workshop.carry_out(scenario, seed, &mut |_| ()) {
            Ok(ended) => Event::Ended(Run {
                scenario,
                seed,
                took: begin.elapsed(),
                transcript: ended.transcript,
                healthy: ended.healthy,
            }),
            Err(error) => Event::Broken(error.to_string()),
        };
        let broken = matches!(event, Event::Broken(_));
        // The receiver has gone: the program is about to end.
        if tell.send(event).is_err() || broken {
            break;
        }
    }
    let _ = tell.send(Event::Done);
}

/// Count runs as they end, until all threads have ended or the program is interrupted.
fn listen(events: &Receiver<Event>, deadline: Instant, stop: &AtomicBool) -> ExitCode {
    let (mut runs, mut operations, mut found, mut working) = (0, 0, 0, MACHINES);
    let mut broken = false;
    let mut interrupted = false;
    while working > 0 && !interrupted {
        let left = deadline.saturating_duration_since(Instant::now());
        let event = if stop.load(Ordering::Relaxed) {
            events.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            events.recv_timeout(left)
        };
        match event {
            Ok(Event::Ended(run)) => {
                runs += 1;
                operations += soak::operations(run.scenario);
                found += usize::from(!run.is_clean());
                show(&run);
            }
            Ok(Event::Done) => working -= 1,
            Ok(Event::Broken(why)) => {
                broken = true;
                println!("{} {why}", red("no machine:"));
            }
            Ok(Event::Interrupted) => interrupted = true,
            Err(RecvTimeoutError::Timeout) => stop.store(true, Ordering::Relaxed),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    // Unfinished runs count neither as done nor as found.
    let unfinished = if interrupted {
        ", interrupted: unfinished runs are not counted"
    } else {
        ""
    };
    let line = format!(
        "{runs} runs, each on a machine of its own; {operations} random operations; {found} reports{unfinished}"
    );
    if found == 0 && !broken {
        println!("{}", green(line));
        ExitCode::SUCCESS
    } else {
        println!("{}", red(line));
        ExitCode::FAILURE
    }
}

/// One line for a run, with its reports.
fn show(run: &Run) {
    let status = run.transcript.status();
    let line = format!(
        "{status:<7} {} --seed {} ({:.0} s)",
        run.scenario.id,
        run.seed,
        run.took.as_secs_f64()
    );
    if run.is_clean() {
        println!("{line}");
        return;
    }
    println!("{}", red(line));
    for verdict in run.transcript.verdicts() {
        if verdict.status != Status::Pass {
            println!("{}", Entry::Verdict(verdict.clone()));
        }
    }
    if !run.healthy {
        println!("   the scenario has changed the state of the machine");
    }
}

/// Carry out a scenario once, and print its whole record.
fn repeat(
    scenario: &'static Scenario,
    seed: Option<u64>,
    workshop: &Workshop,
) -> anyhow::Result<ExitCode> {
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    SigSet::all()
        .thread_unblock()
        .context("unblocking signals")?;
    let begin = Instant::now();
    let ended = workshop.carry_out(scenario, seed, &mut lab_cli::show)?;
    let run = Run {
        scenario,
        seed,
        took: begin.elapsed(),
        transcript: ended.transcript,
        healthy: ended.healthy,
    };
    show(&run);
    if !run.is_clean() {
        bail!("{} with seed {seed} did not pass", scenario.id);
    }
    Ok(ExitCode::SUCCESS)
}
