// SPDX-License-Identifier: MIT OR Apache-2.0
//! The process that builds the code of a stage and carries out demonstrations, at the orders on its
//! stdin. It reports on stdout.

use std::{
    io::{self, Write},
    path::Path,
    process::ExitCode,
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::Context;
use lab_base::{Error, paths::Paths};
use lab_build::programs::{self, GuestPrograms};
use lab_cli::Wish;
use lab_course::{after::After, plan::Said};
use lab_scene::{perform, transcript::Status, workshop::Workshop};
use lab_stages::{Stage, Step};

use crate::messages::{Beginning, Order, Report};

/// Longest time of a demonstration, for a machine with speed factor 1. The longest takes 3 s.
const LIMIT: Duration = Duration::from_secs(60);

/// The seed of demonstrations, as of `lab demo`.
const SEED: u64 = 1;

/// Carry out orders until there are no more.
///
/// # Errors
/// There is no such stage; stdin and stdout are no pipes of [`crate::watch`].
pub fn work(stage: &str, wish: Wish) -> anyhow::Result<ExitCode> {
    let stage = lab_stages::stage(stage).context("expected the name of a stage")?;
    let checkout = Paths::find()?.checkout;
    let mut worker = Worker {
        stage,
        wish,
        workshop: None,
    };
    for line in io::stdin().lines() {
        let line = line.context("reading an order")?;
        let order: Order = serde_json::from_str(&line).context("expected an order")?;
        let step = stage.steps.iter().find(|step| step.name == order.step);
        let step = step.context("expected the name of a step")?;
        if let Err(error) = worker.carry_out(step, order.programs) {
            // Anything else means that nobody reads the reports.
            tell(&failure(error.downcast()?, &checkout))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

struct Worker {
    stage: &'static Stage,
    wish: Wish,
    /// Opened once: it finds out about kernel, QEMU and host.
    workshop: Option<Workshop>,
}

impl Worker {
    /// Build what has changed, and carry out the demonstration of a step in a new machine, which
    /// starts while the code compiles.
    fn carry_out(&mut self, step: &'static Step, build_programs: bool) -> anyhow::Result<()> {
        let workshop = match &mut self.workshop {
            Some(workshop) => workshop,
            none => {
                let Wish { kernel, start } = self.wish;
                // Without the student's programs, which may not compile.
                none.insert(Workshop::open_with(&[programs::AGENT], kernel, start)?)
            }
        };
        let prepared = thread::scope(|scope| -> anyhow::Result<_> {
            let machine = scope.spawn(|| workshop.machine());
            let programs = match build(workshop, self.stage, step, build_programs) {
                Ok(programs) => programs,
                Err(error) => {
                    // Now, because the machine may take longer.
                    tell(&failure(error, &workshop.paths.checkout))?;
                    return Ok(None);
                }
            };
            tell(&Report::Built)?;
            let panicked =
                |_| Error::Unexpected("the thread that starts a machine has panicked".into());
            let machine = machine.join().map_err(panicked)??;
            Ok(Some((programs, machine)))
        })?;
        let Some((programs, mut machine)) = prepared else {
            return Ok(());
        };
        workshop.replace_programs(programs);
        let after = After::of(&workshop.paths.checkout, self.stage)?;
        let (scenario, why) = after.scenario_of(step);
        tell(&Report::Begun(Beginning {
            kernel: workshop.kernel.to_string(),
            id: scenario.id.to_owned(),
            title: scenario.title.to_owned(),
            why: why.map(str::to_owned),
        }))?;
        // Nothing interrupts it: this process is ended instead.
        machine.limit_all(machine.scaled(LIMIT), &Arc::default());
        let mut told = Ok(());
        let ended = perform(scenario, workshop, &mut machine, SEED, &mut |entry| {
            if told.is_ok() {
                told = tell(&Report::Entry(entry.clone()));
            }
        });
        told?;
        let passed = ended.transcript.status() == Status::Pass;
        let mut said = after.next(&[step], true, passed, workshop.kernel.which);
        if passed {
            said.push(Said::text(""));
            said.extend(after.unseen(&[step]));
        }
        tell(&Report::After(said))?;
        tell(&Report::Ended)
    }
}

/// Build the modules of a step, and the programs of its stage if they may have changed.
fn build(
    workshop: &Workshop,
    stage: &Stage,
    step: &Step,
    build_programs: bool,
) -> lab_base::Result<GuestPrograms> {
    for module in step.modules {
        workshop.module(module)?;
    }
    if build_programs {
        programs::build(&workshop.paths, &[stage.package])
    } else {
        Ok(GuestPrograms::default())
    }
}

/// The report of a run that has come to no demonstration. Files are named as in the checkout, where
/// `make watch` was called.
fn failure(error: Error, checkout: &Path) -> Report {
    match error {
        Error::Compile { what, output } => Report::Compile {
            what,
            output: output.replace(&format!("{}/", checkout.display()), ""),
        },
        error => Report::Failed(error.to_string()),
    }
}

fn tell(report: &Report) -> anyhow::Result<()> {
    let line = serde_json::to_string(report).context("writing a report")?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")
        .and_then(|()| stdout.flush())
        .context("writing a report")
}
