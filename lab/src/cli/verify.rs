// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab verify`: what a teacher relies on, carried out.

use std::{
    process::ExitCode,
    sync::{Mutex, PoisonError},
    thread,
};

use anstream::println;
use lab::{
    kernels::Which,
    scene::Scenario,
    stages::{STAGES, Stage},
    starter,
    transcript::Status,
    workshop::{Start, Workshop},
};

use super::{green, red};

#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum What {
    /// What students begin with fails, and does nothing worse.
    Starters,
}

/// Machines that run at the same time.
const MACHINES: usize = 2;

/// The seed of all scenarios: another would show nothing else.
const SEED: u64 = 1;

pub(crate) fn run(what: What, which: Option<Which>, start: Start) -> anyhow::Result<ExitCode> {
    match what {
        What::Starters => starters(which, start),
    }
}

/// Carry out all demonstrations and checks on a starter in which nothing has been written yet.
fn starters(which: Option<Which>, start: Start) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(which, start)?;
    let consoles = workshop.paths.build.join("consoles/starter");
    let trying = workshop.trying(starter::build(&workshop)?, &consoles);
    let mut fine = true;
    for stage in STAGES {
        let steps = || stage.steps.iter();
        let shown = carry_out(&trying, steps().map(|step| step.demonstration));
        let checked = carry_out(&trying, steps().flat_map(|step| step.checks));
        fine &= judge(stage, &shown, &checked);
    }
    Ok(if fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Carry out all of these, with a line for each that does not end by what it observes.
fn carry_out(
    workshop: &Workshop,
    scenarios: impl Iterator<Item = &'static Scenario> + Send,
) -> Vec<Status> {
    let waiting = Mutex::new(scenarios);
    let next = || {
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.next()
    };
    let work = || {
        let mut found = Vec::new();
        while let Some(scenario) = next() {
            let (status, why) = match workshop.carry_out(scenario, SEED, &mut |_| ()) {
                Ok(ended) => (ended.transcript.status(), ended.transcript.normalised()),
                Err(error) => (Status::Error, error.to_string()),
            };
            if !matches!(status, Status::Pass | Status::Fail) {
                println!("{}\n{why}", red(format!("{status}  {}", scenario.id)));
            }
            found.push(status);
        }
        found
    };
    thread::scope(|scope| {
        let threads = [(); MACHINES].map(|()| scope.spawn(work));
        let ended = threads.into_iter().map(|thread| thread.join());
        // A thread that panicked has said so.
        ended
            .flat_map(|found| found.unwrap_or(vec![Status::Error]))
            .collect()
    })
}

/// Whether a stage's starter is one: all demonstrations fail, and most checks. Some pass, because
/// students are given what inserts and removes a module.
fn judge(stage: &Stage, shown: &[Status], checked: &[Status]) -> bool {
    let count = |all: &[Status], wanted| all.iter().filter(|&&status| status == wanted).count();
    let unshown = count(shown, Status::Fail);
    let (failed, passed) = (count(checked, Status::Fail), count(checked, Status::Pass));
    let fine = unshown == shown.len() && failed + passed == checked.len() && failed > passed;
    let line = format!(
        "{}: {unshown} of {} demonstrations fail, {failed} of {} checks fail, {passed} pass",
        stage.name,
        shown.len(),
        checked.len()
    );
    println!("{}", if fine { green(line) } else { red(line) });
    fine
}
