// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab verify`: what a teacher relies on, carried out.

use std::{
    collections::HashSet,
    iter, panic,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use anstream::{print, println};
use anyhow::ensure;
use lab_base::progress;
use lab_build::kernels::Which;
use lab_cli::{green, red};
use lab_course::{
    mutants::{self, Mutant},
    starter,
};
use lab_grade::{
    again::Elsewhere,
    compilers::Compilers,
    intake,
    report::{MachineInfo, Report},
    rubric::{Check, Rubric},
    run::Runner,
    safe_text::SafeText,
    submitted::{self, Submitted},
};
use lab_scene::{
    LooksAt, Scenario,
    transcript::Status,
    workshop::{Start, Workshop},
};
use lab_stages::{STAGES, Stage};

use super::tally::{Tally, clause};

#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum What {
    /// What students begin with fails, and does nothing worse.
    Starters,
    /// The grader catches each wrong variant of the solutions in the checks that it names.
    Mutants,
}

/// How long one check may take.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Machines that run at the same time, each with a scenario or a mutant of its own.
const AT_ONCE: usize = 2;

/// The seed of all scenarios: another would show nothing else.
const SEED: u64 = 1;

pub(crate) fn run(
    what: What,
    filter: &str,
    which: Option<Which>,
    start: Start,
) -> anyhow::Result<ExitCode> {
    match what {
        What::Starters => starters(which, start),
        What::Mutants => mutants(filter, which, start),
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

/// Grade each mutant as if it had been handed in: the checks that it names catch it, and no other
/// clause's blames it.
fn mutants(filter: &str, which: Option<Which>, start: Start) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(which, start)?;
    let checkout = &workshop.paths.checkout;
    let mut all = mutants::all(checkout)?;
    // `lab fuzz` finds those that only random operations show.
    all.retain(|mutant| {
        mutant
            .caught_by
            .iter()
            .any(|id| lab_stages::find(id).is_some())
    });
    all.retain(|mutant| {
        let file = mutant.file.to_string_lossy();
        mutant.name.contains(filter) || file.contains(filter)
    });
    let bar = progress::bar("grading mutants", all.len() as u64);
    // While one is compiled on one processor, another is graded on the other.
    let tally = Mutex::new(Tally::default());
    let caught = side_by_side(all.iter(), |mutant| {
        let wrong = wrong(&workshop, start, mutant, &tally);
        let caught = matches!(&wrong, Ok(wrong) if wrong.is_empty());
        bar.suspend(|| match wrong {
            Ok(_) if caught => {}
            Ok(wrong) => println!("{} {}: {}", red("wrong"), mutant.name, wrong.join(", ")),
            Err(error) => println!("{} {}: {error:#}", red("error"), mutant.name),
        });
        bar.inc(1);
        caught
    });
    let fine = caught.iter().filter(|&&caught| caught).count();
    bar.finish_and_clear();
    let line = format!(
        "{fine} of {} mutants are caught where they are to be",
        all.len()
    );
    let (line, code) = if fine == all.len() {
        (green(line), ExitCode::SUCCESS)
    } else {
        (red(line), ExitCode::FAILURE)
    };
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    print!("{}", tally.tables());
    println!("{line}");
    Ok(code)
}

/// What is wrong with how a mutant is graded: checks that are to catch it and do not, and checks of
/// other clauses that fail.
fn wrong(
    workshop: &Workshop,
    start: Start,
    mutant: &Mutant,
    tally: &Mutex<Tally>,
) -> anyhow::Result<Vec<String>> {
    let directory = tempfile::tempdir()?;
    mutant.hand_in(&workshop.paths.checkout, directory.path())?;
    let submission = intake::open(directory.path())?;
    let mut rubric = Rubric::builtin()?;
    let stages = submitted::stages(&submission);
    // The others try what was not handed in.
    let tries = |check: &Check| {
        if check.scenario.looks_at == LooksAt::Programs {
            return !submission.programs.is_empty();
        }
        let mut modules = lab_stages::step_of(&check.id)
            .into_iter()
            .flat_map(|step| step.modules);
        modules.any(|&name| submission.modules.contains_key(name))
    };
    rubric.keep(|stage, check| stages.contains(&stage) && tries(check));
    let named = rubric
        .checks()
        .any(|check| mutant.caught_by.contains(&check.id));
    ensure!(named, "none of its checks is graded");
    // Each check is carried out, whatever its parent shows.
    rubric.without_parents();
    let build = |workshop: &Workshop| {
        Submitted::build(workshop, &submission, &stages, directory.path(), TIMEOUT)
    };
    let submitted = build(workshop)?;
    for remark in &submitted.remarks {
        ensure!(!remark.text.contains("does not build"), "{}", remark.text);
    }
    let machine = MachineInfo {
        accelerator: "",
        cpu: SafeText::default(),
        start: "",
        compilers: Compilers::default(),
    };
    let report = Mutex::new(Report::new("", SEED, "", machine, &rubric));
    let runner = Runner {
        submitted,
        elsewhere: Elsewhere::than(workshop, start, build)?,
        timeout: TIMEOUT,
        interrupted: Arc::default(),
        machines: 1,
    };
    runner.carry_out(&rubric, &report, |_| ());
    let report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut guilty: HashSet<String> = mutant.caught_by.iter().map(|id| clause(id)).collect();
    tally
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .add(&report, &guilty);
    guilty.extend(mutant.also.iter().flat_map(|also| also.clauses.clone()));
    let wrong = report.checks().filter_map(|check| {
        use Status::{Blocked, Crash, Error, Fail, Pass, Timeout};
        let named = mutant.caught_by.contains(&check.id);
        match check.outcome.status {
            Crash | Fail | Timeout if guilty.contains(&clause(&check.id)) => None,
            // It tries a part that was not handed in.
            Blocked if !named => None,
            Pass if !named => None,
            Pass | Blocked => Some(format!("{} does not catch it", check.id)),
            status @ (Crash | Fail | Timeout) => Some(format!("{} blames it: {status}", check.id)),
            status @ Error => Some(format!("{}: {status}", check.id)),
        }
    });
    Ok(wrong.collect())
}

/// Carry out all of these, with a line for each that does not end by an observation.
fn carry_out(
    workshop: &Workshop,
    scenarios: impl Iterator<Item = &'static Scenario> + Send,
) -> Vec<Status> {
    side_by_side(scenarios, |scenario| {
        let (status, why) = match workshop.carry_out(scenario, SEED, &mut |_| ()) {
            Ok(ended) => (ended.transcript.status(), ended.transcript.normalised()),
            Err(error) => (Status::Error, error.to_string()),
        };
        if !matches!(status, Status::Pass | Status::Fail) {
            println!("{}\n{why}", red(format!("{status}  {}", scenario.id)));
        }
        status
    })
}

/// The result of each of these, [`AT_ONCE`] at a time, in any order.
fn side_by_side<T, R: Send>(
    items: impl Iterator<Item = T> + Send,
    each: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let waiting = Mutex::new(items);
    let next = || {
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.next()
    };
    let work = || iter::from_fn(next).map(&each).collect::<Vec<_>>();
    thread::scope(|scope| {
        let threads = [(); AT_ONCE].map(|()| scope.spawn(work));
        let ended = threads.into_iter().map(|thread| thread.join());
        ended
            .flat_map(|found| found.unwrap_or_else(|panic| panic::resume_unwind(panic)))
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
